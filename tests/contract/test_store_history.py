"""What every Store does with history beyond single results: stretches, counts, roll-ups, hours, and forgetting."""

from typing import Any

from msgspec.structs import replace

from milkrun.core.observation import Connection
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, merge, roll_up
from milkrun.store.protocol import Batch, Keep, Store, Upkeep
from tests.support.database import ENDLESS, registered
from tests.support.history import START, a_failure, a_result, an_incident

FIVE, HOUR, DAY = Period.FIVE_MINUTES.value, Period.HOUR.value, Period.DAY.value
MIDNIGHT = Period.DAY.begin(START)

KEEP = Keep(results=DAY, five_minutes=2 * DAY, hours=3 * DAY, days=4 * DAY, incidents=DAY, max_bytes=ENDLESS)


async def kept_up(store: Store, now: int, keep: Keep = KEEP) -> list[Upkeep]:
    """Upkeep until there is no more to do; every bite of it."""
    bites: list[Upkeep] = []
    for _ in range(500):
        bites.append(await store.upkeep(now, keep))
        if not bites[-1].more:
            return bites
    raise AssertionError("it never ends")


async def test_a_stretch_is_one_endpoints_results_oldest_first(store: Store) -> None:
    one, other = await registered(store, 2)
    slots = [START + number * 10_000 for number in range(10)]
    await store.write(Batch(results=[a_result(endpoint, slot) for slot in slots for endpoint in (one, other)]))
    found = await store.stretch(one, since=slots[2], until=slots[5])
    assert [(result.endpoint, result.slot) for result in found] == [(one, slot) for slot in slots[2:5]]


async def test_an_export_is_all_of_a_stretch_in_pieces(store: Store) -> None:
    one, other, third = await registered(store, 3)
    written = [a_result(endpoint, START + number) for number in range(50) for endpoint in (one, other, third)]
    await store.write(Batch(results=written))
    everyone = [result async for piece in store.export(None, since=START, until=START + 40) for result in piece]
    assert by_endpoint(everyone) == by_endpoint(written[:120])
    some = [result async for piece in store.export([one, third], since=START, until=START + 40) for result in piece]
    assert by_endpoint(some) == by_endpoint([result for result in written[:120] if result.endpoint != other])


def by_endpoint(results: list[Result]) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = {}
    for result in results:
        found.setdefault(result.endpoint, []).append(result)
    return found


async def test_results_are_counted_by_five_minutes_and_the_last_attempt_of_a_slot_counts(store: Store) -> None:
    one, other = await registered(store, 2)
    failed = a_failure(one, START + 10_000)
    retried = a_result(one, START + 10_000, attempt=2)
    written = [a_result(one, START), retried, a_failure(other, START), a_result(one, START + FIVE)]
    await store.write(Batch(results=[failed, *written, a_result(one, START - 1)]))
    assert in_order(await store.count(since=START)) == in_order(roll_up(Period.FIVE_MINUTES, written))


def in_order(rollups: list[Rollup]) -> list[Rollup]:
    return sorted(rollups, key=lambda one: (one.period.value, one.start, one.endpoint, str(one.connection)))


async def test_roll_ups_are_replaced_by_their_identity_and_found_by_their_start(store: Store) -> None:
    one, other = await registered(store, 2)
    first = five(one, START, up=30)
    cold = five(one, START, connection=Connection.COLD, up=1)
    later, elsewhere = five(one, START + FIVE, down=30), five(other, START, location="fra", unknown=30)
    await store.write(Batch(rollups=[five(one, START, up=7), cold, later, elsewhere]))
    await store.write(Batch(rollups=[first]))
    found = await store.rollups(Period.FIVE_MINUTES, since=START)
    assert in_order(found) == in_order([first, cold, later, elsewhere])
    assert [rollup.start for rollup in found] == sorted(rollup.start for rollup in found)
    assert await store.rollups(Period.FIVE_MINUTES, since=START + 1, endpoint=one) == [later]
    assert await store.rollups(Period.FIVE_MINUTES, since=START, until=START + FIVE, endpoint=other) == [elsewhere]
    assert await store.rollups(Period.HOUR, since=0) == []


def five(endpoint: int, start: int, **changes: Any) -> Rollup:
    usual: dict[str, Any] = {"connection": Connection.WARM, "location": "local"}
    return Rollup(period=Period.FIVE_MINUTES, start=start, endpoint=endpoint, **(usual | changes))


async def test_a_roll_up_kept_is_not_the_callers_to_change(store: Store) -> None:
    [endpoint] = await registered(store)
    mine = five(endpoint, START, up=1)
    await store.write(Batch(rollups=[mine]))
    mine.up = 99
    (await store.rollups(Period.FIVE_MINUTES, since=0))[0].up = 98
    assert (await store.rollups(Period.FIVE_MINUTES, since=0))[0].up == 1


