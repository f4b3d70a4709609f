"""Limits and their queues."""

import asyncio

import pytest

from milkrun.client import OwnError, RequestTimeoutError
from milkrun.client.pool.descriptors import Descriptors
from milkrun.client.pool.gate import Doorkeeper, Gate
from tests.support.turns import turns


def full() -> Gate:
    gate = Gate(1, "a place")
    assert gate.try_enter()
    assert not gate.try_enter()
    return gate


async def waiting(gate: Gate, count: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(gate.wait(60)) for _ in range(count)]
    await turns(2)
    assert gate.waiting == count
    return tasks


async def test_a_place_goes_to_the_first_waiter_and_nobody_overtakes() -> None:
    gate = full()
    first, second = await waiting(gate, 2)
    gate.leave()
    assert not gate.try_enter()
    await first
    assert gate.waiting == 1
    gate.leave()
    await second
    gate.leave()
    assert gate.try_enter()


async def test_a_waiter_cancelled_after_it_was_served_gives_the_place_on() -> None:
    gate = full()
    first, second = await waiting(gate, 2)
    gate.leave()
    first.cancel()
    await second
    assert first.cancelled()
    gate.leave()
    assert gate.used == 0


async def test_a_waiter_that_gave_up_is_passed_over() -> None:
    gate = full()
    first, second = await waiting(gate, 2)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert gate.waiting == 1
    gate.leave()
    await second


async def test_waiters_that_gave_up_do_not_stand_before_a_place_that_others_freed() -> None:
    descriptors = Descriptors(1)
    assert descriptors.acquire()
    gate = Doorkeeper(descriptors, "a descriptor")
    (waiter,) = await waiting(gate, 1)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    descriptors.release()
    assert gate.try_enter()


async def test_a_wait_that_is_too_long_is_our_own_overload() -> None:
    gate = full()
    with pytest.raises(RequestTimeoutError, match="self/overload: waited for a place"):
        await gate.wait(-1)
    assert gate.waiting == 0


async def test_a_time_that_strikes_with_the_place_comes_too_late() -> None:
    gate = full()
    (waiter,) = await waiting(gate, 1)
    assert gate.waiters
    future = gate.waiters[0]
    gate.leave()
    gate._too_late(future)
    await waiter


async def test_waiters_turned_away_are_told_why() -> None:
    gate = full()
    first, second = await waiting(gate, 2)
    first.cancel()
    await turns(1)
    gate.turn_away(OwnError("overload", "closing", phase="queue"))
    with pytest.raises(OwnError):
        await second
    assert gate.used == 1
