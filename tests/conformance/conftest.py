"""The fleet of servers, and a visit to one of them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from milkrun.client import Client
from tests.conformance.cells import Cell, Visit
from tests.conformance.fleet import Fleet
from tests.support.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certified the servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Fleet]:
    """The servers."""
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), authority)
    yield fleet
    fleet.close()


@pytest.fixture
async def visit(request: pytest.FixtureRequest, fleet: Fleet, authority: Authority) -> AsyncIterator[Visit]:
    """The cell that the test is run in, its server running and a client of its own."""
    cell: Cell = request.param
    running = fleet.running(cell.server)
    async with Client(ca_file=authority.ca_file, http2=cell.transport.option) as client:
        yield Visit(cell, client, running)
