"""Dialling in tests: names that resolve without asking, and one call with what every test leaves the same."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from milkrun.client.dial.dialer import Dialer, Dialled
from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.route import DIRECT, Route
from milkrun.client.dial.tls import Contexts, TlsOptions
from milkrun.client.errors import RequestError
from milkrun.client.resolve.resolver import Answer
from milkrun.client.timings import Timings
from milkrun.client.url import parse_url
from tests.support.descriptors import open_sockets, settled

NAMES = {
    "localhost": ("127.0.0.1",),
    "two.test": ("127.0.0.2", "127.0.0.1"),
    "six.test": ("::1", "127.0.0.1"),
    "far.test": ("127.255.255.255", "127.0.0.1"),
}


class Directory:
    """A Resolver that knows NAMES and takes anything else for an address; `open` holds its answers back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        await self.open.wait()
        addresses = tuple((_family(address), address) for address in NAMES.get(host, (host,)))
        return Answer(addresses=addresses, ttl=60, cached=not fresh)

    async def close(self) -> None:
        """Nothing is open."""


class Heard(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.lost = False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # that it was lost is enough
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self.data += data


async def dial(
    dialer: Dialer,
    url: str,
    *,
    tls: TlsOptions | None = None,
    patience: float = 10.0,
    timings: Timings | None = None,
    fresh_dns: bool = False,
    factory: Callable[[], Heard] = Heard,
    route: Route = DIRECT,
) -> Dialled[Heard]:
    """Dial a URL's origin within `patience` seconds."""
    return await dialer.dial(
        parse_url(url).origin,
        lambda _: factory(),
        tls=tls or TlsOptions(),
        route=route,
        deadline=asyncio.get_running_loop().time() + patience,
        timings=timings or Timings(),
        fresh_dns=fresh_dns,
    )


async def failure(
    dialer: Dialer,
    url: str,
    *,
    tls: TlsOptions | None = None,
    patience: float = 10.0,
    timings: Timings | None = None,
    route: Route = DIRECT,
) -> RequestError:
    """Dial what cannot be reached and give the error; nothing stays open."""
    before = open_sockets()
    with pytest.raises(RequestError) as caught:
        await dial(dialer, url, tls=tls, patience=patience, timings=timings, route=route)
    assert await settled(before)
    return caught.value


def direct(*, policy: AddressPolicy | None = None, keepalive: KeepAlive | None = None) -> Dialer:
    """A dialer whose names resolve without asking."""
    return Dialer(resolver=Directory(), contexts=Contexts(), policy=policy, keepalive=keepalive)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
