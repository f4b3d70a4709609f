"""What every clock does."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from milkrun.clock import Clock, ManualClock, SystemClock

STEP = 0.01  # seconds between sleepers

Pass = Callable[[float], Awaitable[None]]


@pytest.fixture(params=["system", "manual"])
def clock(request: pytest.FixtureRequest) -> tuple[Clock, Pass]:
    """A clock, and the way to let time pass on it."""
    if request.param == "system":
        return SystemClock(), asyncio.sleep
    manual = ManualClock()
    return manual, manual.advance


async def test_a_sleep_ends_once_its_time_is_reached_and_not_before(clock: tuple[Clock, Pass]) -> None:
    time, let_pass = clock
    when = time.now() + STEP

    async def sleeper() -> float:
        await time.sleep_until(when)
        return time.now()

    sleep = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    await let_pass(STEP)
    async with asyncio.timeout(5):
        assert await sleep >= when


async def test_sleepers_wake_in_the_order_of_their_times(clock: tuple[Clock, Pass]) -> None:
    time, let_pass = clock
    began, woken = time.now(), []

    async def sleeper(place: int) -> None:
        await time.sleep_until(began + place * STEP)
        woken.append(place)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for place in (3, 1, 2):
            group.create_task(sleeper(place))
        await let_pass(4 * STEP)
    assert woken == [1, 2, 3]


async def test_a_time_already_past_lets_others_run_and_returns(clock: tuple[Clock, Pass]) -> None:
    time, _ = clock
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await time.sleep_until(time.now() - 1)
    assert ran.is_set()


async def test_a_sleep_that_is_cancelled_leaves_the_others_asleep_until_their_time(clock: tuple[Clock, Pass]) -> None:
    time, let_pass = clock
    when = time.now() + 2 * STEP
    gone, other = (asyncio.create_task(time.sleep_until(at)) for at in (when - STEP, when))
    await asyncio.sleep(0)
    gone.cancel()
    await let_pass(2 * STEP)
    async with asyncio.timeout(5):
        await other
    assert gone.cancelled()
    assert time.now() >= when
