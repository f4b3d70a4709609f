"""The composition root: the only place that knows every part. It starts them, stops them, and owns what lives."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec
import structlog
import uvloop

from milkrun.alerting.delivery import Deliveries
from milkrun.alerting.heartbeat import Pulse
from milkrun.alerting.kinds import CHANNELS
from milkrun.alerting.planner import Planner
from milkrun.client import Client, Descriptors, UsageError, raise_limit
from milkrun.clock import Clock, SystemClock
from milkrun.config.problems import ConfigError
from milkrun.config.settings import ClientSettings, Settings
from milkrun.config.source import FileSource
from milkrun.core.endpoint import Endpoint
from milkrun.core.result import Result
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.live import Live
from milkrun.monitor.monitor import Monitor, remember
from milkrun.monitor.once import check_once
from milkrun.probes.checking_client import checking_client
from milkrun.probes.kinds import KINDS
from milkrun.probes.rdap import Rdap
from milkrun.probes.registry import probe_makers
from milkrun.store.opening import database_of, open_store
from milkrun.store.protocol import Store, StoreError
from milkrun.store.sql import SqlStore
from milkrun.web.exposure import refusal
from milkrun.web.server import WebServer
from milkrun.web.services import Services

log = structlog.get_logger(__name__)

# Descriptors that are not connections of checks: the database, the listener and its browsers, resolvers, files.
RESERVE = 200
WEB_STOPS = 1.5
# Deliveries under way have a second to end, and another for what they came to to be written down.
DELIVERIES_STOP = 2.5
# The heartbeat rests on what the check loop says of itself so often (s).
PULSE = 1.0
# Seconds after which most endpoints have been visited once, so that their connections are open.
FIRST_ROUND = 60.0
# The interpreter's collections, by generation: often and small. What is cold in memory takes up to a microsecond an
# object, so that the 5,000 a collection of the second generation may walk are what may hold the loop.
COLLECT_AFTER = (1_000, 3, 10_000)
SWITCH_INTERVAL = 0.001


class StartError(Exception):
    """Milkrun cannot start; the message is one line that says why and, where there is a way, what to do."""


def serve(settings: Settings, *, announce: Callable[[str], None], paths: Sequence[Path] = ()) -> int:
    """Monitor, and serve the pages, until SIGTERM or SIGINT; returns the process's exit status.

    `announce` is told, in one line, where the pages are. `paths` are the configuration the settings came from: on
    SIGHUP its endpoints, channels and routes are read again, and only what changed is touched. Raises StartError.
    """
    reason = refusal(settings.web)
    if reason is not None:
        raise StartError(reason)
    _log_to_stderr()
    gc.set_threshold(*COLLECT_AFTER)
    raise_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, announce, paths))
    return 0


async def check(settings: Settings, *, rounds: int, on_result: Callable[[Endpoint, Result], None]) -> None:
    """Check every endpoint now, `rounds` times over, nothing stored; `on_result` gets what each check came to.

    The first round is cold. Retries are honoured: of a slot's attempts, the last one is the result.
    """
    raise_limit()
    clock = SystemClock()
    lag = LagMeter(clock)
    async with _client(settings.client) as client, asyncio.TaskGroup() as group:
        ticking = group.create_task(lag.run(), name="loop lag")
        await check_once(
            settings.endpoints,
            rounds=rounds,
            on_result=on_result,
            makers=probe_makers(client, clock=clock, lag_since=lag.since),
            clock=clock,
            location=settings.location,
        )
        ticking.cancel()


async def _serve(settings: Settings, announce: Callable[[str], None], paths: Sequence[Path]) -> None:
    stopping, hangup = _signals()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        with _needed():
            store = await open_store(database_of(settings))
        stack.push_async_callback(store.close)
        client = await stack.enter_async_context(_client(settings.client))
        live = LiveHub()
        stack.callback(live.close)
        web = _bound(settings, store, live, clock.wall())
        stack.push_async_callback(asyncio.to_thread, web.stop, WEB_STOPS)
        deliveries = _deliveries(settings, store, clock, web.url)
        stack.push_async_callback(asyncio.to_thread, deliveries.stop, DELIVERIES_STOP)
        source = FileSource(settings, paths, KINDS, CHANNELS)
        changes = source.changes()
        with _needed():
            planner = Planner(settings.alerting.routes, await store.firings())
            monitor = await _monitor(settings, clock, store, live, client, planner)
            await monitor.begin((await anext(changes)).added)
            monitor.pipeline.reroute(int(clock.wall() * 1_000))
            await asyncio.to_thread(deliveries.start)
        _keep_the_loop_free()
        await asyncio.to_thread(web.start)
        announce(_greeting(len(settings.endpoints), web.url))
        async with asyncio.TaskGroup() as group:
            group.create_task(monitor.follow(changes), name="endpoints")
            take_over = partial(_take_over, planner, monitor, deliveries, clock)
            aside = [
                group.create_task(_reload(source, hangup, paths, take_over), name="reload"),
                group.create_task(_feel(monitor, clock, deliveries), name="pulse"),
            ]
            await monitor.run(stopping)
            for task in aside:
                task.cancel()
            source.close()


def _greeting(count: int, url: str) -> str:
    return f"Milkrun is watching {count} endpoint{'' if count == 1 else 's'}: {url}"


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Events for stopping (SIGTERM, SIGINT) and for reading the endpoints again (SIGHUP)."""
    loop, stopping, hangup = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    return stopping, hangup