async def test_hours_and_days_are_made_once_they_are_over_and_hold_what_their_parts_held(store: Store) -> None:
    [endpoint] = await registered(store)
    results = [a_result(endpoint, MIDNIGHT + number * 600_000) for number in range(150)]
    await store.write(Batch(results=results, rollups=roll_up(Period.FIVE_MINUTES, results)))
    await kept_up(store, MIDNIGHT + DAY + 2 * HOUR)
    hours = await store.rollups(Period.HOUR, since=0)
    assert [hour.start for hour in hours] == [MIDNIGHT + number * HOUR for number in range(25)]
    [day] = await store.rollups(Period.DAY, since=0)
    whole = roll_up(Period.DAY, [result for result in results if result.slot < MIDNIGHT + DAY])
    assert day == whole[0]


async def test_a_window_is_the_same_however_it_is_put_together(store: Store) -> None:
    one, other = await registered(store, 2)
    results = [a_result(endpoint, MIDNIGHT + number * 300_000) for number in range(600) for endpoint in (one, other)]
    await store.write(Batch(rollups=roll_up(Period.FIVE_MINUTES, results)))
    since, until = MIDNIGHT + 5 * HOUR + FIVE, MIDNIGHT + 49 * HOUR + FIVE
    expected = together(roll_up(Period.DAY, of(one, results, since, until)))
    assert together(await store.window(one, since=since, until=until)) == expected
    fine = await store.window(one, since=since, until=until)
    await kept_up(store, MIDNIGHT + 2 * DAY + 2 * HOUR, replace(KEEP, five_minutes=9 * DAY))
    coarse = await store.window(one, since=since, until=until)
    assert together(coarse) == expected
    assert len(coarse) < len(fine) / 4
    assert {rollup.period for rollup in coarse} == set(Period)


def of(endpoint: int, results: list[Result], since: int, until: int) -> list[Result]:
    return [one for one in results if one.endpoint == endpoint and since <= one.slot < until]


def together(rollups: list[Rollup]) -> Rollup:
    whole = five(0, 0)
    for rollup in rollups:
        merge(whole, rollup)
    return whole


async def test_a_late_result_counts_in_every_roll_up_there_is_and_once(store: Store) -> None:
    [endpoint] = await registered(store)
    results = [a_result(endpoint, MIDNIGHT + 10_000 * number) for number in range(3)]
    next_day = a_result(endpoint, MIDNIGHT + DAY)
    written = [*results, next_day]
    await store.write(Batch(results=written, rollups=roll_up(Period.FIVE_MINUTES, written)))
    long = replace(KEEP, results=9 * DAY)
    await kept_up(store, MIDNIGHT + DAY + 2 * HOUR, long)
    late = a_result(endpoint, MIDNIGHT + 30_000)
    for _ in range(2):
        await store.write(Batch(late=[late, results[0]]))
        await kept_up(store, MIDNIGHT + DAY + 2 * HOUR, long)
    for period in Period:
        rollup, *_ = await store.rollups(period, since=0)
        assert (rollup.up, rollup.phases["total"].count) == (4, 4)
    assert await store.stretch(endpoint, since=MIDNIGHT, until=MIDNIGHT + HOUR) == [*results, late]


async def test_tallies_are_hours_counts_whether_they_are_merged_yet_or_not(store: Store) -> None:
    one, other = await registered(store, 2)
    results = [a_result(one, START + number * 60_000) for number in range(90)] + [a_failure(other, START)]
    await store.write(Batch(rollups=roll_up(Period.FIVE_MINUTES, results)))
    before = await store.tallies(since=START)
    assert [(tally.endpoint, tally.hour, tally.up, tally.down) for tally in before] == [
        (one, START, 60, 0),
        (other, START, 0, 1),
        (one, START + HOUR, 30, 0),
    ]
    assert (before[0].warm, before[0].warm_max) == (60, 12.5)
    await kept_up(store, START + HOUR + FIVE)
    assert await store.tallies(since=START) == before
    assert await store.tallies(since=START, endpoint=other) == [before[1]]


async def test_each_level_is_forgotten_at_its_own_age_and_open_incidents_never(store: Store) -> None:
    [endpoint] = await registered(store)
    results = [a_result(endpoint, MIDNIGHT + number * HOUR) for number in range(5 * 24)]
    over, open_one = an_incident(endpoint, MIDNIGHT, closed=MIDNIGHT + 1), an_incident(endpoint, MIDNIGHT + 2)
    await store.write(Batch(results=results, rollups=roll_up(Period.FIVE_MINUTES, results), incidents=[over, open_one]))
    now = MIDNIGHT + 5 * DAY
    await kept_up(store, now)
    assert (await store.storage()).oldest in range(now - DAY - HOUR, now - DAY + HOUR)
    for period, age in ((Period.FIVE_MINUTES, 2 * DAY), (Period.HOUR, 3 * DAY), (Period.DAY, 4 * DAY)):
        oldest = (await store.rollups(period, since=0))[0].start
        assert now - age - DAY <= oldest <= now - age + period.value
    assert (await store.incidents()).items == (open_one,)
    assert await store.case(over.key) is None


async def test_upkeep_ends_when_there_is_nothing_left_to_remove(store: Store) -> None:
    [endpoint] = await registered(store)
    await store.write(Batch(results=[a_result(endpoint)], rollups=[five(endpoint, START, up=1)]))
    bites = await kept_up(store, START + HOUR, replace(KEEP, max_bytes=0))
    assert not bites[-1].more
