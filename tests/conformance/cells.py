"""The table: which behaviour is asked of which server over which transport."""

from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec
import pytest

from milkrun.client import Client
from tests.conformance.door import Layer, Manner
from tests.conformance.server import Running, Server
from tests.conformance.servers import SERVERS


class Transport(StrEnum):
    """What the client is told to speak."""

    HTTP1 = "http1"
    HTTP1_TLS = "http1-tls"

    @property
    def layer(self) -> Layer:
        """The door it goes to."""
        return _LAYERS[self]


_LAYERS = {Transport.HTTP1: Layer.PLAIN, Transport.HTTP1_TLS: Layer.TLS}


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
    manner: Manner = Manner.STEADY, *, where: Callable[[Server], bool] = lambda _: True
) -> pytest.MarkDecorator:
    """Run a test in every cell whose server has such a door, as the fixture `visit`; `where` leaves servers out."""
    cells = [cell for cell in _cells(manner) if where(cell.server)]
    return pytest.mark.parametrize("visit", cells, ids=str, indirect=True)


def _cells(manner: Manner) -> Iterator[Cell]:
    for server in SERVERS:
        for transport in Transport:
            if transport.layer in server.layers and manner in server.manners:
                yield Cell(server, transport, manner)
