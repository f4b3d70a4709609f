"""Equal questions asked at once are asked once, and nobody's leaving touches the others."""

import asyncio
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.client import ClientError, SingleFlight, UsageError
from tests.support.upstreams import Asked, Scene, scene


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


@pytest.fixture
def flights() -> SingleFlight[int]:
    return SingleFlight()


async def one() -> int:
    return 1


def test_equal_keys_share_one_call_and_others_do_not(loop: Scene, flights: SingleFlight[int]) -> None:
    berlin, paris = Asked[int](), Asked[int]()
    tasks = [loop.begin(flights.do("berlin", berlin)) for _ in range(3)]
    other = loop.begin(flights.do("paris", paris))
    assert (berlin.begun, paris.begun, len(flights)) == (1, 1, 2)
    berlin.answer(1)
    paris.answer(2)
    loop.settle()
    assert [task.result() for task in tasks] == [1, 1, 1]
    assert other.result() == 2
    assert len(flights) == 0


def test_a_call_that_asks_for_its_own_key_is_told_so_instead_of_waiting_for_itself(
    loop: Scene, flights: SingleFlight[int]
) -> None:
    async def again() -> int:
        return await flights.do("berlin", again)

    task = loop.begin(flights.do("berlin", again))
    with pytest.raises(UsageError, match="the call for 'berlin' asks for 'berlin' itself"):
        task.result()
    assert len(flights) == 0


def test_nothing_is_kept_who_comes_later_asks_again(loop: Scene, flights: SingleFlight[int]) -> None:
    for _ in range(2):
        call = Asked[int]()
        task = loop.begin(flights.do("berlin", call))
        call.answer(1)
        loop.settle()
        assert task.result() == call.begun == 1


@pytest.mark.parametrize("leaving", [0, 1])
def test_one_that_is_cancelled_leaves_the_call_to_the_others(
    loop: Scene, flights: SingleFlight[int], leaving: int
) -> None:
    call = Asked[int]()
    tasks = [loop.begin(flights.do("berlin", call)) for _ in range(2)]
    loop.cancel(tasks[leaving])
    assert tasks[leaving].cancelled()
    call.answer(1)
    loop.settle()
    assert tasks[1 - leaving].result() == 1


def test_the_last_one_to_leave_ends_the_call(loop: Scene, flights: SingleFlight[int]) -> None:
    call = Asked[int]()
    tasks = [loop.begin(flights.do("berlin", call)) for _ in range(2)]
    loop.cancel(tasks[0])
    assert call.cancelled == 0
    loop.cancel(tasks[1])
    assert call.cancelled == 1
    assert len(flights) == 0


def test_who_comes_as_a_call_is_being_ended_gets_one_of_its_own(loop: Scene, flights: SingleFlight[int]) -> None:
    ended, other = loop.create_future(), Asked[int]()

    async def tidy() -> int:
        try:
            return await Asked[int]()()
        finally:
            await ended

    leaving = loop.begin(flights.do("berlin", tidy))
    loop.cancel(leaving)
    coming = [loop.begin(flights.do("berlin", other))]
    ended.set_result(None)  # the end of the one before does not end this one
    loop.settle()
    assert leaving.cancelled()
    coming.append(loop.begin(flights.do("berlin", other)))
    assert other.begun == 1
    other.answer(2)
    loop.settle()
    assert [task.result() for task in coming] == [2, 2]


def test_an_answer_does_not_live_on_because_somebody_always_comes(loop: Scene, flights: SingleFlight[int]) -> None:
    calls = 0

    async def count() -> int:
        nonlocal calls
        calls += 1
        return calls

    async def keep_coming() -> list[int]:
        tasks = []
        for _ in range(20):
            tasks.append(asyncio.create_task(flights.do("berlin", count)))
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks)

    answers = loop.finish(keep_coming())
    assert calls > 3
    assert answers == sorted(answers)


def test_who_comes_in_the_turn_of_the_answer_gets_it(loop: Scene, flights: SingleFlight[int]) -> None:
    call = Asked[int]()
    first = loop.begin(flights.do("berlin", call))
    call.answer(1)
    second = loop.begin(flights.do("berlin", one))
    assert (first.result(), second.result()) == (1, 1)


