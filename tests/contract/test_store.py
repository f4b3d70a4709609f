"""What every Store does, asked of each implementation."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from milkrun.core.condition import parse_condition
from milkrun.core.incident import Incident
from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally, fold
from milkrun.store.memory import MemoryStore
from milkrun.store.protocol import Batch, Gap, Store
from milkrun.store.sqlite import open_sqlite
from tests.support.database import ENDLESS
from tests.support.history import START, STATUS_OK, a_failure, a_result, an_endpoint


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else await open_sqlite(tmp_path / "milkrun.db")
    yield opened
    await opened.close()


async def registered(store: Store, count: int = 1) -> list[int]:
    return [one.id for one in await store.register([an_endpoint(f"page-{number}") for number in range(count)])]


async def test_an_endpoint_keeps_its_id_and_gets_a_revision_for_each_meaning(store: Store) -> None:
    [first] = await store.register([an_endpoint()])
    [again] = await store.register([an_endpoint()])
    [changed] = await store.register([an_endpoint(fingerprint="second")])
    [back] = await store.register([an_endpoint()])
    assert {one.id for one in (first, again, changed, back)} == {first.id}
    assert [one.revision for one in (first, again, changed, back)] == [1, 1, 2, 3]
    assert changed.endpoint.fingerprint == "second"


async def test_endpoints_are_registered_in_the_order_asked_and_with_ids_of_their_own(store: Store) -> None:
    await store.register([an_endpoint("b")])
    found = await store.register([an_endpoint("c"), an_endpoint("b"), an_endpoint("a")])
    assert [one.endpoint.name for one in found] == ["c", "b", "a"]
    assert len({one.id for one in found}) == 3


async def test_a_removed_endpoint_keeps_its_history_and_its_id(store: Store) -> None:
    await store.register([an_endpoint("gone"), an_endpoint("kept")])
    [gone] = await store.register([an_endpoint("gone")])
    await store.write(Batch(results=[a_result(gone.id)]))
    await store.register([an_endpoint("kept")])
    assert [one.slot for one in await store.results(gone.id, limit=5)] == [START]
    assert (await store.register([an_endpoint("gone")]))[0].id == gone.id


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


async def test_a_result_older_than_the_rest_is_found_too(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START)]))
    await store.write(Batch(results=[a_result(endpoint, START - 90_000), a_result(endpoint, START - 50_000)]))
    assert [one.slot for one in await store.results(endpoint, limit=5)] == [START, START - 50_000, START - 90_000]


async def test_recent_has_the_last_of_each_endpoint_oldest_first(store: Store) -> None:
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


async def test_states_and_streaks_are_kept_with_their_open_incident(store: Store) -> None:
    one, other = await registered(store, 2)
    incident = Incident(endpoint=one, opened=START, closed=None, state=Outcome.DOWN, cause="refused")
    down = EndpointState(
        state=Outcome.UNKNOWN,
        settled=Outcome.DOWN,
        since=START,
        worse=(3, 2),
        better=(1, 4),
        incident=incident,
    )
    await store.write(Batch(states={one: down, other: EndpointState()}))
    assert await store.states() == {one: down, other: EndpointState()}
    up = EndpointState(state=Outcome.UP, settled=Outcome.UP, since=START + 9, better=(1, 1))
    await store.write(Batch(states={one: up, other: EndpointState()}))
    assert (await store.states())[one] == up


async def test_an_incident_is_replaced_by_its_identity(store: Store) -> None:
    [endpoint] = await registered(store)
    opened = Incident(endpoint=endpoint, opened=START, closed=None, state=Outcome.DEGRADED, cause="slow")
    closed = Incident(endpoint=endpoint, opened=START, closed=START + 5, state=Outcome.DOWN, cause="refused")
    await store.write(Batch(incidents=[opened]))
    await store.write(Batch(incidents=[closed]))
    page = await store.incidents()
    assert (page.items, page.total) == ((closed,), 1)


async def test_incidents_come_newest_first_filtered_and_paged(store: Store) -> None:
    one, other = await registered(store, 2)
    incidents = [
        Incident(
            endpoint=(one, other)[number % 2],
            opened=START + number,
            closed=None if number == 4 else START + number + 100,
            state=Outcome.DEGRADED if number == 1 else Outcome.DOWN,
            cause="refused",
        )
        for number in range(6)
    ]
    await store.write(Batch(incidents=incidents))
    assert (await store.incidents()).items == tuple(incidents[::-1])
    assert (await store.incidents(endpoint=one)).items == (incidents[4], incidents[2], incidents[0])
    assert (await store.incidents(open_only=True)).items == (incidents[4],)
    assert (await store.incidents(states=[Outcome.DEGRADED])).items == (incidents[1],)
    assert (await store.incidents(states=[])).total == 0
    page = await store.incidents(limit=2, offset=1)
    assert (page.items, page.total) == ((incidents[4], incidents[3]), 6)


async def test_tallies_are_replaced_by_endpoint_and_hour(store: Store) -> None:
    one, other = await registered(store, 2)
    first = Tally(endpoint=one, hour=START, up=3, warm=3, warm_sum=36.5, warm_max=20.25)
    second = Tally(endpoint=one, hour=START + 2 * HOUR, down=1, cold=1, cold_sum=9.0, cold_max=9.0)
    third = Tally(endpoint=other, hour=START + HOUR, unknown=2, degraded=1)
    await store.write(Batch(tallies=[Tally(endpoint=one, hour=START, up=1), second, third]))
    await store.write(Batch(tallies=[first]))
    assert await store.tallies(since=START) == [first, third, second]
    assert await store.tallies(since=START + 1) == [third, second]
    assert await store.tallies(since=0, endpoint=one) == [first, second]
    assert await store.tallies(since=START + 3 * HOUR, endpoint=one) == []


async def test_a_tally_kept_is_not_the_callers_to_change(store: Store) -> None:
    [endpoint] = await registered(store)
    tally = Tally(endpoint=endpoint, hour=START, up=1)
    await store.write(Batch(tallies=[tally]))
    tally.up = 99
    (await store.tallies(since=START))[0].up = 98
    assert (await store.tallies(since=START))[0].up == 1


async def test_raw_results_are_counted_by_endpoint_and_hour_as_they_fold(store: Store) -> None:
    one, other = await registered(store, 2)
    written = [
        a_result(one, START + 1),
        a_result(one, START + 2, connection=Connection.COLD, timings=Timings(total=0.5), outcome=Outcome.DEGRADED),
        a_result(one, START + 3, connection=Connection.COLD, timings=Timings(total=0.25), stale_retry=True),
        a_failure(one, START + 4),
        a_failure(one, START + 5, outcome=Outcome.UNKNOWN, connection=None),
        a_result(one, START + HOUR, trigger=Trigger.MANUAL),
        a_result(other, START + 6, warnings=("bare LF",)),
    ]
    await store.write(Batch(results=[*written, a_result(one, START - 1)]))
    assert await store.tally(since=START) == folded(written)


def folded(results: list[Result]) -> list[Tally]:
    found: dict[tuple[int, int], Tally] = {}
    for one in results:
        hour = one.slot - one.slot % HOUR
        fold(found.setdefault((hour, one.endpoint), Tally(endpoint=one.endpoint, hour=hour)), one)
    return [found[key] for key in sorted(found)]


async def test_gaps_are_recorded_and_found_by_their_end(store: Store) -> None:
    first = Gap(began=START, ended=START + 50, reason="not running")
    second = Gap(began=START + 60, ended=START + 70, reason="not running")
    await store.write(Batch(gaps=[second, first]))
    assert await store.gaps(since=0) == [first, second]
    assert await store.gaps(since=START + 50) == [second]


async def test_storage_says_how_much_there_is_and_from_when_to_when(store: Store) -> None:
    empty = await store.storage()
    assert (empty.oldest, empty.newest) == (None, None)
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(2_000)]))
    full = await store.storage()
    assert (full.oldest, full.newest) == (START, START + 1_999)
    assert full.bytes > empty.bytes


async def test_what_is_too_old_is_removed_and_nothing_else(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(10)]))
    pruned = await store.prune(before=START + 4, max_bytes=ENDLESS)
    assert (pruned.results, pruned.more) == (4, False)
    assert [one.slot for one in await store.results(endpoint, limit=99)] == [START + step for step in range(9, 3, -1)]
    assert (await store.prune(before=START + 4, max_bytes=ENDLESS)).results == 0


async def test_too_many_bytes_cost_the_oldest_results_bite_by_bite(store: Store) -> None:
    [endpoint] = await registered(store)
    total = 45_000
    for begin in range(0, total, 5_000):
        await store.write(Batch(results=[a_result(endpoint, START + step) for step in range(begin, begin + 5_000)]))
    budget = (await store.storage()).bytes // 2
    bites = []
    for _ in range(100):
        bites.append(await store.prune(before=START, max_bytes=budget))
        if not bites[-1].more:
            break
    found = await store.storage()
    assert found.bytes <= budget
    assert found.newest == START + total - 1
    assert found.oldest == START + sum(bite.results for bite in bites)
    assert max(bite.results for bite in bites) <= 10_000
    assert len(await store.results(endpoint, limit=total)) == total - sum(bite.results for bite in bites)


async def test_pruning_ends_when_there_is_nothing_left_to_remove(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint)], tallies=[Tally(endpoint=endpoint, hour=START)]))
    more = True
    for _ in range(10):
        more = more and (await store.prune(before=START, max_bytes=0)).more
    assert not more
    assert await store.results(endpoint, limit=5) == []


async def test_an_endpoint_is_registered_with_all_it_has(store: Store) -> None:
    conditions = tuple(parse_condition(f"[BODY].field{number} == {number}") for number in range(50))
    [found] = await store.register([replace(an_endpoint(), conditions=conditions)])
    assert found.endpoint.conditions == conditions
