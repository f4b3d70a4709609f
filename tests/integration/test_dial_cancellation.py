"""Dialling cancelled at every await, on both event loops: whatever was open is closed, whatever was started ends."""

import asyncio

import pytest

from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.tls import Contexts, TlsOptions
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Directory, Heard, dial, direct
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, black_hole, mute, server
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

LONGEST = 1000  # turns of the loop; a whole TLS handshake takes some thirty to sixty


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def cancelled_after(count: int, dialling: asyncio.Task[object]) -> bool:
    """Cancel after so many turns of the loop; says whether that came before the end."""
    await turns(count)
    dialling.cancel()
    (outcome,) = await asyncio.gather(dialling, return_exceptions=True)
    if isinstance(outcome, tuple):
        outcome[0].abort()
    return isinstance(outcome, asyncio.CancelledError)


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dial_cancelled_after_any_number_of_turns_leaks_nothing(
    authority: Authority, scheme: str, host: str
) -> None:
    before = open_sockets()
    tls = TlsOptions(ca_file=authority.ca_file)
    context = authority.good("127.0.0.1", "two.test") if scheme == "https" else None
    dialer = direct()
    async with server(Says, context=context) as port:
        listening = open_sockets()
        for count in range(LONGEST):
            dialling = asyncio.create_task(dial(dialer, f"{scheme}://{host}:{port}", tls=tls))
            early = await cancelled_after(count, dialling)
            assert await settled(listening), f"a socket stayed open when cancelled after {count} turns"
            if not early:
                break

    assert 0 < count < LONGEST - 1
    assert await settled(before)


async def test_a_dial_cancelled_while_the_name_resolves_opens_nothing() -> None:
    directory = Directory()
    directory.open.clear()
    before = open_sockets()
    dialling = asyncio.create_task(dial(Dialer(resolver=directory, contexts=Contexts()), "http://localhost"))

    assert await cancelled_after(5, dialling)
    assert await settled(before)


@pytest.mark.parametrize("host", ["127.0.0.1", "far.test"])
async def test_a_dial_cancelled_in_a_black_hole_closes_its_socket(host: str) -> None:
    with black_hole() as port:
        before = open_sockets()
        dialling = asyncio.create_task(dial(direct(), f"http://{host}:{port}"))
        assert await until(lambda: open_sockets() > before)

        assert await cancelled_after(5, dialling)
        assert await settled(before)


async def test_a_dial_cancelled_in_a_silent_handshake_closes_its_socket() -> None:
    with mute() as port:
        before = open_sockets()
        dialling = asyncio.create_task(dial(direct(), f"https://127.0.0.1:{port}", tls=TlsOptions(insecure=True)))
        assert await until(lambda: open_sockets() > before)

        assert await cancelled_after(20, dialling)
        assert await settled(before)


async def test_a_deadline_already_past_opens_nothing() -> None:
    with mute() as port:
        before = open_sockets()
        with pytest.raises(Exception, match="timeout"):
            await dial(direct(), f"https://127.0.0.1:{port}", tls=TlsOptions(insecure=True), patience=-1)
        assert await settled(before)


async def test_a_protocol_that_fails_when_it_is_connected_leaves_nothing_open() -> None:
    class Broken(Heard):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: ARG002  # the loop's signature
            raise RuntimeError("not today")

    with mute() as port:
        before = open_sockets()
        with pytest.raises(RuntimeError, match="not today"):
            await dial(direct(), f"http://127.0.0.1:{port}", factory=Broken)
        assert await settled(before)
