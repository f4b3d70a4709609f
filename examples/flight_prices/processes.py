"""The processes of a run. Each is ended by whoever started it, also when something goes wrong or Ctrl-C is pressed."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from examples.flight_prices.airlines import ADDRESSES
from examples.flight_prices.plan import Plan

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "examples.flight_prices"
_HOST = "127.0.0.1"
_BACKLOG = 2048
_START = 60.0  # seconds that a service has for its start
_STOP = 15.0  # and any process for its end


class DiedError(Exception):
    """A process ended by itself."""


@contextlib.contextmanager
def airlines(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The ten airlines: a line with their addresses, and once their standard input ends, one with what they saw."""
    with _started("airline_server", str(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


@contextlib.contextmanager
def users(url: str, plan: Plan, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The users, who come to `url`; what became of them goes to `visits.json` in the folder."""
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    with (
        (folder / "plan.json").open() as told,
        (folder / "visits.json").open("w") as visits,
        _started("load", url, stdin=told, stdout=visits) as process,
    ):
        yield process


class Service:
    """The running service. `pid` is its process, `url` where it is."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log
        self.pid = process.pid
        self.url = f"http://{_HOST}:{port}"

    def wait(self) -> None:
        """Return once it answers. Raises DiedError: it does not."""
        with contextlib.closing(http.client.HTTPConnection(_HOST, self._port, timeout=_START)) as connection:
            try:
                connection.request("GET", "/openapi.json")
                connection.getresponse().read()
            except OSError as err:
                raise DiedError(f"the service did not start: {self._last_words()}") from err

    def check(self) -> None:
        """Raise DiedError if it has ended."""
        if self._process.poll() is not None:
            raise DiedError(f"the service ended in the middle: {self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text().strip().rpartition("\n")[2] or "it said nothing"


@contextlib.contextmanager
def service(version: str, plan: Plan, folder: Path, addresses: dict[str, str]) -> Iterator[Service]:
    """A version of the service, under the plan's limit of descriptors; what it logs goes to `log` in the folder."""
    environment = os.environ | {
        "SSL_CERT_FILE": str(folder / "ca.pem"),  # which both clients take for the roots to trust
        ADDRESSES: msgspec.json.encode(addresses).decode(),
    }
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("w"))
        # Made here and handed down: nobody has to guess a free port, and who comes early waits in its backlog.
        listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        port, handed = listener.getsockname()[1], listener.fileno()
        command = ("serve", version, "--fd", str(handed), "--limit", str(plan.limit))
        with listener:
            started = _started(*command, pass_fds=(handed,), env=environment, stdout=log, stderr=log)
            process = stack.enter_context(started)
        running = Service(process, port, folder / "log")
        running.wait()
        yield running


@contextlib.contextmanager
def _started(module: str, *arguments: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    # In a session of its own: Ctrl-C is for us, and we end what we started.
    command = [sys.executable, "-m", f"{_PACKAGE}.{module}", *arguments]
    process = subprocess.Popen(command, cwd=_ROOT, text=True, start_new_session=True, **options)
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
