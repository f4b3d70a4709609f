"""What the face says of a response: its head, its body, its text."""

import datetime as dt

import pytest

from tests.face.cells import Wire, by_face, everywhere, knows_zstd, on
from tests.face.heard import answer, heard
from tests.face.visit import Visit
from tests.support.compressing import COMPRESSORS, compressed
from tests.support.scripted import OK, Peer, answers, once, scripted

TEXT = b"Stop seven: two bottles. " * 100


@everywhere()
@pytest.mark.parametrize("status", [200, 299, 404, 418, 503, 599])
async def test_every_status_is_a_response(visit: Visit, status: int) -> None:
    response = await visit.client.get(answer(status, b"said"))
    assert (response.status_code, response.content) == (status, b"said")
    assert response.is_error is (status >= 400)


@by_face()
async def test_raise_for_status_raises_for_an_error_and_carries_both(visit: Visit) -> None:
    (await visit.client.get(answer(200))).raise_for_status()
    response = await visit.client.get(answer(404))
    with pytest.raises(visit.api.HTTPStatusError, match="404") as caught:
        response.raise_for_status()
    assert caught.value.response is response
    assert caught.value.request is response.request


@everywhere()
@pytest.mark.parametrize("status", [204, 304])
async def test_what_has_no_body_leaves_the_connection_in_order(visit: Visit, status: int) -> None:
    response = await visit.client.get(answer(status, b"", ("etag", '"1"')))
    assert (response.status_code, response.content, response.headers["etag"]) == (status, b"", '"1"')
    assert heard(await visit.client.get("/echo")).method == "GET"


@by_face()
async def test_the_response_knows_its_request_and_url(visit: Visit) -> None:
    response = await visit.client.post("/echo", params={"a": "1"}, content=b"milk")
    assert (response.request.method, str(response.url)) == ("POST", f"{visit.door}/echo?a=1")
    assert response.request.content == b"milk"


@everywhere()
async def test_the_version_is_the_wires(visit: Visit) -> None:
    response = await visit.client.get(answer(404))
    assert response.http_version == ("HTTP/2" if visit.wire is Wire.HTTP2 else "HTTP/1.1")


@on(Wire.HTTP2)
async def test_a_status_without_a_reason_has_the_usual_one(visit: Visit) -> None:
    assert (await visit.client.get(answer(404))).reason_phrase == "Not Found"


@on(Wire.PLAIN)
@pytest.mark.parametrize(
    ("line", "version", "reason"),
    [
        (b"HTTP/1.1 200 Fine by me", "HTTP/1.1", "Fine by me"),
        (b"HTTP/1.1 200 ", "HTTP/1.1", ""),
        (b"HTTP/1.1 200", "HTTP/1.1", ""),
        (b"HTTP/1.0 200 OK", "HTTP/1.0", "OK"),
        (b"HTTP/1.1 299 Cr\xe8me", "HTTP/1.1", "Crme"),  # what is not ASCII is left out
    ],
)
async def test_the_status_line_is_told_as_it_came(visit: Visit, line: bytes, version: str, reason: str) -> None:
    async with scripted(once(line + b"\r\nContent-Length: 2\r\n\r\nhi")) as server:
        response = await visit.client.get(server.url)
    assert (response.http_version, response.reason_phrase, response.text) == (version, reason, "hi")