def test_an_error_goes_to_everyone_and_shows_where_it_came_from(loop: Scene, flights: SingleFlight[int]) -> None:
    call = Asked[int]()
    tasks = [loop.begin(flights.do("berlin", call)) for _ in range(3)]
    error = ValueError("no price")
    call.fail(error)
    loop.settle()
    assert [task.exception() for task in tasks] == [error] * 3
    assert "return await answer" in "".join(traceback.format_tb(error.__traceback__))


def test_each_who_raises_the_error_adds_only_its_own_lines_to_it(loop: Scene, flights: SingleFlight[int]) -> None:
    call = Asked[int]()
    lengths = []

    async def ask() -> None:
        try:
            await flights.do("berlin", call)
        except ValueError as err:
            lengths.append(len(traceback.extract_tb(err.__traceback__)))

    tasks = [loop.begin(ask()) for _ in range(3)]
    call.fail(ValueError("no price"))
    loop.settle()
    assert all(task.done() for task in tasks)
    assert len(lengths) == 3
    assert len(set(lengths)) == 1


def test_a_call_that_was_cancelled_by_itself_is_an_error_and_no_cancellation(
    loop: Scene, flights: SingleFlight[int]
) -> None:
    call = Asked[int]()
    task = loop.begin(flights.do("berlin", call))
    call.lose()
    loop.settle()
    with pytest.raises(ClientError, match="the call for 'berlin' was cancelled"):
        task.result()


def test_each_waits_no_longer_than_its_own_deadline(loop: Scene, flights: SingleFlight[int]) -> None:
    call = Asked[int]()

    async def hurried() -> int:
        async with asyncio.timeout(0.1):
            return await flights.do("berlin", call)

    hasty, patient = loop.begin(hurried()), loop.begin(flights.do("berlin", call))
    loop.wait(0.1)
    assert isinstance(hasty.exception(), TimeoutError)
    call.answer(1)
    loop.settle()
    assert patient.result() == 1


def test_a_failure_in_the_turn_in_which_the_last_one_leaves_is_nobodys_business(
    loop: Scene, flights: SingleFlight[int]
) -> None:
    call = Asked[int]()
    task = loop.begin(flights.do("berlin", call))
    call.fail(ValueError("no price"))
    loop.next_turn(task.cancel)  # the call has ended then, and who waits for it has not heard of it
    loop.settle()
    assert task.cancelled()
    del task, call
    assert loop.unheard() == []


MOVES = st.tuples(st.sampled_from(["ask", "cancel", "answer", "fail", "turn", "settle"]), st.integers(0, 9))


@settings(max_examples=150, deadline=None)
@given(moves=st.lists(MOVES, max_size=30))
def test_whoever_stays_gets_what_came_and_nothing_goes_on_without_anybody(moves: list[tuple[str, int]]) -> None:
    with scene() as loop:
        flights: SingleFlight[int] = SingleFlight()
        call = Asked[int]()
        asking: list[asyncio.Task[int]] = []
        cancelled: set[asyncio.Task[int]] = set()
        for move, number in moves:
            if move == "ask":
                asking.append(loop.create_task(flights.do(number % 2, call)))
            elif move == "cancel" and asking:
                task = asking[number % len(asking)]
                if task.cancel():
                    cancelled.add(task)
            elif move == "answer":
                call.answer_all(number)
            elif move == "fail":
                call.fail_all(ValueError(number))
            else:
                loop.turn(1) if move == "turn" else loop.settle()
        loop.settle()
        waiting = sum(not task.done() for task in asking)
        assert bool(waiting) == bool(call.open)
        assert len(flights) == len(call.open) <= 2
        call.answer_all(1)
        loop.settle()
        assert all(task.done() for task in asking)
        assert {task for task in asking if task.cancelled()} <= cancelled
        for task in asking:
            assert task.cancelled() or task.exception() is None or isinstance(task.exception(), ValueError)


def test_it_serves_one_loop_after_the_other_but_not_two_at_once(flights: SingleFlight[int]) -> None:
    for _ in range(2):
        with scene() as loop:
            assert loop.finish(flights.do("berlin", one)) == 1
    with scene() as loop, scene() as other:
        task = loop.begin(flights.do("berlin", Asked[int]()))
        stranger = other.begin(flights.do("berlin", one))
        with pytest.raises(UsageError, match="the single flight belongs to the event loop that first used it"):
            stranger.result()
        loop.cancel(task)


def test_without_a_loop_it_says_what_to_do(flights: SingleFlight[int]) -> None:
    asking = flights.do("berlin", one)
    with pytest.raises(UsageError, match="no event loop is running; use the single flight inside one"):
        asking.send(None)
