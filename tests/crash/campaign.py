"""The three campaigns: killed on SQLite, killed on a PostgreSQL that is restarted, and on a disk that fills up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from milkrun.store.opening import open_store
from milkrun.store.protocol import Store
from tests.crash.disks import Filler, small_disk
from tests.crash.rounds import Played, play, temporary
from tests.crash.servers import Restarting
from tests.crash.verdict import Verdict, judge
from tests.support.postgres import PostgresServer


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is played. `grace`: seconds over one that may be missing before a kill, for a machine that is busy."""

    rounds: int
    endpoints: int
    seed: int
    grace: float = 0.0


async def on_sqlite(size: Size) -> Verdict:
    """Kill it on a disk with room."""
    with temporary() as name:
        folder = Path(name)
        played = await _play(size, folder, ["--data", folder / "data"])
        return await _judged(folder / "data" / "milkrun.db", played, size)


async def on_postgres(size: Size) -> Verdict:
    """Kill it, and restart the database underneath, neither knowing of the other."""
    server = PostgresServer()
    try:
        with temporary() as name:
            url = server.new_database()
            played = await _play(size, Path(name), ["--database", url], Restarting(server))
            return await _judged(url, played, size)
    finally:
        server.close()


async def on_a_full_disk(size: Size) -> Verdict:
    """Take it the room on its disk and give it back. Raises CalledProcessError where mounting is not permitted."""
    with temporary() as name:
        data = Path(name) / "data"
        with small_disk(data):
            played = await _play(size, Path(name), ["--data", data], Filler(data))
            return await _judged(data / "milkrun.db", played, size)


async def _play(
    size: Size, folder: Path, database: list[object], trouble: "Filler | Restarting | None" = None
) -> Played:
    return await play(
        folder, rounds=size.rounds, endpoints=size.endpoints, seed=size.seed, database=database, trouble=trouble
    )


async def _judged(where: Path | str, played: Played, size: Size) -> Verdict:
    async with _opened(where) as store:
        return await judge(store, played, grace=size.grace)


@asynccontextmanager
async def _opened(where: Path | str) -> AsyncIterator[Store]:
    store = await open_store(where, read_only=True)
    try:
        yield store
    finally:
        await store.close()
