"""The server, and a visit to it in each cell."""

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.door import Layer, Manner
from tests.conformance.server import Running
from tests.face.cells import Cell
from tests.face.server import FaceServer, ordered
from tests.face.visit import Visit
from tests.support.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certified the server."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def trust(authority: Authority) -> ssl.SSLContext:
    """For httpx2 on its own transport, which is given a context where ours is given the authority's file."""
    return ssl.create_default_context(cafile=authority.ca_file)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Running]:
    """The server."""
    folder = tmp_path_factory.mktemp("site")
    order, sockets = ordered(folder, authority.pem(folder / "server.pem"))
    running = Running(FaceServer(), order, sockets)
    running.start()
    yield running
    running.close()


@pytest.fixture
async def visit(
    request: pytest.FixtureRequest, site: Running, authority: Authority, trust: ssl.SSLContext
) -> AsyncIterator[Visit]:
    """The cell that the test is run in."""
    cell: Cell = request.param
    port = site.port(Manner.STEADY, Layer.TLS if cell.wire.secure else Layer.PLAIN)
    visit = Visit(cell, port, authority, trust)
    yield visit
    await visit.close()
