"""The web server on a thread and loop of its own, so that pages never wait for checks, nor checks for pages."""

import asyncio
import contextlib
import socket
import threading

import structlog
import uvicorn
import uvloop

from milkrun.web.app import create_app
from milkrun.web.services import Services

log = structlog.get_logger()

BACKLOG = 512
STARTING = 10.0  # seconds
TICK = 1.0  # seconds: how often the Date header is written anew


class WebServer:
    """Bind early, start late, stop within a limit. Signals are app's: on a thread uvicorn leaves them alone."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings.web
        self._app = create_app(services)
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()

    def bind(self) -> None:
        """Take the address now, so that a port in use is known before anything starts; raises OSError."""
        host, port = self._settings.host.strip("[]"), self._settings.port
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
        self._socket = bound

    @property
    def url(self) -> str:
        """The pages' address, with the port that was really taken; after `bind`."""
        if self._socket is None:
            raise RuntimeError("bind() comes before url")
        host, port = self._socket.getsockname()[:2]
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what it was bound to is app's rule
        return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"

    def start(self) -> None:
        """Serve on a new thread; returns when requests are answered."""
        if self._socket is None:
            raise RuntimeError("bind() comes before start()")
        self._thread = threading.Thread(target=self._run, name="milkrun-web", daemon=True)
        self._thread.start()
        if not self._started.wait(STARTING) or self._server is None or not self._server.started:
            raise RuntimeError("the web server did not start")

    def stop(self, timeout: float) -> None:
        """End the streams, let requests finish, and join the thread, all within `timeout` seconds."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            self._close()
            return
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended by itself
            loop.call_soon_threadsafe(self._leave)
        thread.join(timeout)
        if thread.is_alive():
            log.warning("the web server was left running", seconds=timeout)

    def _leave(self) -> None:
        self._app.state.site.stopping.set()
        if self._server is not None:
            self._server.leave()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        finally:
            self._started.set()
            self._close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, self._started)
        await self._server.serve(sockets=[self._socket] if self._socket else [])

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _Server(uvicorn.Server):
    """Says when it has started, and sleeps while nobody asks: uvicorn's own wakes ten times a second to look."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._told = started
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """End; from its own loop."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Tick once a second until it is time to leave."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), TICK)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the thread that waits."""
        await super().startup(sockets)
        self._told.set()
