"""A channel that does what a test says, and a worker on it over a real outbox and a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from milkrun.alerting.channel import Channel, Letter
from milkrun.alerting.letters import LetterWriter
from milkrun.alerting.worker import Worker
from milkrun.client import Client
from milkrun.clock import ManualClock, settle
from milkrun.config.section import Section
from milkrun.config.settings import ChannelSettings, Rate
from milkrun.core.alert import Message, Route
from milkrun.store.outbox_protocol import Outbox
from milkrun.store.protocol import Batch
from milkrun.store.sql import SqlStore
from tests.support.history import START
from tests.support.turns import until

ADDRESS = "https://status.example"
SECRET = bytes(range(32))
# Nobody sleeps for longer, so that no step of the clock passes over a wake.
NAP = 5.0


class Options(msgspec.Struct, frozen=True):
    """What a puppet is configured by."""

    word: str = ""


class Puppet:
    """Notes each letter; raises what comes next, or hangs for an Event, or lets it arrive. It is its own kind, too."""

    def __init__(self, *ends: Exception | asyncio.Event | None) -> None:
        self.letters: list[Letter] = []
        self.opened: list[msgspec.Struct] = []
        self._ends = list(ends)

    async def deliver(self, letter: Letter) -> None:
        self.letters.append(letter)
        end = self._ends.pop(0) if self._ends else None
        if isinstance(end, asyncio.Event):
            await end.wait()
        elif end is not None:
            raise end

    def read(self, section: Section) -> Options:
        return Options(section.text("word"))

    def open(self, options: msgspec.Struct, *, client: Client) -> Channel:  # noqa: ARG002 - it asks nobody
        self.opened.append(options)
        return self


class Bench:
    """A worker for the channel `ops`, and what it needs."""

    def __init__(self, store: SqlStore, puppet: Puppet, clock: ManualClock, worker: Worker) -> None:
        self.store = store
        self.puppet = puppet
        self.clock = clock
        self.worker = worker

    @property
    def told(self) -> list[list[str]]:
        """The purposes of each letter's messages."""
        return [[message.purpose.value for message in letter.messages] for letter in self.puppet.letters]

    async def put(self, *messages: Message) -> None:
        """Commit messages, and wake the worker."""
        await self.store.write(Batch(messages=messages))
        self.worker.wake()

    async def idle(self) -> None:
        """Wait until the worker has nothing to do but wait."""
        await settle()
        assert await until(lambda: sleeps(self.clock))

    async def after(self, seconds: float) -> int:
        """How many letters have gone so many seconds later; whoever wakes meanwhile has done what he does by then."""
        await self.idle()
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0:
            await self.clock.advance(min(left, NAP))
            await self.idle()
        return len(self.puppet.letters)


def sleeps(clock: ManualClock) -> bool:
    """Whether anybody waits for the clock."""
    return any(not woken.done() for _, _, woken in clock._sleepers)


def a_clock() -> ManualClock:
    return ManualClock(wall=START / 1_000)


def a_channel(name: str = "ops", *, word: str = "", rate: Rate | None = None, timeout: float = 15.0) -> ChannelSettings:
    return ChannelSettings(name=name, kind="puppet", options=Options(word), rate=rate, timeout=timeout)


@asynccontextmanager
async def at_work(
    store: SqlStore,
    puppet: Puppet,
    *,
    routes: Sequence[Route] = (),
    rate: Rate | None = None,
    timeout: float = 15.0,
    outbox: Outbox | None = None,
    clock: ManualClock | None = None,
) -> AsyncIterator[Bench]:
    """Run a worker for `ops` until the block ends."""
    moved = clock or a_clock()
    await store.configure({"ops": "first"}, now=START)
    worker = Worker(
        a_channel(rate=rate, timeout=timeout),
        puppet,
        outbox=outbox or store,
        letters=LetterWriter(url=ADDRESS, secret=SECRET),
        routes={route.name: route for route in routes},
        clock=moved,
        chance=lambda: 0.5,
    )
    task = asyncio.get_running_loop().create_task(worker.run())
    bench = Bench(store, puppet, moved, worker)
    try:
        await bench.idle()
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])
