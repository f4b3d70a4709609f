"""The workers of all configured channels, on one event loop: started, exchanged and stopped together."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping

import msgspec
import structlog

from milkrun.alerting.channel import ChannelKinds
from milkrun.alerting.letters import LetterWriter
from milkrun.alerting.worker import Worker
from milkrun.client import Client
from milkrun.clock import Clock
from milkrun.config.settings import AlertingSettings, ChannelSettings
from milkrun.store.outbox_protocol import Outbox
from milkrun.store.protocol import StoreError

log = structlog.get_logger(__name__)

# What a delivery under way may still take when its worker is to end (s).
GRACE = 1.0
# The store does not take the channels yet: tell it again so soon (s).
AGAIN = 1.0


class Crew:
    """A worker for each channel. `use` tells which channels there are, at the start and whenever they change."""

    def __init__(
        self, *, outbox: Outbox, letters: LetterWriter, kinds: ChannelKinds, client: Client, clock: Clock, secret: bytes
    ) -> None:
        self._outbox = outbox
        self._letters = letters
        self._kinds = kinds
        self._client = client
        self._clock = clock
        self._secret = secret
        self._workers: dict[str, tuple[Worker, asyncio.Task[None]]] = {}

    async def use(self, alerting: AlertingSettings) -> None:
        """Deliver to these channels by these routes from now on; a channel that has not changed goes on undisturbed."""
        wanted = {settings.name: settings for settings in alerting.channels}
        routes = {route.name: route for route in alerting.routes}
        gone = [name for name, (worker, _) in self._workers.items() if wanted.get(name) != worker.settings]
        await self._end(gone)
        await self._configure({name: fingerprint(self._secret, settings) for name, settings in wanted.items()})
        for name, settings in wanted.items():
            if name not in self._workers:
                self._start(settings)
            worker, _ = self._workers[name]
            worker.routes = routes
            worker.wake()

    def wake(self) -> None:
        """There may be something to deliver."""
        for worker, _ in self._workers.values():
            worker.wake()

    async def stop(self) -> None:
        """End all workers; deliveries under way get a short grace, and are released if it does not do."""
        await self._end(list(self._workers))

    def _start(self, settings: ChannelSettings) -> None:
        channel = self._kinds[settings.kind].open(settings.options, client=self._client)
        worker = Worker(settings, channel, outbox=self._outbox, letters=self._letters, routes={}, clock=self._clock)
        task = asyncio.get_running_loop().create_task(worker.run(), name=f"channel {settings.name}")
        task.add_done_callback(broken_off)
        self._workers[settings.name] = worker, task

    async def _end(self, names: Iterable[str]) -> None:
        ending = [self._workers.pop(name) for name in names]
        for worker, _ in ending:
            worker.stop()
        tasks = [task for _, task in ending]
        if not tasks:
            return
        await asyncio.wait(tasks, timeout=GRACE)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _configure(self, fingerprints: Mapping[str, str]) -> None:
        while True:
            try:
                await self._outbox.configure(fingerprints, now=int(self._clock.wall() * 1_000))
            except StoreError as err:
                log.warning("channels not known to the outbox yet", reason=str(err))
                await self._clock.sleep_until(self._clock.now() + AGAIN)
            else:
                return


def fingerprint(secret: bytes, settings: ChannelSettings) -> str:
    """What changes with anything in a channel's configuration; keyed, for there are secrets in that."""
    said = msgspec.json.encode([settings.kind, settings.options], enc_hook=str)
    return hashlib.blake2b(said, key=secret, digest_size=16).hexdigest()


def broken_off(task: asyncio.Task[None]) -> None:
    """Tell of a task that raised: none of them ends by itself, and a channel that is silent must be seen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a part of alerting broke off", part=task.get_name(), exc_info=error)
