"""How long history is kept, by age and by size, and what becomes of late results of what is forgotten."""

from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from milkrun.core.incident import Entry, Incident, IncidentKey, Moment
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, roll_up
from milkrun.core.slots import phase
from milkrun.store import layers, schema
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, Keep, Upkeep
from milkrun.store.rounds import Round
from milkrun.store.sql import SqlStore
from milkrun.store.writer import Writer
from tests.support.database import ENDLESS
from tests.support.history import START, a_failure, a_result, an_endpoint

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
YEARS = 10 * 365 * DAY
FOREVER = Keep(results=YEARS, five_minutes=YEARS, hours=YEARS, days=YEARS, incidents=YEARS, max_bytes=ENDLESS)
FIVE = Period.FIVE_MINUTES


async def registered(store: SqlStore, *, interval: int = MINUTE) -> tuple[int, int]:
    """An endpoint's id, and the first slot from START on at which it is due."""
    [one] = await store.register([an_endpoint(interval=interval)])
    return one.id, START + phase(one.endpoint.key, interval)


async def written(store: SqlStore, endpoint: int, first: int, hours: int) -> list[Result]:
    """Results of so many hours, with their roll-ups, as a monitor writes them."""
    results = [a_result(endpoint, slot) for slot in range(first, START + hours * HOUR, MINUTE)]
    await store.write(Batch(results=results, rollups=roll_up(FIVE, results)))
    return results


async def tidied(store: SqlStore, now: int, keep: Keep = FOREVER) -> int:
    """Do all upkeep there is; how many results it removed."""
    removed = 0
    for _ in range(1_000):
        done = await store.upkeep(now, keep)
        removed += done.removed
        if not done.more:
            return removed
    raise AssertionError("upkeep never ends")


