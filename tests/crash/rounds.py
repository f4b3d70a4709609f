"""Milkrun itself, the real command, started and killed at random moments until its rounds are over."""

import asyncio
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from tests.crash.plan import Plan
from tests.support.command_line import COMMAND, Served, environment, serving

CONFIG = """\
endpoints:
{endpoints}
network: {{hosts: 1000000}} # one address is all there is here
alerting:
  channels:
    receiver: {{type: webhook, url: "http://127.0.0.1:{receiver}/", rate-limit: 1000/1m}}
  routes:
    - {{name: all, channels: [receiver], group-wait: 500ms}}
"""
ENDPOINT = """\
  - {{name: "e{number}", url: "http://127.0.0.1:{port}/{number}", interval: 1s, conditions: ["[STATUS] == 200"], \
flapping: {{enabled: false}}}}"""

LIFE = (1.0, 4.5)  # seconds from readiness to the kill
START = 5.0  # seconds from one life to the next: a start on a machine that is busy, and a look at what waits
STILLBIRTH = 0.1  # of the lives end before they are ready
READY_WITHIN = 60.0
SETTLE_WITHIN = 180.0
VITALS = 1.1  # seconds between two looks at what waits, which Milkrun tells once a second
RECOVERY = 15.0  # seconds of the plan without trouble, at its end
TOLD = 5_000  # characters of what Milkrun said that are shown where the play itself fails
AFTERWARDS = 5.0  # seconds in which the last recoveries are noticed


_PENDING = re.compile(r"^milkrun_storage_pending (\S+)", re.MULTILINE)


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One process: when its greeting was read (None: never) and when it was killed or had stopped, epoch seconds."""

    ready: float | None
    ended: float
    killed: bool


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened: to be compared with what is in the books."""

    plan: Plan
    lives: tuple[Life, ...]
    deliveries: Path


class Trouble(Protocol):
    """What goes on beside the kills, such as a disk that fills up."""

    async def __call__(self, turn: asyncio.Lock, over: asyncio.Event) -> None:
        """Make trouble again and again, each time within `turn`; when the event is set all is right, and it ends.

        Nobody is killed in the midst of it: what a database does not take is in memory alone, and would be lost.
        """


async def play(
    folder: Path, *, rounds: int, endpoints: int, seed: int, database: list[object], trouble: Trouble | None = None
) -> Played:
    """Kill `rounds` times, then let what is left be checked and delivered, and stop in good order."""
    expected = rounds * (sum(LIFE) / 2 + START)
    now = time.time()
    plan = Plan(seed=seed, begins=now + 3, ends=now + 3 + max(expected, 40.0), endpoints=endpoints)
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    deliveries = folder / "deliveries.jsonl"
    chance = random.Random(seed)  # noqa: S311 - a seed makes it the same again
    async with _stage(folder, deliveries) as (port, receiver):
        config = folder / "milkrun.yaml"
        listed = "\n".join(ENDPOINT.format(number=number, port=port) for number in range(endpoints))
        config.write_text(CONFIG.format(endpoints=listed, receiver=receiver))
        command = ["serve", "--config", config, "--port", "0", *database]
        turn, most = asyncio.Lock(), 3 * endpoints // 2
        try:
            async with _beside(trouble, turn, until=plan.ends - RECOVERY):
                lives = [await _life(command, folder, chance, number, turn, most) for number in range(rounds)]
                last = await _last_life(command, folder, plan, turn)
        except Exception as err:
            err.add_note((folder / "errors.txt").read_text()[-TOLD:])
            raise
    return Played(plan=plan, lives=(*lives, last), deliveries=deliveries)


@asynccontextmanager
async def _beside(trouble: Trouble | None, turn: asyncio.Lock, until: float) -> AsyncIterator[None]:
    """Have the trouble until shortly before the plan ends."""
    if trouble is None:
        yield
        return
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(until - time.time(), over.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(trouble(turn, over), name="trouble")
        try:
            yield
        finally:
            over.set()


@asynccontextmanager
async def _stage(folder: Path, deliveries: Path) -> AsyncIterator[tuple[int, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crash.stage",
        str(folder / "plan.json"),
        str(deliveries),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is None or process.stdin is None:
        raise RuntimeError("the stage has no pipes")
    try:
        async with asyncio.timeout(READY_WITHIN):
            first, second = (await process.stdout.readline()).split()
        yield int(first), int(second)
    finally:
        process.stdin.close()
        await process.wait()


async def _life(
    command: list[object], folder: Path, chance: random.Random, number: int, turn: asyncio.Lock, most: int
) -> Life:
    """One life, ended by SIGKILL; some end before they are ready, but never two in a row."""
    if number % 2 and chance.random() < 2 * STILLBIRTH:
        async with turn:
            return await _stillbirth(command, folder, chance.uniform(0.0, 1.0))
    with (folder / "errors.txt").open("ab") as errors:
        async with AsyncExitStack() as stack:
            async with turn:  # without its database it does not start, and says so: that is tried elsewhere
                served = await stack.enter_async_context(serving(*command, stderr=errors.fileno()))
            ready = time.time()
            await asyncio.sleep(chance.uniform(*LIFE))
            async with turn:
                await _storing(served, most)
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                served.process.kill()
                ended = time.time()
            await served.process.wait()
    return Life(ready=ready, ended=ended, killed=True)


async def _storing(served: Served, most: int) -> None:
    """Wait until the database takes results again: no more of them wait than come in a second and a half."""
    async with asyncio.timeout(SETTLE_WITHIN):
        while True:
            await asyncio.sleep(VITALS)
            metrics = (await served.http.get("/metrics")).text
            if float(_PENDING.search(metrics)[1]) <= most:  # type: ignore[index] # it is always there
                return


async def _stillbirth(command: list[object], folder: Path, after: float) -> Life:
    with (folder / "errors.txt").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *map(str, command), stdout=asyncio.subprocess.DEVNULL, stderr=errors, env=environment()
        )
        await asyncio.sleep(after)
        process.kill()
        ended = time.time()
        await process.wait()
    return Life(ready=None, ended=ended, killed=True)


async def _last_life(command: list[object], folder: Path, plan: Plan, turn: asyncio.Lock) -> Life:
    """Live until the plan is over and nothing waits to be delivered, then stop as an operator does."""
    with (folder / "errors.txt").open("ab") as errors:
        async with AsyncExitStack() as stack:
            async with turn:
                served = await stack.enter_async_context(serving(*command, stderr=errors.fileno()))
            ready = time.time()
            await asyncio.sleep(max(0.0, plan.ends + AFTERWARDS - time.time()))
            await served.eventually("/api/v1/alerts", _nothing_waits, within=SETTLE_WITHIN)
            await served.stop(signal.SIGTERM, within=30)
    return Life(ready=ready, ended=time.time(), killed=False)


def _nothing_waits(alerts: dict[str, list[dict[str, object]]]) -> bool:
    return all(channel["pending"] == 0 for channel in alerts["items"])


def temporary() -> "tempfile.TemporaryDirectory[str]":
    """A folder on a real disk: what a kill leaves behind is the disk's business, too."""
    return tempfile.TemporaryDirectory(prefix="milkrun-crash-", dir="/var/tmp")