@everywhere()
async def test_fields_come_in_their_order_the_repeated_ones_too(visit: Visit) -> None:
    fields = [("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("set-cookie", "k=1"), ("set-cookie", "l=2")]
    response = await visit.client.get(answer(200, b"", *fields))
    mine = [pair for pair in response.headers.multi_items() if pair in fields]
    assert mine == fields
    assert response.headers["x-a"] == "1, 3"
    assert response.headers.get_list("x-a") == ["1", "3"]


@on(Wire.PLAIN)
async def test_raw_fields_are_what_was_said_byte_for_byte(visit: Visit) -> None:
    fields = b"X-UPPER: a\r\nx-lower:b\r\nX-Upper:  c d  \r\nX-E:\r\nX-L: cr\xe8me\r\nContent-Length: 0\r\n"
    async with scripted(answers(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")) as server:
        response = await visit.client.get(server.url)
    assert response.headers.raw == [
        (b"X-UPPER", b"a"),
        (b"x-lower", b"b"),
        (b"X-Upper", b"c d"),
        (b"X-E", b""),
        (b"X-L", b"cr\xe8me"),
        (b"Content-Length", b"0"),
    ]
    assert response.headers["x-l"] == "crème"


@on(Wire.PLAIN)
async def test_interim_responses_are_passed_over(visit: Visit) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with scripted(answers(interim + OK)) as server:
        response = await visit.client.get(server.url)
        assert (response.status_code, response.text) == (200, "hi")
        assert "link" not in response.headers


@everywhere()
async def test_elapsed_is_known_once_the_response_is_closed(visit: Visit) -> None:
    async with visit.client.stream("GET", "/pieces?count=3") as response:
        with pytest.raises(RuntimeError, match="elapsed"):
            _ = response.elapsed
        await response.aread()
        assert response.elapsed > dt.timedelta(0)


@by_face(knows_zstd)
@pytest.mark.parametrize("coding", [*sorted(COMPRESSORS), "gzip, br"])
async def test_the_face_undoes_content_codings(visit: Visit, coding: str) -> None:
    body = compressed(TEXT, coding)
    response = await visit.client.get(answer(200, body, ("content-encoding", coding)))
    assert response.content == TEXT
    assert response.num_bytes_downloaded == len(body)
    assert response.headers["content-encoding"] == coding


@by_face()
@pytest.mark.parametrize("coding", sorted(COMPRESSORS))
async def test_raw_is_the_body_with_its_codings_on(visit: Visit, coding: str) -> None:
    body = compressed(TEXT, coding)
    async with visit.client.stream("GET", answer(200, body, ("content-encoding", coding))) as response:
        assert b"".join([piece async for piece in response.aiter_raw()]) == body


@by_face(knows_zstd)
@pytest.mark.parametrize("coding", sorted(COMPRESSORS))
async def test_a_body_that_is_not_in_its_coding_is_a_decoding_error(visit: Visit, coding: str) -> None:
    with pytest.raises(visit.api.DecodingError) as caught:
        await visit.client.get(answer(200, b"not \x00 at all", ("content-encoding", coding)))
    assert caught.value.request.url.path == "/answer"
    assert heard(await visit.client.get("/echo")).method == "GET"


@by_face()
async def test_an_unknown_coding_is_left_as_it_is(visit: Visit) -> None:
    response = await visit.client.get(answer(200, b"as it is", ("content-encoding", "quirky")))
    assert response.content == b"as it is"


@by_face()
@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=utf-8", "crème".encode(), "crème"),
        ("text/plain; charset=iso-8859-1", "crème".encode("latin-1"), "crème"),
        ("text/plain; charset=utf-16", "crème".encode("utf-16"), "crème"),
        ("text/plain", "crème".encode(), "crème"),
        ("text/plain; charset=unheard-of", "crème".encode(), "crème"),
        ("text/plain", "crème".encode("latin-1"), "cr\ufffdme"),
    ],
)
async def test_text_is_in_the_charset_that_the_server_names(visit: Visit, kind: str, body: bytes, text: str) -> None:
    assert (await visit.client.get(answer(200, body, ("content-type", kind)))).text == text


@by_face()
async def test_json_is_read(visit: Visit) -> None:
    response = await visit.client.get(answer(200, '{"milk": "crème"}'.encode()))
    assert response.json() == {"milk": "crème"}


@on(Wire.PLAIN, Wire.HTTP2)
async def test_a_large_body_is_whole(visit: Visit) -> None:
    response = await visit.client.get("/bytes?count=12000000")  # more than our client reads if nobody else says so
    assert len(response.content) == 12_000_000


@on(Wire.PLAIN)
async def test_a_body_without_a_length_ends_with_the_connection(visit: Visit) -> None:
    async with scripted(once(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")) as server:
        assert (await visit.client.get(server.url)).text == "until the end"


@on(Wire.PLAIN)
async def test_a_body_that_comes_a_byte_at_a_time_is_whole(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.trickle(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\ntwo\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n"
        )

    async with scripted(script) as server:
        response = await visit.client.get(server.url)
    assert response.text == "two!"
    assert "x-t" not in response.headers
