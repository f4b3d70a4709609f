"""What every Store does with raw results."""

from typing import Any

import pytest

from milkrun.core.observation import Connection, Http, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Trigger
from milkrun.store import recent
from milkrun.store.protocol import Batch, Store
from tests.support.database import registered
from tests.support.history import START, STATUS_OK, a_failure, a_result

FAILED = ConditionResult(condition="[STATUS] == 200", passed=False, shown="[STATUS] (500) == 200")
SLOW = ConditionResult(condition="[RESPONSE_TIME] < 10", passed=False, shown="[RESPONSE_TIME] (12) < 10")
TRUE_BUT_SHOWN = ConditionResult(condition="[BODY] == x", passed=True, shown="[BODY] (x) == x")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="usual"),
        pytest.param({"conditions": (FAILED, SLOW), "outcome": Outcome.DOWN}, id="failed conditions"),
        pytest.param({"conditions": (STATUS_OK, SLOW), "outcome": Outcome.DEGRADED}, id="one of two failed"),
        pytest.param({"conditions": (TRUE_BUT_SHOWN,)}, id="a true condition shown with its value"),
        pytest.param({"conditions": ()}, id="no conditions"),
        pytest.param({"warnings": ("obsolete line folding", "bare LF")}, id="warnings"),
        pytest.param({"stale_retry": True, "connection": Connection.COLD}, id="stale retry"),
        pytest.param({"trigger": Trigger.MANUAL, "attempt": 3, "revision": 7}, id="manual"),
        pytest.param({"trigger": Trigger.RETRY, "attempt": 2}, id="retry"),
        pytest.param({"location": "fra"}, id="another location"),
        pytest.param({"tls": None, "peer": None, "connection": None}, id="no connection"),
        pytest.param({"started": START / 1000 - 0.5}, id="started before its slot"),
        pytest.param({"timings": Timings(dns=0.1, connect=0.2, tls=0.3, wait=50.5, total=51.1)}, id="a slow cold one"),
        pytest.param({"lag_ms": 1_234.5}, id="a late loop"),
        pytest.param({"warnings": ("ä\N{SNOWMAN}\0\n",)}, id="any text"),
    ],
)
async def test_a_result_reads_back_as_it_was_written(store: Store, changes: dict[str, Any]) -> None:
    [endpoint] = await registered(store)
    written = a_result(endpoint, **changes)
    await store.write(Batch(results=[written]))
    assert await store.results(endpoint, limit=1) == [written]


@pytest.mark.parametrize(
    ("layer", "kind", "outcome"),
    [
        (Layer.DNS, "not-found", Outcome.DOWN),
        (Layer.TLS, "expired", Outcome.DOWN),
        (Layer.SELF, "overload", Outcome.UNKNOWN),
    ],
)
async def test_a_failure_reads_back_as_it_was_written(store: Store, layer: Layer, kind: str, outcome: Outcome) -> None:
    [endpoint] = await registered(store)
    failure = Failure(layer=layer, kind=kind, message="a sentence")
    written = [a_failure(endpoint, START + number, failure=failure, outcome=outcome) for number in range(4)]
    await store.write(Batch(results=written))
    assert await store.results(endpoint, limit=9) == written[::-1]


async def test_the_same_result_twice_is_one_result_and_the_first_one_stands(store: Store) -> None:
    [endpoint] = await registered(store)
    first = a_result(endpoint)
    await store.write(Batch(results=[first, a_result(endpoint, outcome=Outcome.DOWN)]))
    await store.write(Batch(results=[a_result(endpoint, outcome=Outcome.DOWN)]))
    assert await store.results(endpoint, limit=5) == [first]


async def test_attempts_and_locations_of_one_slot_are_results_of_their_own(store: Store) -> None:
    [endpoint] = await registered(store)
    written = [a_result(endpoint, attempt=attempt, location=place) for place in ("fra", "local") for attempt in (1, 2)]
    await store.write(Batch(results=written))
    assert sorted((one.location, one.attempt) for one in await store.results(endpoint, limit=9)) == [
        ("fra", 1),
        ("fra", 2),
        ("local", 1),
        ("local", 2),
    ]


async def test_results_come_newest_first_and_page_by_page(store: Store) -> None:
    one, other = await registered(store, 2)
    slots = [START + number * 10_000 for number in range(25)]
    await store.write(Batch(results=[a_result(endpoint, slot) for slot in slots for endpoint in (one, other)]))
    first = await store.results(one, limit=10)
    second = await store.results(one, limit=10, before=first[-1].slot)
    third = await store.results(one, limit=10, before=second[-1].slot)
    assert [result.slot for page in (first, second, third) for result in page] == slots[::-1]
    assert {result.endpoint for result in first} == {one}


async def test_results_are_found_across_long_silences(store: Store) -> None:
    one, other = await registered(store, 2)
    month = 30 * 86_400_000
    old = [a_result(one, START + number * month) for number in range(4)]
    await store.write(Batch(results=[*old, a_result(other, START + 5 * month)]))
    assert await store.results(one, limit=9) == old[::-1]


async def test_there_are_no_results_where_none_are_asked_for_or_known(store: Store) -> None:
    [endpoint] = await registered(store)
    assert await store.results(endpoint, limit=5) == []
    await store.write(Batch(results=[a_result(endpoint)]))
    assert await store.results(endpoint, limit=0) == []
    assert await store.results(endpoint + 100, limit=5) == []
    assert await store.results(endpoint, limit=5, before=START) == []


async def test_each_result_has_its_own_answer(store: Store) -> None:
    [endpoint] = await registered(store)
    answers = [Http(status=status, version="1.1", bytes=size) for status in (200, 404) for size in (1, 2)]
    written = [
        a_result(endpoint, START + number * 10_000, http=answer) for number, answer in enumerate([*answers, None])
    ]
    await store.write(Batch(results=written))
    assert await store.stretch(endpoint, since=START, until=START + 60_000) == written


async def test_a_result_older_than_the_rest_is_found_too(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START)]))
    await store.write(Batch(results=[a_result(endpoint, START - 90_000), a_result(endpoint, START - 50_000)]))
    assert [one.slot for one in await store.results(endpoint, limit=5)] == [START, START - 50_000, START - 90_000]


@pytest.mark.parametrize("few", [0, 1_000])
async def test_recent_has_the_last_of_each_endpoint_oldest_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(recent, "FEW", few)
    busy, quiet, silent = await registered(store, 3)
    slots = [START + number * 10_000 for number in range(400)]
    written = [a_result(busy, slot) for slot in slots] + [a_result(quiet, slot) for slot in slots[::100]]
    await store.write(Batch(results=written))
    found = await store.recent(per_endpoint=3, since=START)
    assert {endpoint: [one.slot for one in results] for endpoint, results in found.items()} == {
        busy: slots[-3:],
        quiet: slots[100::100],
    }
    assert silent not in found


async def test_recent_stops_at_the_slot_asked_for(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in (0, 10, 20)]))
    found = await store.recent(per_endpoint=30, since=START + 10)
    assert [one.slot for one in found[endpoint]] == [START + 10, START + 20]
    assert await store.recent(per_endpoint=30, since=START + 21) == {}


async def test_storage_says_how_much_there_is_and_from_when_to_when(store: Store) -> None:
    empty = await store.storage()
    assert (empty.oldest, empty.newest) == (None, None)
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(2_000)]))
    full = await store.storage()
    assert (full.oldest, full.newest) == (START, START + 1_999)
    assert full.bytes > empty.bytes
