"""How ways through proxies end, on both event loops: closed, broken, cancelled at every await, nothing stays open."""

import asyncio
from typing import cast

import pytest

from milkrun.client.dial.dialer import Dialled
from milkrun.client.dial.tls import TlsOptions
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Heard, dial, direct
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import HandDriven, Says, server
from tests.support.proxies import (
    ESTABLISHED,
    KINDS,
    proxied,
    says,
    via,
)
from tests.support.scripted import scripted
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

LONGEST = 2000  # turns of the loop


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=authority.ca_file)


@pytest.mark.parametrize("kind", ["http", "https"])
async def test_closing_a_tunnel_to_a_peer_that_says_no_goodbye_gives_the_descriptor_back(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    context = authority.good("localhost")
    async with server(lambda: HandDriven(context)) as port, proxied(kind, authority) as (_, route):
        dialled = await dial(
            direct(), f"https://localhost:{port}", tls=trusting, route=route, factory=Leaves, patience=20
        )
        dialled.transport.close()

        await asyncio.wait_for(cast("Leaves", dialled.protocol).left.wait(), 10)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_peer_that_breaks_the_session_inside_a_tunnel_loses_the_connection(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    broken = asyncio.Event()

    class Breaks(HandDriven):
        """Says something that is no TLS record, once told to."""

        async def when_told(self) -> None:
            await broken.wait()
            self._transport.write(b"this is no TLS record at all")

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.telling = asyncio.ensure_future(self.when_told())

    context = authority.good("localhost")
    async with server(lambda: Breaks(context)) as port, proxied(kind, authority) as (_, route):
        url = f"https://localhost:{port}"
        dialled = await dial(direct(), url, tls=trusting, route=route, factory=Leaves)
        broken.set()

        await asyncio.wait_for(cast("Leaves", dialled.protocol).left.wait(), 10)


async def test_a_connection_lost_as_the_proxy_steps_aside_is_the_targets_loss() -> None:
    async with scripted(says(ESTABLISHED)) as peer:
        dialled = await dial(direct(), "http://localhost", route=via("http", peer.port))

        assert await until(lambda: dialled.protocol.lost)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_way_through_a_proxy_cancelled_after_any_number_of_turns_leaks_nothing(
    authority: Authority, trusting: TlsOptions, kind: str, scheme: str
) -> None:
    before = open_sockets()
    context = authority.good("localhost") if scheme == "https" else None
    dialer = direct()
    async with server(Says, context=context) as port, proxied(kind, authority) as (_, route):
        listening = open_sockets()
        for count in range(LONGEST):
            dialling = asyncio.create_task(dial(dialer, f"{scheme}://localhost:{port}", tls=trusting, route=route))
            early = await cancelled_after(count, dialling)
            assert await settled(listening), f"a socket stayed open when cancelled after {count} turns"
            if not early:
                break

    assert 0 < count < LONGEST - 1
    assert await settled(before)


class Leaves(Heard):
    """Tells when its connection is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.left.set()


async def cancelled_after(count: int, dialling: asyncio.Task[Dialled[Heard]]) -> bool:
    """Cancel after so many turns of the loop; says whether that came before the end."""
    await turns(count)
    dialling.cancel()
    (outcome,) = await asyncio.gather(dialling, return_exceptions=True)
    if isinstance(outcome, tuple):
        outcome.transport.abort()
    return isinstance(outcome, asyncio.CancelledError)
