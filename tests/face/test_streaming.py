"""Bodies read in pieces: in every shape the face has, to their end or not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.face.cells import Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.scripted import OK, Peer, scripted

LINES = "".join(f"line {number}\n" for number in range(20))


@everywhere()
async def test_a_body_is_read_in_pieces_as_it_comes(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        assert response.status_code == 200
        pieces = [piece async for piece in response.aiter_bytes()]
    assert b"".join(pieces).decode() == LINES
    assert b"" not in pieces
    assert response.is_closed
    assert response.is_stream_consumed


@everywhere()
async def test_pieces_are_as_large_as_is_asked(visit: Visit) -> None:
    for reading in ("aiter_bytes", "aiter_raw"):
        async with visit.client.stream("GET", "/bytes?count=1000") as response:
            sizes = [len(piece) async for piece in getattr(response, reading)(chunk_size=300)]
        assert sizes == [300, 300, 300, 100]


@everywhere()
async def test_text_and_lines_are_read_in_pieces(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        assert "".join([text async for text in response.aiter_text()]) == LINES
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        assert [line async for line in response.aiter_lines()] == LINES.splitlines()


@everywhere()
async def test_a_streamed_body_may_be_read_whole(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        with pytest.raises(visit.api.ResponseNotRead):
            _ = response.content
        assert (await response.aread()).decode() == LINES
        assert await response.aread() == response.content
    assert response.text == LINES


@everywhere()
async def test_a_body_is_streamed_once(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        async for _ in response.aiter_raw():
            pass
        with pytest.raises(visit.api.StreamConsumed):
            async for _ in response.aiter_raw():
                pass
        with pytest.raises(visit.api.StreamConsumed):
            await response.aread()


@everywhere()
async def test_the_rest_of_a_stream_may_be_read_by_a_second_iteration(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        assert isinstance(response.stream, visit.api.AsyncByteStream)
        first = aiter(response.stream)
        pieces = [await anext(first)]
        pieces += [piece async for piece in response.stream]  # as openai's package does behind the last event
    assert b"".join(pieces).decode() == LINES


@everywhere()
async def test_what_was_read_may_be_iterated_again(visit: Visit) -> None:
    response = await visit.client.get("/pieces?count=20")
    assert b"".join([piece async for piece in response.aiter_bytes()]).decode() == LINES
    assert [line async for line in response.aiter_lines()] == LINES.splitlines()


@everywhere()
async def test_a_closed_response_is_read_no_more(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        pass
    with pytest.raises(visit.api.StreamClosed):
        await response.aread()
    with pytest.raises(visit.api.ResponseNotRead):
        _ = response.content


@everywhere()
async def test_a_response_may_be_closed_twice(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=20") as response:
        await response.aclose()
        await response.aclose()
    assert response.is_closed


@everywhere()
@pytest.mark.parametrize("path", ["/pieces?count=20", "/bytes?count=1000000", "/stalled"])
async def test_a_body_may_be_left_before_its_end(visit: Visit, path: str) -> None:
    client = visit.made(connections=1)
    for _ in range(3):
        async with client.stream("GET", path) as response:
            async for piece in response.aiter_bytes():
                assert piece
                break
        assert response.is_closed
    assert heard(await client.get("/echo")).method == "GET"


@everywhere()
@pytest.mark.parametrize("path", ["/pieces?count=20", "/bytes?count=1000000", "/stalled"])
async def test_a_body_need_not_be_read_at_all(visit: Visit, path: str) -> None:
    client = visit.made(connections=1)
    for _ in range(3):
        async with client.stream("GET", path) as response:
            assert response.status_code == 200
    assert heard(await client.get("/echo")).method == "GET"


@everywhere()
async def test_a_response_of_send_is_the_callers_to_close(visit: Visit) -> None:
    request = visit.client.build_request("GET", "/pieces?count=20")
    response = await visit.client.send(request, stream=True)
    assert not response.is_closed
    assert (await response.aread()).decode() == LINES
    assert response.is_closed


@everywhere()
async def test_an_error_in_the_block_closes_the_response(visit: Visit) -> None:
    client = visit.made(connections=1)
    with pytest.raises(ZeroDivisionError):
        async with client.stream("GET", "/stalled") as response:
            raise ZeroDivisionError
    assert response.is_closed
    assert heard(await client.get("/echo")).method == "GET"


@on(Wire.PLAIN)
async def test_what_has_come_can_be_read_before_the_rest_is_sent(visit: Visit) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst")
        await read.wait()
        await peer.say(b"last")

    async with scripted(script) as server, visit.client.stream("GET", server.url) as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"first"
        read.set()
        assert await anext(pieces) == b"last"
        assert await anext(pieces, None) is None


@on(Wire.PLAIN)
async def test_a_slow_body_may_take_longer_than_each_of_its_pieces(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(0.08)  # what is tested is a limit on time
            await peer.say(b"m")

    async with scripted(script) as server:
        response = await visit.client.get(server.url, timeout=visit.api.Timeout(5.0, read=0.25))
    assert response.text == "mmmm"


@on(Wire.PLAIN)
async def test_a_connection_whose_body_was_read_is_used_again(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(OK)

    async with scripted(script) as server:
        for _ in range(3):
            async with visit.client.stream("GET", server.url) as response:
                await response.aread()
        assert [len(peer.heard) for peer in server.peers] == [3]


@everywhere()
async def test_uploading_and_reading_are_both_in_pieces(visit: Visit) -> None:
    async def rows() -> AsyncIterator[bytes]:
        for number in range(20):
            yield b"line %d\n" % number

    async with visit.client.stream("POST", "/echo", content=rows()) as response:
        await response.aread()
    assert heard(response).content == LINES
