"""Each of the four time limits, and what it ends; the pool is in order afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from tests.face.cells import Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.authority import Authority
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import black_hole, mute, server
from tests.support.turns import PATIENCE

__all__ = ["anyio_backend"]

SOON = 0.03  # seconds
AMPLE = 16 * 1024 * 1024  # bytes: more than the kernel takes for one who does not read


class Deaf(asyncio.Protocol):
    """Reads no more once it has read something."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  # whatever it is
        self._transport.pause_reading()


def only(visit: Visit, **limits: float) -> Any:
    """These limits; the others are never reached."""
    return visit.api.Timeout(PATIENCE, **limits)


@on(Wire.PLAIN)
async def test_connecting_takes_as_long_as_connect_at_most(visit: Visit) -> None:
    with black_hole() as port, pytest.raises(visit.api.ConnectTimeout) as caught:
        await visit.client.get(f"http://127.0.0.1:{port}/milk", timeout=only(visit, connect=SOON))
    assert caught.value.request.url.path == "/milk"


@on(Wire.TLS, Wire.HTTP2)
async def test_the_handshake_of_tls_is_connecting_too(visit: Visit) -> None:
    with mute() as port, pytest.raises(visit.api.ConnectTimeout):
        await visit.client.get(f"https://127.0.0.1:{port}/", timeout=only(visit, connect=SOON))


@everywhere()
async def test_waiting_for_an_answer_takes_as_long_as_read_at_most(visit: Visit) -> None:
    with pytest.raises(visit.api.ReadTimeout) as caught:
        await visit.client.get("/silent", timeout=only(visit, read=SOON))
    assert caught.value.request.url.path == "/silent"
    assert heard(await visit.client.get("/echo")).method == "GET"


@everywhere()
async def test_waiting_for_the_next_piece_takes_as_long_as_read_at_most(visit: Visit) -> None:
    async with visit.client.stream("GET", "/stalled", timeout=only(visit, read=SOON)) as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"the beginning"
        with pytest.raises(visit.api.ReadTimeout) as caught:
            await anext(pieces)
    assert caught.value.request.url.path == "/stalled"
    assert heard(await visit.client.get("/echo")).method == "GET"


@everywhere()
async def test_reading_a_whole_body_takes_as_long_for_each_piece_at_most(visit: Visit) -> None:
    with pytest.raises(visit.api.ReadTimeout):
        await visit.client.get("/stalled", timeout=only(visit, read=SOON))


@on(Wire.PLAIN, Wire.TLS)
async def test_sending_to_who_does_not_read_takes_as_long_as_write_at_most(visit: Visit, authority: Authority) -> None:
    context = authority.good() if visit.wire.secure else None
    scheme = "https" if visit.wire.secure else "http"
    async with server(Deaf, context=context) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        with pytest.raises(visit.api.WriteTimeout) as caught:
            await visit.client.post(url, content=b"m" * AMPLE, timeout=only(visit, write=0.1))
    assert caught.value.request.method == "POST"


@on(Wire.PLAIN)
async def test_the_same_goes_for_content_in_pieces(visit: Visit) -> None:
    async def ample() -> AsyncIterator[bytes]:
        for _ in range(AMPLE // 65536):
            yield b"m" * 65536

    async with server(Deaf) as port:
        with pytest.raises(visit.api.WriteTimeout):
            await visit.client.post(f"http://127.0.0.1:{port}/", content=ample(), timeout=only(visit, write=0.1))


@on(Wire.PLAIN, Wire.TLS)
async def test_waiting_for_a_free_connection_takes_as_long_as_pool_at_most(visit: Visit) -> None:
    client = visit.made(connections=1)
    async with client.stream("GET", "/stalled"):
        with pytest.raises(visit.api.PoolTimeout) as caught:
            await client.get("/echo", timeout=only(visit, pool=SOON))
    assert caught.value.request.url.path == "/echo"
    assert heard(await client.get("/echo", timeout=only(visit, pool=5.0))).method == "GET"


@everywhere()
async def test_every_time_out_is_a_timeout_exception(visit: Visit) -> None:
    with pytest.raises(visit.api.TimeoutException):
        await visit.client.get("/silent", timeout=SOON)


@everywhere()
async def test_no_limit_is_none(visit: Visit) -> None:
    client = visit.made(timeout=None)
    assert heard(await client.get("/echo")).method == "GET"
    assert heard(await client.get("/echo", extensions={"timeout": {}})).method == "GET"


@everywhere()
async def test_limits_may_be_given_by_extension_and_need_not_be_complete(visit: Visit) -> None:
    with pytest.raises(visit.api.ReadTimeout):
        await visit.client.get("/silent", extensions={"timeout": {"read": SOON}})
