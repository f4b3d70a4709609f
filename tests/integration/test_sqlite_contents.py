"""What the SQLite store's tables hold: facts once, text that changes beside its result, and no more than the budget."""

import random
from pathlib import Path

import pytest

from milkrun.core.incident import Incident
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult
from milkrun.core.slots import phase
from milkrun.store import facts
from milkrun.store.protocol import Batch, Keep
from milkrun.store.sql import SqlStore
from tests.support.database import ENDLESS, ask, one_endpoint
from tests.support.history import START, STATUS_OK, a_failure, a_result, an_endpoint


def slow(number: int) -> ConditionResult:
    shown = f"[RESPONSE_TIME] ({number}) < 10"
    return ConditionResult(condition="[RESPONSE_TIME] < 10", passed=False, shown=shown)


async def tidied(store: SqlStore, *, before: int) -> None:
    """Forget all results before a slot."""
    keep = Keep(results=0, five_minutes=0, hours=0, days=0, incidents=0, max_bytes=ENDLESS)
    for _ in range(100):
        if not (await store.upkeep(before, keep)).more:
            return
    raise AssertionError("upkeep never ends")


async def test_a_fact_in_use_for_long_is_not_taken_for_unused(store: SqlStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    for step in range(5):
        at = START + step * facts.GRAIN
        # Two results of one flush need the renewal; the failing one comes to it by its own way.
        await store.write(Batch(results=[a_result(endpoint, at), a_result(endpoint, at + 1, warnings=("bare LF",))]))
        await tidied(store, before=at)
        assert [one.slot for one in await store.results(endpoint, limit=9)] == [at + 1, at]
    assert ask(path, "SELECT until FROM fact ORDER BY id LIMIT 1")[0][0] >= START + 4 * facts.GRAIN


async def test_remarks_that_never_come_twice_are_not_collected(store: SqlStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    changing = [a_result(endpoint, START + step, conditions=(STATUS_OK, slow(step))) for step in range(100)]
    await store.write(Batch(results=changing))
    assert await store.results(endpoint, limit=100) == changing[::-1]
    assert ask(path, "SELECT count(*) FROM fact") == [(1,)]


async def test_remarks_that_come_again_are_written_once(store: SqlStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    same = [a_failure(endpoint, START + step, warnings=("a bare LF",)) for step in range(100)]
    for one in same:
        await store.write(Batch(results=[one]))
    assert await store.results(endpoint, limit=100) == same[::-1]
    assert ask(path, "SELECT count(*) FROM fact") == [(2,)]
    # What is written beside a result is longer than a reference.
    assert ask(path, "SELECT count(*) FROM result WHERE length(rare) > 30") == [(1,)]


async def test_what_is_remembered_is_bounded(store: SqlStore, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(facts, "REMEMBERED", 3)
    monkeypatch.setattr(facts, "SUSPECTS", 2)
    endpoint = await one_endpoint(store)
    written = [
        a_result(endpoint, START + step, peer=f"10.0.0.{step % 7}:1", conditions=(slow(step % 5),))
        for step in range(70)
    ]
    for one in written:
        await store.write(Batch(results=[one]))
    assert await store.results(endpoint, limit=70) == written[::-1]
    assert len(store._opened.writer._facts._known) <= 3
    assert len(store._opened.writer._facts._suspects) <= 2
    assert ask(path, "SELECT count(*) FROM fact")[0][0] <= 12


async def test_facts_that_nothing_refers_to_any_more_are_removed(store: SqlStore, path: Path) -> None:
    endpoint = await one_endpoint(store)
    later = START + 10 * facts.GRAIN
    await store.write(Batch(results=[a_result(endpoint, START, peer="10.0.0.1:1"), a_result(endpoint, START + 1)]))
    await store.write(Batch(results=[a_result(endpoint, later)]))
    await tidied(store, before=later)
    assert ask(path, "SELECT count(*) FROM fact") == [(1,)]
    again = a_result(endpoint, later + 1, peer="10.0.0.1:1")
    await store.write(Batch(results=[again]))
    assert await store.results(endpoint, limit=9) == [again, a_result(endpoint, later)]
    await tidied(store, before=later + 2 * facts.GRAIN)
    assert ask(path, "SELECT count(*) FROM result") == [(0,)]


async def test_text_that_no_database_takes_does_not_stop_a_flush(store: SqlStore) -> None:
    endpoint = await one_endpoint(store)
    shown = ConditionResult(condition="[BODY] == x", passed=False, shown="[BODY] (\ud800) == x")
    failure = Failure(layer=Layer.TLS, kind="alert", message="\udcff")
    incident = Incident(endpoint=endpoint, opened=START, closed=None, state=Outcome.DOWN, cause="\ud800")
    written = [
        a_result(endpoint, START, conditions=(shown,)),
        a_failure(endpoint, START + 1, failure=failure, location="\ud800"),
    ]
    await store.write(Batch(results=written, incidents=[incident]))
    failed, odd = await store.results(endpoint, limit=2)
    assert odd.conditions[0].shown == r"[BODY] (\ud800) == x"
    assert failed.failure is not None
    assert (failed.failure.message, failed.location) == (r"\udcff", r"\ud800")
    assert (await store.incidents()).items[0].cause == r"\ud800"


async def test_a_result_takes_at_most_sixty_bytes_on_disk(store: SqlStore, path: Path) -> None:
    one_beat = 10_000
    plan = random.Random(7)  # noqa: S311 - a plan that can be repeated, no secret
    registered = await store.register([an_endpoint(str(number)) for number in range(1_000)])
    await store.write(Batch(results=[a_result(one.id, START) for one in registered]))
    store._opened.writer.settle(patience=1)
    before = path.stat().st_size
    for beat in range(1, 21):
        base = START + beat * one_beat
        slots = {one.id: base + phase(one.endpoint.key, one_beat) for one in registered}
        results = [
            a_result(one, slot, lag_ms=plan.random(), started=(slot + plan.random()) / 1_000)
            for one, slot in slots.items()
        ]
        await store.write(Batch(results=results))
    store._opened.writer.settle(patience=1)
    assert (path.stat().st_size - before) / 20_000 <= 60
