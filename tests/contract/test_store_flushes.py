"""What every Store does with a flush of which nobody knows whether it arrived: written again, it is there once."""

from msgspec.structs import replace

from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.store.protocol import Batch, Gap, Store
from milkrun.store.sql import SqlStore
from tests.support.database import registered
from tests.support.history import START, a_failure, a_result
from tests.support.store_victim import flush_of

FIVE = Period.FIVE_MINUTES


def some_flush(endpoints: list[int]) -> Batch:
    """A flush with some of everything, its late result beside five minutes that are stored already."""
    flush = flush_of(1, endpoints)
    return replace(
        flush,
        late=[a_result(endpoints[0], START - FIVE.value)],
        recount=[START - 2 * FIVE.value],
        gaps=[Gap(began=START - 50, ended=START, reason="not running")],
    )


async def everything(store: Store, endpoints: list[int]) -> list[object]:
    page = await store.incidents()
    return [
        await store.states(),
        page,
        [await store.case(one.key) for one in page.items],
        [await store.results(endpoint, limit=99) for endpoint in endpoints],
        await store.rollups(FIVE, since=0),
        await store.tallies(since=0),
        await store.firings(),
        await store.gaps(since=0),
    ]


async def test_a_flush_that_is_written_again_changes_nothing(store: Store) -> None:
    endpoints = await registered(store, 3)
    before = [a_result(endpoints[0], START - FIVE.value + step) for step in (10_000, 20_000)]
    dropped = a_failure(endpoints[1], START - 2 * FIVE.value)
    await store.write(Batch(results=[*before, dropped], rollups=roll_up(FIVE, before)))
    flush = some_flush(endpoints)
    await store.write(flush)
    once = await everything(store, endpoints)
    await store.write(flush)
    assert await everything(store, endpoints) == once
    assert counted(await store.rollups(FIVE, since=0)) == {
        (START - 2 * FIVE.value, endpoints[1]): (0, 1),
        (START - FIVE.value, endpoints[0]): (3, 0),
        (START + FIVE.value, endpoints[0]): (1, 0),
    }


def counted(rollups: list[Rollup]) -> dict[tuple[int, int], tuple[int, int]]:
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for one in rollups:
        up, down = found.get((one.start, one.endpoint), (0, 0))
        found[one.start, one.endpoint] = up + one.up, down + one.down
    return found


async def test_a_message_that_is_written_again_waits_once(sql_store: SqlStore) -> None:
    flush = some_flush(await registered(sql_store, 3))
    for _ in range(3):
        await sql_store.write(flush)
    assert [channel.pending for channel in await sql_store.channels()] == [1]


async def test_an_end_after_a_flush_that_was_written_twice_ends_it(store: Store) -> None:
    endpoints = await registered(store, 3)
    opening, closing = flush_of(1, endpoints), flush_of(2, endpoints)
    for flush in (opening, opening, closing, closing):
        await store.write(flush)
    assert (await store.incidents(open_only=True)).total == 0
    assert await store.firings() == {}
    assert [state.incident for state in (await store.states()).values()] == [None]
