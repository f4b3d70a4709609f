"""Whatever is written, late or twice, and wherever upkeep breaks off: history is what one in memory says."""

from pathlib import Path
from random import Random

import pytest

from milkrun.core.rollup import Period
from milkrun.store.opening import open_store
from milkrun.store.progress import Mark, marks
from milkrun.store.protocol import Keep, Upkeep
from tests.contract.conftest import where
from tests.support.database import ENDLESS
from tests.support.history import START, an_endpoint
from tests.support.remembering import FIVE, INTERVAL, Remembered, in_order

YEARS = 10 * 365 * 86_400_000
KEEP = Keep(results=YEARS, five_minutes=YEARS, hours=YEARS, days=YEARS, incidents=YEARS, max_bytes=ENDLESS)
STEPS = 24
BITES = 400


class Play:
    """A store and what is remembered of it, by one plan."""

    def __init__(self, where: Path | str, seed: int) -> None:
        self._where = where
        self.plan = Random(seed)  # noqa: S311 - a plan that can be repeated, no secret

    async def begin(self) -> None:
        self.store = await open_store(self._where)
        endpoints = [an_endpoint(name, interval=INTERVAL) for name in ("a", "b", "c")]
        registered = await self.store.register(endpoints)
        self.endpoints = [one.id for one in registered]
        self.memory = Remembered(self.plan, {one.id: one.endpoint.key for one in registered})

    async def step(self) -> None:
        move = self.plan.choice([self.write, self.write, self.write, self.bite, self.half_a_bite, self.crash])
        await move()

    async def write(self) -> None:
        await self.store.write(self.memory.batch())

    async def bite(self) -> None:
        for _ in range(self.plan.randrange(1, 12)):
            await self.store.upkeep(self.memory.now, KEEP)

    async def half_a_bite(self) -> None:
        """What a bite reads is written only after a flush, or never."""
        due = await self.store._write(lambda writer: writer.upkeep(self.memory.now, KEEP))
        if isinstance(due, Upkeep):
            return
        found = await self.store._ask(due.read)
        await self.write()
        if self.plan.random() < 0.7:
            await self.store._write(lambda writer: writer.finish(due, found))
        else:
            await self.crash()

    async def crash(self) -> None:
        """All that is committed stays; all that is only in memory goes."""
        await self.store.close()
        self.store = await open_store(self._where)

    async def tidy(self) -> None:
        for _ in range(BITES):
            if not (await self.store.upkeep(self.memory.now, KEEP)).more:
                return
        raise AssertionError("upkeep never ends")


@pytest.mark.parametrize(("database", "seed"), [*[("sqlite", seed) for seed in range(4)], ("postgresql", 9)])
async def test_history_is_what_was_written_wherever_packing_and_merging_stand(
    request: pytest.FixtureRequest, database: str, seed: int
) -> None:
    play = Play(where(request, database), seed)
    await play.begin()
    for _ in range(STEPS):
        await play.step()
        await reads_hold(play)
    await play.tidy()
    await reads_hold(play)
    await rollups_hold(play)
    await play.store.close()


async def reads_hold(play: Play) -> None:
    since = play.plan.randrange(START, play.memory.now + 1)
    until = play.plan.randrange(since, play.memory.now + 2)
    for endpoint in play.endpoints:
        expected = play.memory.of(endpoint, since, until)
        assert await play.store.stretch(endpoint, since=since, until=until) == expected
        newest = play.memory.of(endpoint, until=until)[::-1]
        assert await play.store.results(endpoint, limit=7, before=until) == newest[:7]
    recent = await play.store.recent(per_endpoint=9, since=since)
    expected_recent = {endpoint: play.memory.of(endpoint, since)[-9:] for endpoint in play.endpoints}
    assert recent == {endpoint: results for endpoint, results in expected_recent.items() if results}
    exported = [one async for piece in play.store.export(None, since=since, until=until) for one in piece]
    of_each = {endpoint: [one for one in exported if one.endpoint == endpoint] for endpoint in play.endpoints}
    assert of_each == {endpoint: play.memory.of(endpoint, since, until) for endpoint in play.endpoints}


async def rollups_hold(play: Play) -> None:
    reached = await play.store._ask(marks)
    closed = FIVE.begin(play.memory.now - 60_000)
    for period, before in ((FIVE, closed), (Period.HOUR, reached[Mark.HOURS]), (Period.DAY, reached[Mark.DAYS])):
        found = await play.store.rollups(period, since=0)
        assert in_order(found) == in_order(play.memory.rollups(period, before))
    assert in_order(await play.store.count(since=START)) == in_order(play.memory.rollups(FIVE))
    for endpoint in play.endpoints:
        window = await play.store.window(endpoint, since=START, until=closed)
        expected = [one for one in play.memory.rollups(FIVE, closed) if one.endpoint == endpoint]
        for count in ("up", "degraded", "down", "unknown", "maintenance"):
            assert sum(getattr(one, count) for one in window) == sum(getattr(one, count) for one in expected)
        tallies = await play.store.tallies(since=0, endpoint=endpoint)
        assert sum(one.up for one in tallies) == sum(one.up for one in expected)
