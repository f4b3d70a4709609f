"""Content on its way to the server, in all the shapes the face takes it in."""

import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.face.cells import Face, Wire, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.scripted import OK, Peer, scripted
from tests.support.turns import until

LARGE = hashlib.shake_128(b"milk").digest(512 * 1024)


async def in_pieces() -> AsyncIterator[bytes]:
    yield b"two "
    yield b""
    yield b"bottles"


def at_once() -> Iterator[bytes]:
    yield b"two "
    yield b"bottles"


@everywhere()
@pytest.mark.parametrize("content", [b"two bottles", "two bottles"], ids=["bytes", "text"])
async def test_content_arrives_with_its_length(visit: Visit, content: str | bytes) -> None:
    said = heard(await visit.client.post("/echo", content=content))
    assert (said.content, said.one("content-length")) == ("two bottles", "11")
    assert said.all("content-type") == said.all("transfer-encoding") == []


@everywhere()
async def test_a_post_of_nothing_says_so(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo"))
    assert (said.content, said.one("content-length")) == ("", "0")


@everywhere()
async def test_json_arrives_compact_and_as_utf_8(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo", json={"milk": "crème", "n": [1, None]}))
    assert said.one("content-type") == "application/json"
    assert said.content.encode("latin-1").decode() == '{"milk":"crème","n":[1,null]}'


@everywhere()
async def test_data_arrives_as_a_form(visit: Visit) -> None:
    said = heard(await visit.client.put("/echo", data={"milk": "crème", "n": ["1", "2"], "empty": ""}))
    assert said.one("content-type") == "application/x-www-form-urlencoded"
    assert said.content == "milk=cr%C3%A8me&n=1&n=2&empty="


@everywhere()
async def test_files_arrive_as_a_multipart_form(visit: Visit) -> None:
    files: dict[str, Any] = {"note": ("note.txt", io.BytesIO(b"two bottles"), "text/plain"), "bare": b"\x00\xff"}
    said = heard(await visit.client.post("/echo", data={"stop": "7"}, files=files))
    kind, boundary = said.one("content-type").split("; boundary=")
    parts = said.content.split(f"--{boundary}")
    assert kind == "multipart/form-data"
    assert int(said.one("content-length")) == len(said.content)
    assert parts[1] == '\r\nContent-Disposition: form-data; name="stop"\r\n\r\n7\r\n'
    assert 'name="note"; filename="note.txt"\r\nContent-Type: text/plain\r\n\r\ntwo bottles' in parts[2]
    assert parts[3].endswith("\r\n\r\n\x00\xff\r\n")
    assert parts[4] == "--\r\n"


@everywhere()
async def test_a_file_is_read_as_it_goes(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo", files={"large": io.BytesIO(LARGE)}))
    assert hashlib.sha256(LARGE).digest() == hashlib.sha256(_part(said.content)).digest()


@everywhere()
async def test_what_a_generator_yields_arrives_whole(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo", content=in_pieces()))
    assert said.content == "two bottles"
    assert said.all("content-length") == []


@everywhere()
async def test_a_generator_may_say_its_length(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo", content=in_pieces(), headers={"Content-Length": "11"}))
    assert (said.content, said.one("content-length"), said.all("transfer-encoding")) == ("two bottles", "11", [])


@on(Wire.PLAIN)
async def test_a_generator_goes_out_in_chunks(visit: Visit) -> None:
    said = b""

    async def script(peer: Peer) -> None:
        nonlocal said
        while not said.endswith(b"\r\n0\r\n\r\n"):
            said += await peer.request()  # its end and the content's look alike
        await peer.say(OK)

    async with scripted(script) as server:
        await visit.client.post(server.url, content=in_pieces())
    head, _, content = said.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert content == b"4\r\ntwo \r\n7\r\nbottles\r\n0\r\n\r\n"


@on(Wire.PLAIN, Wire.TLS)
async def test_known_content_may_be_sent_in_chunks_too(visit: Visit) -> None:
    said = heard(await visit.client.post("/echo", content=b"milk", headers={"Transfer-Encoding": "chunked"}))
    assert (said.content, said.one("transfer-encoding"), said.all("content-length")) == ("milk", "chunked", [])


@everywhere()
async def test_a_generator_that_is_not_asynchronous_is_refused(visit: Visit) -> None:
    with pytest.raises(RuntimeError, match="sync"):
        await visit.client.post("/echo", content=at_once())


@everywhere()
async def test_a_generator_is_consumed_once(visit: Visit) -> None:
    request = visit.client.build_request("POST", "/echo", content=in_pieces())
    await visit.client.send(request)
    with pytest.raises(visit.api.StreamConsumed):
        await visit.client.send(request)
    assert heard(await visit.client.get("/echo")).content == ""


@everywhere()
async def test_what_a_generator_raises_reaches_the_caller_and_nothing_else(visit: Visit) -> None:
    async def spilling() -> AsyncIterator[bytes]:
        yield b"milk"
        raise ZeroDivisionError("spilt")

    with pytest.raises(ZeroDivisionError, match="spilt"):
        await visit.client.post("/echo", content=spilling())
    assert heard(await visit.client.post("/echo", content=b"more")).content == "more"


@everywhere(lambda cell: cell.face is not Face.LEGACY)  # httpx keeps what wraps it open
async def test_the_generator_is_closed_when_its_request_is_over(visit: Visit) -> None:
    closed = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"m" * 65536
        finally:
            closed.append(True)

    with suppress(visit.api.TransportError):  # the server may hang up before its answer is heard
        assert (await visit.client.post("/early", content=endless(), timeout=0.3)).status_code == 413
    assert await until(lambda: closed == [True])


@everywhere()
async def test_a_large_content_arrives_whole(visit: Visit) -> None:
    async def large() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), 50_000):
            yield LARGE[start : start + 50_000]

    for content in (LARGE, large()):
        said = heard(await visit.client.post("/echo", content=content))
        assert said.content.encode("latin-1") == LARGE


@on(Wire.PLAIN, Wire.TLS)
async def test_content_arrives_also_when_the_server_was_asked_first(visit: Visit) -> None:
    for content in (b"two bottles", in_pieces()):
        said = heard(await visit.client.post("/echo", content=content, headers={"Expect": "100-continue"}))
        assert (said.content, said.one("expect")) == ("two bottles", "100-continue")


def _part(content: str) -> bytes:
    return content.encode("latin-1").split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
