"""What a store counts of its results in bulk is what counting one result after the other says."""

from random import Random

import pytest

from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.store import raw
from milkrun.store.protocol import Batch, Store
from tests.support.database import registered
from tests.support.history import START, a_failure, a_result
from tests.support.remembering import in_order

FIVE = Period.FIVE_MINUTES


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come in pieces so small that attempts at one slot are in two."""
    monkeypatch.setattr(raw, "FETCHED", 7)


@pytest.mark.parametrize("seed", range(8))
async def test_results_counted_in_bulk_are_counted_as_each_by_itself(store: Store, seed: int) -> None:
    plan = Random(seed)  # noqa: S311 - a plan that can be repeated, no secret
    endpoints = await registered(store, 3)
    slots = sorted(START + plan.randrange(3 * FIVE.value) for _ in range(60))
    await store.write(Batch(results=[one for slot in slots for one in _visit(plan, plan.choice(endpoints), slot)]))
    since = START + plan.choice([0, FIVE.value])
    assert in_order(await store.count(since=since)) == in_order(await _one_by_one(store, endpoints, since))


async def _one_by_one(store: Store, endpoints: list[int], since: int) -> list[Rollup]:
    last: dict[tuple[int, int, str], Result] = {}
    for endpoint in endpoints:
        for result in await store.stretch(endpoint, since=since, until=START + 3 * FIVE.value):
            last[result.slot, endpoint, result.location] = result
    return roll_up(FIVE, last.values())


def _visit(plan: Random, endpoint: int, slot: int) -> list[Result]:
    """The attempts at one slot."""
    where, attempts = plan.choice(["local", "paris"]), plan.choice([1, 1, 1, 2, 3])
    return [_attempt(plan, endpoint, slot, attempt=attempt, location=where) for attempt in range(1, attempts + 1)]


def _attempt(plan: Random, endpoint: int, slot: int, **identity: object) -> Result:
    maintenance = plan.random() < 0.1
    if plan.random() < 0.3:
        return a_failure(endpoint, slot, maintenance=maintenance, **identity)
    opening = [plan.choice([0.0, plan.uniform(1e-6, 0.2)]) for _ in range(3)]
    phases = [*opening, *(plan.choice([0.0, plan.lognormvariate(-5, 2)]) for _ in range(3))]
    names = ("dns", "connect", "tls", "send", "wait", "receive")
    return a_result(
        endpoint,
        slot,
        outcome=plan.choice(list(Outcome)),
        connection=plan.choice([Connection.WARM, Connection.COLD, None]),
        timings=Timings(**dict(zip(names, phases, strict=True)), total=sum(phases) + plan.uniform(0, 1e-4)),
        maintenance=maintenance,
        **identity,
    )