async def rows(store: SqlStore, name: str) -> int:
    """How many rows a table has."""
    table = schema.metadata.tables[name]
    return await store._ask(lambda connection: connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_an_hour_is_packed_ten_minutes_after_its_end_and_reads_as_before(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 2)
    await tidied(sql_store, START + HOUR + 10 * MINUTE - 1)
    assert await rows(sql_store, "chunk") == 0
    await tidied(sql_store, START + HOUR + 10 * MINUTE)
    assert await rows(sql_store, "chunk") == 1
    assert await sql_store.stretch(endpoint, since=0, until=START + DAY) == results
    assert await sql_store.results(endpoint, limit=90) == results[:-91:-1]


async def test_late_results_of_a_packed_hour_are_merged_into_it_and_counted_once(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 25)
    await tidied(sql_store, START + 26 * HOUR)
    late = a_failure(endpoint, first + 7, location="fra")
    for _ in range(2):
        await sql_store.write(Batch(late=[late, results[3]]))
    everything = sorted([*results, late], key=lambda one: one.slot)
    assert await sql_store.stretch(endpoint, since=0, until=START + 2 * DAY) == everything
    assert await rows(sql_store, "chunk") == 25
    for period in (FIVE, Period.HOUR, Period.DAY):
        found = await sql_store.rollups(period, since=0, until=START + HOUR)
        assert [one.down for one in found if one.location == "fra"] == [1]


async def test_what_is_written_between_a_bites_reading_and_its_writing_is_not_lost(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    everything = await written(sql_store, endpoint, first, 10)
    now = START + 11 * HOUR
    for number in range(1, 50):
        due = await sql_store._write(lambda writer: writer.upkeep(now, FOREVER))
        if isinstance(due, Upkeep):
            break
        found = await sql_store._ask(due.read)
        # One for the hour that is packed or merged, one for the day.
        late = [a_failure(endpoint, due._start + number), a_failure(endpoint, START + HOUR + number)]
        await sql_store.write(Batch(late=late))
        everything += late
        await sql_store._write(partial(finish, due, found))
    await tidied(sql_store, now)
    last = {one.slot: one for one in everything}
    expected = [last[slot] for slot in sorted(last)]
    assert await sql_store.stretch(endpoint, since=0, until=START + 2 * DAY) == expected
    merged_until = {FIVE: now, Period.HOUR: START + 10 * HOUR, Period.DAY: Period.DAY.begin(START) + DAY}
    for period, until in merged_until.items():
        counted = [one.down for one in roll_up(period, expected) if one.start < until]
        assert sum(one.down for one in await sql_store.rollups(period, since=0)) == sum(counted)


async def test_late_results_of_an_hour_that_had_none_are_not_passed_by(sql_store: SqlStore) -> None:
    """Upkeep began with the first hour that there was anything of; then there is something of an earlier one."""
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 26)
    now = START + 35 * HOUR
    late = []
    for days in range(1, 50):
        due = await sql_store._write(lambda writer: writer.upkeep(now, FOREVER))
        if isinstance(due, Upkeep):
            break
        found = await sql_store._ask(due.read)
        late.append(a_failure(endpoint, START - days * DAY))
        await sql_store.write(Batch(late=late[-1:]))
        await sql_store._write(partial(finish, due, found))
    await tidied(sql_store, now)
    assert await sql_store.stretch(endpoint, since=0, until=now) == [*late[::-1], *results]
    for period in (FIVE, Period.HOUR, Period.DAY):
        assert sum(one.down for one in await sql_store.rollups(period, since=0)) == len(late)


def finish(due: Round, found: object, writer: Writer) -> Upkeep:
    """What upkeep does with a bite that was read."""
    return writer.finish(due, found)


async def test_what_a_full_disk_cost_is_counted_anew_and_merged_again(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 3)
    counted = replace(roll_up(FIVE, results[:3])[0], up=99)
    await sql_store.write(Batch(rollups=[counted]))
    await tidied(sql_store, START + 4 * HOUR)
    assert (await sql_store.rollups(Period.HOUR, since=0))[0].up > 90
    await sql_store.write(Batch(recount=[counted.start]))
    await tidied(sql_store, START + 4 * HOUR)
    expected = roll_up(Period.HOUR, results)
    assert await sql_store.rollups(Period.HOUR, since=0) == expected


async def test_what_is_forgotten_is_not_counted_anew_from_nothing(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    await written(sql_store, endpoint, first, 3)
    now = START + 6 * HOUR
    await tidied(sql_store, now, replace(FOREVER, results=4 * HOUR))
    before = [await sql_store.rollups(period, since=0) for period in (FIVE, Period.HOUR)]
    await sql_store.write(Batch(recount=[START, START + HOUR, START + 2 * HOUR]))
    await tidied(sql_store, now)
    assert [await sql_store.rollups(period, since=0) for period in (FIVE, Period.HOUR)] == before


@pytest.mark.parametrize("now", [START + 3 * HOUR + 5 * MINUTE, START + 6 * HOUR], ids=["half raw", "packed"])
async def test_results_go_when_they_are_too_old_and_roll_ups_stay(sql_store: SqlStore, now: int) -> None:
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 3)
    await tidied(sql_store, now)
    before = START + HOUR
    removed = await tidied(sql_store, now, replace(FOREVER, results=now - before))
    kept = [one for one in results if one.slot >= before]
    assert await sql_store.stretch(endpoint, since=0, until=START + DAY) == kept
    assert removed == len(results) - len(kept)
    assert len(await sql_store.rollups(FIVE, since=0)) == 36
    assert (await sql_store.storage()).oldest in {before, kept[0].slot}


async def test_a_late_result_of_what_is_forgotten_is_not_taken(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    await written(sql_store, endpoint, first, 3)
    now = START + 6 * HOUR
    await tidied(sql_store, now, replace(FOREVER, results=now - START - HOUR))
    before = await sql_store.rollups(Period.HOUR, since=0)
    await sql_store.write(Batch(late=[a_failure(endpoint, first + 7)]))
    assert await sql_store.stretch(endpoint, since=0, until=START + HOUR) == []
    assert await sql_store.rollups(Period.HOUR, since=0) == before


async def test_a_clock_that_was_a_year_ahead_costs_what_it_made_too_old_and_nothing_after(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    await written(sql_store, endpoint, first, 2)
    ahead = START + 365 * DAY
    wrong = [a_result(endpoint, slot + 365 * DAY) for slot in range(first, START + 2 * HOUR, MINUTE)]
    await sql_store.write(Batch(results=wrong, rollups=roll_up(FIVE, wrong)))
    await tidied(sql_store, ahead + 4 * HOUR, replace(FOREVER, results=7 * DAY, five_minutes=30 * DAY))
    right = [a_result(endpoint, slot) for slot in range(first + 2 * HOUR, START + 4 * HOUR, MINUTE)]
    await sql_store.write(Batch(results=right, rollups=roll_up(FIVE, right)))
    await tidied(sql_store, START + 6 * HOUR)
    assert await sql_store.stretch(endpoint, since=0, until=ahead) == right
    assert sum(one.up for one in await sql_store.rollups(Period.HOUR, since=0, until=ahead)) == 4 * 60


async def test_each_length_of_roll_up_goes_at_an_age_of_its_own(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store, interval=MINUTE)
    await written(sql_store, endpoint, first, 48)
    now = START + 49 * HOUR
    keep = replace(FOREVER, results=2 * HOUR, five_minutes=3 * HOUR, hours=30 * HOUR)
    await tidied(sql_store, now, keep)
    starts = {period: (await sql_store.rollups(period, since=0))[0].start for period in (FIVE, Period.HOUR, Period.DAY)}
    # Hours by the day that is made of them.
    expected = {
        FIVE: now - 3 * HOUR,
        Period.HOUR: Period.DAY.begin(now - 30 * HOUR),
        Period.DAY: Period.DAY.begin(START),
    }
    assert starts == expected
    whole = await sql_store.window(endpoint, since=Period.DAY.begin(START), until=now)
    assert sum(one.up for one in whole) == 48 * 60


async def test_roll_ups_stay_until_longer_ones_are_made_of_them_however_short_they_are_kept(
    sql_store: SqlStore,
) -> None:
    endpoint, first = await registered(sql_store)
    results = [a_result(endpoint, slot) for slot in range(first, START + 10 * HOUR, MINUTE)]
    keep = replace(FOREVER, results=20 * MINUTE, five_minutes=20 * MINUTE, hours=40 * MINUTE)
    for now in range(START, START + 14 * HOUR, 20 * MINUTE):
        some = [one for one in results if now - 20 * MINUTE <= one.slot < now]
        await sql_store.write(Batch(results=some, rollups=roll_up(FIVE, some)))
        await tidied(sql_store, now, keep)
    until = Period.DAY.begin(START) + DAY
    expected = roll_up(Period.DAY, [one for one in results if one.slot < until])
    assert await sql_store.rollups(Period.DAY, since=0, until=until) == expected
    # What came too late for them comes too late for all.
    await sql_store.write(Batch(late=[a_failure(endpoint, until - 1)]))
    assert await sql_store.rollups(Period.DAY, since=0, until=until) == expected


async def test_incidents_that_are_over_go_with_their_timelines(sql_store: SqlStore) -> None:
    old, still_open, young = (
        Incident(endpoint=1, opened=START + at, closed=closed, state=Outcome.DOWN, cause="connect/refused: no")
        for at, closed in ((0, START + 1), (1, None), (DAY, START + DAY + 1))
    )
    told = [Entry(incident=one.key, at=one.opened, moment=Moment.OPENED) for one in (old, still_open, young)]
    await sql_store.write(Batch(incidents=[old, still_open, young], entries=told))
    await tidied(sql_store, START + 2 * DAY, replace(FOREVER, incidents=DAY + HOUR))
    assert (await sql_store.incidents()).items == (young, still_open)
    assert await sql_store.case(IncidentKey(1, START)) is None
    assert await rows(sql_store, "entry") == 2


async def test_a_small_bite_ends_between_two_rows_of_one_time(
    sql_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers.RAW, "_bite", 3)
    many = await sql_store.register([an_endpoint(str(number)) for number in range(10)])
    await sql_store.write(Batch(results=[a_result(one.id, slot) for slot in (START, START + 1) for one in many]))
    keep = replace(FOREVER, results=MINUTE)
    first = await sql_store.upkeep(START + MINUTE + 1, keep)
    assert (first.removed, first.more) == (3, True)
    assert await tidied(sql_store, START + MINUTE + 1, keep) == 7
    assert (await sql_store.storage()).oldest == START + 1


async def test_an_export_is_all_there_is_hour_by_hour(sql_store: SqlStore) -> None:
    endpoint, first = await registered(sql_store)
    results = await written(sql_store, endpoint, first, 3)
    await tidied(sql_store, START + 2 * HOUR + 10 * MINUTE)
    pieces = [piece async for piece in sql_store.export([endpoint], since=results[5].slot, until=results[-5].slot)]
    assert [one for piece in pieces for one in piece] == results[5:-5]
    assert len(pieces) == 3
    assert [piece async for piece in sql_store.export(None, since=START + DAY, until=START + 2 * DAY)] == []


async def test_a_full_budget_costs_results_first_then_roll_ups_and_incidents_last(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "milkrun.db")
    endpoint, first = await registered(store)
    await written(store, endpoint, first, 33)  # to the end of a day
    over = Incident(endpoint=endpoint, opened=START, closed=START + 1, state=Outcome.DOWN, cause="no")
    await store.write(Batch(incidents=[over]))
    await tidied(store, START + 34 * HOUR)
    order = ("chunk", "result", "rollup", "incident")
    seen = [[await rows(store, name) for name in order]]
    while (await store.upkeep(START + 34 * HOUR, replace(FOREVER, max_bytes=0))).more:
        seen.append([await rows(store, name) for name in order])
        assert len(seen) < 60
    assert seen[-1] == [0, 0, 0, 0]
    # While there is any of what is worth less, what is worth more is whole.
    for counts in seen:
        first_left = next((place for place, count in enumerate(counts) if count), len(order))
        assert counts[first_left + 1 :] == seen[0][first_left + 1 :]
    await store.close()


async def test_on_postgresql_a_full_budget_costs_whole_days_of_results_the_oldest_first(postgres_url: str) -> None:
    store = await open_store(postgres_url)
    endpoint, first = await registered(store)
    await written(store, endpoint, first, 60)
    now = START + 61 * HOUR
    await tidied(store, now)
    await tidied(store, now, replace(FOREVER, max_bytes=0))
    left = await store.stretch(endpoint, since=0, until=now)
    assert left[0].slot >= DAY * (now // DAY)
    assert left[-1].slot == (await store.storage()).newest
    assert len(await store.rollups(Period.HOUR, since=0)) == 60
    await store.close()