def _client(settings: ClientSettings) -> Client:
    try:
        return checking_client(settings, Descriptors.from_limit(reserve=RESERVE))
    except UsageError as err:
        raise StartError(str(err)) from err


def _bound(settings: Settings, store: SqlStore, live: Live, started: float) -> WebServer:
    """The web server with its address taken: a port in use is known before anything is checked."""
    services = Services(
        store=store,
        outbox=store,
        live=live,
        settings=settings,
        version=version("milkrun"),
        location=settings.location,
        started=started,
    )
    web = WebServer(services)
    try:
        web.bind()
    except OSError as err:
        where = f"{settings.web.host} port {settings.web.port}"
        raise StartError(f"cannot serve on {where}: {err.strerror}; choose another with --port or --host") from err
    return web


def _deliveries(settings: Settings, store: SqlStore, clock: Clock, url: str) -> Deliveries:
    """What delivers, told by the store of every message that was committed. `url` is where the pages are."""
    public = settings.web.url or url.rstrip("/")
    deliveries = Deliveries(settings.alerting, outbox=store, kinds=CHANNELS, url=public, clock=clock)
    store.listen(deliveries.wake)
    return deliveries


def _take_over(planner: Planner, monitor: Monitor, deliveries: Deliveries, clock: Clock, settings: Settings) -> None:
    """Go by other routes and channels from now on."""
    planner.use(settings.alerting.routes)
    monitor.pipeline.reroute(int(clock.wall() * 1_000))
    deliveries.use(settings.alerting)


async def _feel(monitor: Monitor, clock: Clock, deliveries: Deliveries) -> None:
    """Say every second, from the check loop, that it lives and how far it has come."""
    while True:
        runner = monitor.runner
        error = monitor.pipeline.vitals()["error"]
        pulse = Pulse(
            at=clock.now(),
            due=runner.due,
            done=runner.done + runner.skipped,
            error=str(error) if error else None,
            watching=not monitor.scheduler.is_idle,
        )
        deliveries.feel(pulse)
        await clock.sleep_until(clock.now() + PULSE)


async def _monitor(
    settings: Settings, clock: Clock, store: Store, live: Live, client: Client, planner: Planner
) -> Monitor:
    """The monitor, gone on from where the store says the last run stopped."""
    lag = LagMeter(clock)
    return Monitor(
        clock=clock,
        store=store,
        live=live,
        lag=lag,
        makers=probe_makers(client, clock=clock, lag_since=lag.since),
        client_stats=client.stats,
        remembered=await remember(store),
        location=settings.location,
        storage=settings.storage,
        planner=planner,
        network=msgspec.structs.replace(settings.network, direct=not settings.client.proxy_from_environment),
        ask=Rdap(client, settings.rdap).registration,
    )


@contextmanager
def _needed() -> Iterator[None]:
    """What the store cannot do while Milkrun starts, it cannot start without."""
    try:
        yield
    except StoreError as err:
        raise StartError(str(err)) from err


def _keep_the_loop_free() -> None:
    """Nothing that the interpreter does by itself may hold the check loop.

    What is loaded stays, and so do the connections of the first round: a collection that walked those of 10,000
    endpoints would hold the loop for 150 ms. The store's and the web's threads hand over the interpreter after one
    millisecond, not five: a check takes it back several times.
    """
    gc.collect()
    gc.freeze()
    asyncio.get_running_loop().call_later(FIRST_ROUND, gc.freeze)
    sys.setswitchinterval(SWITCH_INTERVAL)


async def _reload(
    source: FileSource, hangup: asyncio.Event, paths: Sequence[Path], take_over: Callable[[Settings], None]
) -> None:
    """Read the configuration again at every hangup; one with errors changes nothing."""
    while True:
        await hangup.wait()
        hangup.clear()
        if not paths:
            log.warning("nothing to read again: started without a configuration")
            continue
        try:
            settings = await source.reload()
        except ConfigError as err:
            for problem in err.problems:
                log.warning("configuration not taken over", problem=str(problem))
        else:
            take_over(settings)
            log.info("configuration read again", endpoints=len(settings.endpoints))


def _log_to_stderr() -> None:
    """Sparse lines for the operator; never what a check found, that is what the pages are for."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
