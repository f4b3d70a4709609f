"""What a server under test is, and one that runs."""

import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol, cast

from tests.conformance.door import Door, Layer, Manner, Order

_START_WITHIN = 30.0
_STOP_WITHIN = 10.0
_KNOCK = b"GET /plain HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Server(Protocol):
    """A kind of server.

    Attributes:
        name: of the server, and of the test's parameter.
        remedy: what to do where it is missing.
        layers: of its doors, of which there is one in each manner.
        http2: whether its TLS doors speak HTTP/2, too.
        patience: how long an IMPATIENT door keeps an idle connection, in seconds.
        lifetime: how many requests a connection of HTTP/1.1 may carry at a FLEETING door.
        codings: the content codings it can apply to /text.
        trailers: whether it serves /trailers.
        lingers: whether it reads on after it has refused a content; else the reset that follows the refusal may
            destroy it on its way (RFC 9112 9.6).
    """

    @property
    def name(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def layers(self) -> frozenset[Layer]: ...
    @property
    def http2(self) -> bool: ...
    @property
    def patience(self) -> float: ...
    @property
    def lifetime(self) -> int: ...
    @property
    def codings(self) -> frozenset[str]: ...
    @property
    def trailers(self) -> bool: ...
    @property
    def lingers(self) -> bool: ...

    def program(self) -> str | None:
        """The path of what to run, None where it is missing."""

    def command(self, order: Order) -> list[str]:
        """How to run it in the foreground, its configuration written."""


class Running:
    """A server that runs, can be killed and started again, and keeps its ports all the while."""

    def __init__(self, server: Server, order: Order, sockets: Mapping[Door, socket.socket]) -> None:
        self._command = server.command(order)
        self._sockets = sockets
        self._log = Path(order.folder) / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def port(self, manner: Manner, layer: Layer) -> int:
        """The port of a door."""
        return next(door.port for door in self._sockets if (door.manner, door.layer) == (manner, layer))

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers; AssertionError with its log if it does not."""
        if self._process is not None:
            return
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                pass_fds=[door.fd for door in self._sockets],
                start_new_session=True,  # a group of its own, to be killed as one
            )
        if not self._answers(self._process):
            self.kill()
            raise AssertionError(f"{self._command[0]} does not serve: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End it and its workers at once, as a crash would, and wait until the last is gone."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=_STOP_WITHIN)  # until its output is closed: by the last of its workers

    def close(self) -> None:
        """End it for good."""
        self.kill()
        for listening in self._sockets.values():
            listening.close()

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        with socket.create_connection(("127.0.0.1", self.port(Manner.STEADY, Layer.PLAIN))) as knock:
            knock.sendall(_KNOCK)
            output = cast("IO[bytes]", process.stdout)  # closed when it has ended
            heard, _, _ = select.select([knock.fileno(), output.fileno()], [], [], _START_WITHIN)
            return knock.fileno() in heard
