"""The table: which behaviour is asked of which server over which transport."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Literal

import msgspec
import pytest

from milkrun.client import Client
from tests.conformance.door import Layer, Manner
from tests.conformance.roster import SERVERS
from tests.conformance.server import Running, Server


class Transport(StrEnum):
    """What the client is told to speak."""

    HTTP1 = "http1"
    HTTP1_TLS = "http1-tls"
    HTTP2 = "http2"
    HTTP2_TLS = "http2-tls"

    @property
    def layer(self) -> Layer:
        """The door it goes to."""
        return _LAYERS[self]

    @property
    def option(self) -> bool | Literal["prior-knowledge"]:
        """The client's option `http2`."""
        return _OPTIONS[self]

    @property
    def is_shared(self) -> bool:
        """Whether one connection carries many requests at once."""
        return self.option is not False


_LAYERS = {
    Transport.HTTP1: Layer.PLAIN,
    Transport.HTTP1_TLS: Layer.TLS,
    Transport.HTTP2: Layer.H2C,
    Transport.HTTP2_TLS: Layer.TLS,
}
_OPTIONS: dict[Transport, bool | Literal["prior-knowledge"]] = {
    Transport.HTTP1: False,
    Transport.HTTP1_TLS: False,
    Transport.HTTP2: "prior-knowledge",
    Transport.HTTP2_TLS: True,
}


class Cell(msgspec.Struct, frozen=True):
    """One server, over one transport, at a door of one manner."""

    server: Server
    transport: Transport
    manner: Manner

    def __str__(self) -> str:
        return f"{self.server.name}-{self.transport}"


class Visit(msgspec.Struct, frozen=True):
    """A cell in being: a client of its own, and the server, running."""

    cell: Cell
    client: Client
    running: Running

    def url(self, path: str) -> str:
        """Where the cell's door has this path."""
        layer = self.cell.transport.layer
        scheme = "https" if layer is Layer.TLS else "http"
        return f"{scheme}://127.0.0.1:{self.running.port(self.cell.manner, layer)}{path}"


def everywhere(
    manner: Manner = Manner.STEADY, *, where: Callable[[Cell], bool] = lambda _: True
) -> pytest.MarkDecorator:
    """Run a test in every cell there is, as the fixture `visit`; `where` leaves some out."""
    cells = [cell for cell in _cells(manner) if where(cell)]
    return pytest.mark.parametrize("visit", cells, ids=str, indirect=True)


def over_http2() -> pytest.MarkDecorator:
    """The same with the cells of HTTP/2 alone."""
    return everywhere(where=lambda cell: cell.transport.is_shared)


def _cells(manner: Manner) -> Iterator[Cell]:
    for server in SERVERS:
        for transport in Transport:
            spoken = server.http2 or not transport.is_shared
            if spoken and transport.layer in server.layers:
                yield Cell(server, transport, manner)
