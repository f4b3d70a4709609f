"""The servers of one test run, each started when it is first visited."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conformance import site
from tests.conformance.door import Door, Layer, Manner, Order, opened
from tests.conformance.roster import APPLICATION
from tests.conformance.server import Running, Server
from tests.support.authority import Authority


class Fleet:
    """Starts servers, and ends them all at the end."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self._site = folder / "site"
        self._site.mkdir()
        site.lay_out(self._site)
        self._pem = authority.pem(folder / "server.pem")
        self._running: dict[str, Running] = {}

    def running(self, server: Server) -> Running:
        """This server, at work; where its program is missing, the test is skipped, or fails under CI=true."""
        if server.program() is None:
            _missing(f"{server.name} is missing: {server.remedy}")
        if server is not APPLICATION:
            self.running(APPLICATION)  # to whom most of them pass on
        running = self._running.get(server.name)
        if running is None:
            running = self._running[server.name] = self._made(server)
        running.start()
        return running

    def close(self) -> None:
        """End them."""
        for running in self._running.values():
            running.close()

    def _made(self, server: Server) -> Running:
        folder = self._folder / server.name
        folder.mkdir()
        sockets = {}
        for manner in Manner:
            for layer in sorted(server.layers):
                listening = opened()
                door = Door(manner=manner, layer=layer, fd=listening.fileno(), port=listening.getsockname()[1])
                sockets[door] = listening
        order = Order(
            folder=str(folder),
            site=str(self._site),
            pem=self._pem,
            doors=tuple(sockets),
            application=self._application_port(),
            patience=server.patience,
            lifetime=server.lifetime,
        )
        return Running(server, order, sockets)

    def _application_port(self) -> int:
        running = self._running.get(APPLICATION.name)
        return 0 if running is None else running.port(Manner.STEADY, Layer.PLAIN)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
