"""A cell in being: clients of its face on its transport, and where the server is."""

import ssl
from functools import partial
from typing import Any, cast

import httpx2

from milkrun.client import Client, Limits
from milkrun.client.httpx import Transport
from tests.face.cells import Cell, Face, Wire
from tests.support.accounts import balanced
from tests.support.authority import Authority
from tests.support.turns import until


class Visit:
    """A cell in being, for one test.

    Attributes:
        api: the face's package.
        core: the package beneath it.
        client: a client of the face, with the server's door as its `base_url`.
        door, port: where the server is.
    """

    def __init__(self, cell: Cell, port: int, authority: Authority, trust: ssl.SSLContext) -> None:
        self.cell = cell
        self.face, self.wire = cell.face, cell.wire
        self.api, self.core = cast("Any", cell.face.api), cast("Any", cell.face.core)
        self.door = f"{'https' if cell.wire.secure else 'http'}://127.0.0.1:{port}"
        self.port = port
        self._authority, self._trust = authority, trust
        self._engines: list[Client] = []
        self._clients: list[httpx2.AsyncClient] = []
        self.client = self.made()

    @property
    def engine(self) -> Client:
        """Our client that carries the first client of the face."""
        return self._engines[0]

    def transport(self, *, connections: int | None = None, proxy: str | None = None) -> Any:
        """A transport of the cell's kind with so many connections at most."""
        speaks_http2 = self.wire is Wire.HTTP2
        if self.face is Face.OWN:
            limits = httpx2.Limits(max_connections=connections)
            return httpx2.AsyncHTTPTransport(verify=self._trust, http2=speaks_http2, limits=limits, proxy=proxy)
        ours = Limits() if connections is None else Limits(total=connections)
        engine = Client(ca_file=self._authority.ca_file, http2=speaks_http2, limits=ours, proxy=proxy)
        self._engines.append(engine)
        return Transport(engine)

    def made(self, *, connections: int | None = None, proxy: str | None = None, **options: Any) -> httpx2.AsyncClient:
        """A client with these options of the face's, closed after the test."""
        options.setdefault("base_url", self.door)
        if "transport" not in options:
            options["transport"] = self.transport(connections=connections, proxy=proxy)
        client = self.api.AsyncClient(**options)
        self._clients.append(client)
        return cast("httpx2.AsyncClient", client)

    async def close(self) -> None:
        """End it all; in our books nothing may be under way any more."""
        for client in self._clients:
            await client.aclose()
        for engine in self._engines:
            assert await until(partial(_is_at_rest, engine))
            await engine.aclose()


def _is_at_rest(engine: Client) -> bool:
    return balanced(engine) and engine.stats()["connections"]["in_use"] == 0
