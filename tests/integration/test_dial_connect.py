"""Dialling up to the open TCP connection: what each misfortune of the network is called, on both event loops."""

import asyncio
import select
import socket
import struct

import pytest

from milkrun.client.errors import OwnError, RequestTimeoutError
from milkrun.client.timings import Timings
from tests.support.descriptors import none_left, open_sockets, settled
from tests.support.dialling import Heard, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, black_hole, closed_port, mute, server
from tests.support.turns import until

__all__ = ["anyio_backend"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "two.test"])
async def test_a_connection_opens_names_its_peer_and_loses_nothing_said_early(host: str) -> None:
    timings = Timings()
    async with server(lambda: Says(b"hello", first=True)) as port:
        dialled = await dial(direct(), f"http://{host}:{port}", timings=timings)

        assert (dialled.peer, dialled.address, dialled.tls) == (f"127.0.0.1:{port}", "127.0.0.1", None)
        assert await until(lambda: dialled.protocol.data == b"hello")
        dialled.transport.abort()
    assert timings.connect > 0
    assert timings.tls == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_a_peer_that_hangs_up_at_once_was_connected_all_the_same(host: str) -> None:
    async with server(lambda: Says(b"bye", first=True, hang_up=True)) as port:
        dialled = await dial(direct(), f"http://{host}:{port}")

        assert await until(lambda: dialled.protocol.lost)
        assert dialled.protocol.data == b"bye"
        dialled.transport.abort()


@pytest.mark.parametrize(("scheme", "kind"), [("http", "wait/reset"), ("https", "tls/closed")])
async def test_a_reset_seen_while_connecting_is_of_a_connection_that_stood(scheme: str, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        dialling = asyncio.create_task(failure(direct(), url))
        assert await until(lambda: bool(select.select([listener], [], [], 0)[0]))
        with listener.accept()[0] as accepted:  # reset before the loop comes to look at the connection
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        error = await dialling
    assert f"{error.layer}/{error.kind}" == kind


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_small_writes_go_out_at_once(host: str) -> None:
    with mute() as port:
        dialled = await dial(direct(), f"http://{host}:{port}")

        connection = dialled.transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        dialled.transport.abort()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["[::1]", "six.test"])
async def test_an_ipv6_peer_has_brackets(host: str) -> None:
    with mute("::1") as port:
        dialled = await dial(direct(), f"http://{host}:{port}")

        assert (dialled.peer, dialled.address) == (f"[::1]:{port}", "::1")
        dialled.transport.abort()


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test", "far.test"])
async def test_a_closed_port_is_refused(host: str) -> None:
    error = await failure(direct(), f"http://{host}:{closed_port()}")

    assert (error.layer, error.kind, error.phase) == ("connect", "refused", "connect")
    assert isinstance(error.__cause__, OSError)
    assert error.connection is None


async def test_an_address_without_a_route_is_unreachable() -> None:
    # The broadcast address of loopback: Linux has no route for TCP to it, whatever else the machine can reach.
    error = await failure(direct(), "http://127.255.255.255/")

    assert (error.layer, error.kind) == ("connect", "unreachable")


@pytest.mark.parametrize("host", ["127.0.0.1", "far.test"])
async def test_a_black_hole_is_a_timeout_of_the_connect_phase(host: str) -> None:
    timings = Timings()
    with black_hole() as port:
        error = await failure(direct(), f"http://{host}:{port}", patience=0.3, timings=timings)

    assert isinstance(error, RequestTimeoutError)
    assert (error.layer, error.kind) == ("connect", "timeout")
    assert error.timings is timings
    assert timings.connect > timings.dns


async def test_a_black_hole_loses_the_race_to_an_address_that_answers() -> None:
    before = open_sockets()
    with mute() as port, black_hole("127.0.0.2", port):
        dialled = await dial(direct(), f"http://two.test:{port}")

        assert dialled.address == "127.0.0.1"
        dialled.transport.abort()
    assert await settled(before)


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_a_process_out_of_descriptors_blames_itself(host: str) -> None:
    dialer = direct()
    with mute() as port, none_left(), pytest.raises(OwnError, match="self/descriptors") as caught:
        await dial(dialer, f"http://{host}:{port}")

    assert caught.value.phase == "connect"
    assert caught.value.__cause__ is not None


async def test_a_protocol_that_cannot_be_made_opens_nothing() -> None:
    def broken() -> Heard:
        raise RuntimeError("no protocol today")

    before = open_sockets()
    with mute() as port, pytest.raises(RuntimeError, match="no protocol today"):
        await dial(direct(), f"http://127.0.0.1:{port}", factory=broken)

    assert await settled(before)
