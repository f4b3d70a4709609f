"""Keep-alive: what the kernel is told, and that a peer which vanished is noticed, on both event loops."""

import asyncio
import socket
from pathlib import Path

import pytest

from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.route import route
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.errors import UsageError
from tests.support.authority import Authority
from tests.support.dialling import Heard, dial, direct
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, mute, server
from tests.support.vanishing import vanishing

__all__ = ["anyio_backend"]

IMPATIENT = KeepAlive(idle=1, interval=1, count=1, user_timeout=1.0)
LONG_BEFORE_FIFTEEN_MINUTES = 60.0


class Ended(Heard):
    """Keeps how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.end: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.end.done():
            self.end.set_result(exc)


def told(transport: asyncio.Transport) -> tuple[int, ...]:
    """What the kernel knows of keep-alive on a connection."""
    connection = transport.get_extra_info("socket")
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    asked = connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return asked, *(connection.getsockopt(socket.IPPROTO_TCP, option) for option in options)


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_every_connection_is_watched_by_the_kernel(host: str) -> None:
    with mute() as port:
        dialled = await dial(direct(keepalive=KeepAlive()), f"http://{host}:{port}")

        assert told(dialled.transport) == (1, 15, 5, 3, 20_000)
        dialled.transport.abort()


async def test_a_connection_from_a_local_address_over_tls_is_watched_as_well(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    dialer = direct(keepalive=KeepAlive(idle=7, interval=3, count=2, user_timeout=12.5))
    async with server(Says, context=authority.good()) as port:
        dialled = await dial(
            dialer,
            f"https://localhost:{port}",
            tls=TlsOptions(ca_file=authority.ca_file),
            route=route(local_address="127.0.0.9"),
        )

        assert told(dialled.transport) == (1, 7, 3, 2, 12_500)
        dialled.transport.abort()


async def test_without_keepalive_the_kernel_is_told_nothing() -> None:
    with mute() as port:
        dialled = await dial(direct(), f"http://127.0.0.1:{port}")

        assert told(dialled.transport)[0] == 0
        dialled.transport.abort()


async def test_a_unix_socket_needs_no_watching(tmp_path: Path) -> None:
    path = str(tmp_path / "d.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        dialled = await dial(direct(keepalive=KeepAlive()), "http://a.test", route=route(unix_socket=path))
        dialled.transport.abort()

    assert dialled.peer == f"unix:{path}"


async def test_a_connection_lost_already_is_not_watched() -> None:
    with mute() as port:
        dialled = await dial(direct(), f"http://127.0.0.1:{port}")
        dialled.transport.abort()

        KeepAlive().watch(dialled.transport)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux drops packets by SO_ATTACH_FILTER")
@pytest.mark.parametrize("speaking", [False, True])
async def test_a_peer_that_vanished_is_noticed_whether_idle_or_spoken_to(*, speaking: bool) -> None:
    with vanishing() as peer:
        dialled = await dial(direct(keepalive=IMPATIENT), f"http://127.0.0.1:{peer.port}", factory=Ended)
        peer.accept()
        peer.vanish()
        if speaking:
            dialled.transport.write(b"anybody there?")
        protocol = dialled.protocol
        assert isinstance(protocol, Ended)
        async with asyncio.timeout(LONG_BEFORE_FIFTEEN_MINUTES):
            cause = await protocol.end

    assert isinstance(cause, TimeoutError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"idle": 0},
        {"idle": 40_000},
        {"interval": 0},
        {"interval": 40_000},
        {"count": 0},
        {"count": 128},
        {"user_timeout": 0},
    ],
)
def test_what_the_kernel_would_refuse_is_a_mistake_that_says_what_was_expected(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="expected"):
        KeepAlive(**wrong)
