"""Deliveries on a thread and loop of their own, with a client of their own: no check ever waits for one."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog
import uvloop

from milkrun.alerting.channel import ChannelKinds
from milkrun.alerting.crew import Crew, broken_off
from milkrun.alerting.heartbeat import Heartbeat, Pulse
from milkrun.alerting.letters import LetterWriter
from milkrun.client import Client, Descriptors
from milkrun.clock import Clock
from milkrun.config.settings import AlertingSettings, HeartbeatSettings
from milkrun.store.outbox_protocol import Outbox

log = structlog.get_logger(__name__)

# Connections that deliveries may hold, apart from those of checks.
BUDGET = 50
STARTING = 10.0  # seconds


class Deliveries:
    """Start, tell of news or of other settings, stop; each from any thread. `url` is where people reach the pages."""

    def __init__(
        self,
        alerting: AlertingSettings,
        *,
        outbox: Outbox,
        kinds: ChannelKinds,
        url: str,
        clock: Clock,
    ) -> None:
        self._alerting = alerting
        self._outbox = outbox
        self._kinds = kinds
        self._url = url
        self._clock = clock
        self._felt = Pulse(at=clock.now(), due=0, done=0, error=None)
        self._beating: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="milkrun-deliveries", daemon=True)
        self._running: Future[tuple[asyncio.AbstractEventLoop, Crew]] = Future()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Deliver from now on. Raises what keeps it from starting."""
        self._thread.start()
        self._running.result(STARTING)

    def wake(self) -> None:
        """There may be something to deliver."""
        self._call(lambda: self._crew().wake())

    def feel(self, pulse: Pulse) -> None:
        """How the check loop is: to be told about every second, for the heartbeat to rest on."""
        self._felt = pulse

    def use(self, alerting: AlertingSettings) -> None:
        """Take over channels, routes and heartbeat; what waits goes on waiting."""
        self._alerting = alerting
        self._call(self._changed.set)

    def stop(self, timeout: float) -> None:
        """Let deliveries under way end for a moment, release the rest, and join the thread within `timeout` seconds."""
        if not self._thread.is_alive():
            return
        self._call(self._stopping.set)
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("deliveries were left running", seconds=timeout)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._deliver())
        except BaseException as err:
            if not self._running.done():
                self._running.set_exception(err)
                return
            raise

    async def _deliver(self) -> None:
        secret = await self._outbox.secret()
        await self._outbox.end_leases()
        async with Client(descriptors=Descriptors(BUDGET)) as client:
            letters = LetterWriter(url=self._url, secret=secret)
            crew = Crew(
                outbox=self._outbox, letters=letters, kinds=self._kinds, client=client, clock=self._clock, secret=secret
            )
            self._running.set_result((asyncio.get_running_loop(), crew))
            following = asyncio.get_running_loop().create_task(self._follow(crew, client), name="alert settings")
            following.add_done_callback(broken_off)
            await self._stopping.wait()
            following.cancel()
            await asyncio.wait([following])
            await self._beat(None, client)
            await crew.stop()

    async def _follow(self, crew: Crew, client: Client) -> None:
        """Take over the settings of the start, and then whatever they are changed to, one after the other."""
        while True:
            self._changed.clear()
            alerting = self._alerting
            await self._beat(alerting.heartbeat, client)
            await crew.use(alerting)
            await self._changed.wait()

    async def _beat(self, settings: HeartbeatSettings | None, client: Client) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
            self._beating = None
        if settings is not None:
            heartbeat = Heartbeat(
                settings, client=client, outbox=self._outbox, clock=self._clock, pulse=lambda: self._felt
            )
            self._beating = asyncio.get_running_loop().create_task(heartbeat.run(), name="heartbeat")

    def _crew(self) -> Crew:
        return self._running.result()[1]

    def _call(self, what: Callable[[], None]) -> None:
        if not self._running.done():
            return  # it looks by itself when it starts
        loop, _ = self._running.result()
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended by itself
            loop.call_soon_threadsafe(what)
