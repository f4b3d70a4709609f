"""The stack of an origin's idle connections."""

import asyncio

import pytest

from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.http1.connection import Connection
from milkrun.client.pool.lane import Lane
from milkrun.client.pool.learnt import Learnt


def stack(lane: Lane, count: int) -> list[Connection]:
    """Put so many idle connections on the lane's stack; that used last is the last of them."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, loop.time)
    made = []
    for _ in range(count):
        one = Connection(loop=loop, deadlines=deadlines, clock=loop.time, max_head=1, patience=1, jitter=1)
        one.below, lane.top, one.is_idle = lane.top, one, True
        made.append(one)
    return made


async def test_the_idle_are_told_from_the_one_used_last_on() -> None:
    lane = Lane("http://a.test", 3, "a place", Learnt())
    assert list(lane) == []
    made = stack(lane, 3)
    assert list(lane) == made[::-1]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_connection_leaves_the_stack_from_wherever_it_lies_and_the_others_stay(place: int) -> None:
    lane = Lane("http://a.test", 3, "a place", Learnt())
    made = stack(lane, 3)
    gone = made.pop(place)
    lane.unstack(gone)
    assert list(lane) == made[::-1]
    assert not gone.is_idle
    assert gone.below is None
