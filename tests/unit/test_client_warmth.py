"""Which connections stay warm under a budget: the rule alone."""

import asyncio
import math

import pytest

from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.http1.connection import Connection
from milkrun.client.pool.warmth import Overdue, is_overdue, warm_part


def idle_since(when: float, *, gap: float) -> Connection:
    loop = asyncio.get_running_loop()
    connection = Connection(
        loop=loop, deadlines=Deadlines(loop, loop.time), clock=lambda: when, max_head=1, patience=1, jitter=1
    )
    connection.gap = gap
    connection.is_idle = True
    return connection


@pytest.mark.parametrize("budget", [1, 2, 9, 10, 15, 16, 100, 999, 20_000])
def test_nine_tenths_of_any_budget_stay_warm(budget: int) -> None:
    assert 0.9 * budget <= warm_part(budget) <= budget


@pytest.mark.parametrize(("gap", "overdue_after"), [(10.0, 15.0), (1.0, 1.5), (300.0, 90.0), (math.inf, 90.0)])
async def test_a_connection_is_overdue_past_its_expected_next_use(gap: float, overdue_after: float) -> None:
    connection = idle_since(100.0, gap=gap)
    assert not is_overdue(connection, 100.0 + overdue_after)
    assert is_overdue(connection, 100.1 + overdue_after)


async def test_the_overdue_are_found_by_one_scan_a_second_and_looked_at_again_before_use() -> None:
    overdue = Overdue()
    first, second, third = (idle_since(100.0, gap=1.0) for _ in range(3))
    assert overdue.pop([], 200.0) is None
    assert overdue.pop([first], 200.5) is None  # no second scan yet
    assert overdue.pop([first, second, third], 201.0) is first
    second.returned = 201.0  # it was used meanwhile
    third.is_idle = False
    assert overdue.pop([second], 201.1) is None
