"""The transport over real sockets: what goes out is what the face sent, what comes back is what the server said."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from milkrun.client import Client, ConnectionFacts, Timings, UsageError
from milkrun.client.httpx import Transport
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.http2_origin import Served, http2_origin
from tests.support.httpx_faces import face, talking
from tests.support.scripted import HEAD_END, OK, Peer, Scripted, answers, scripted, silence
from tests.support.turns import turns, until

__all__ = ["face"]

HEADERS = [("Accept", "a/b"), ("X-Twice", "1"), ("x-twice", "2"), ("User-Agent", "me"), ("Connection", "keep-alive")]


async def chunked(peer: Peer) -> None:
    """Hear a request in chunks to its end, again and again."""
    data = b""
    while piece := await peer._loop.sock_recv(peer._sock, 65536):
        data += piece
        if data.endswith(b"0\r\n\r\n"):
            peer.heard.append(data)
            data = b""
            await peer.say(OK)


async def letters() -> AsyncIterator[bytes]:
    for letter in (b"a", b"b", b"c"):
        await asyncio.sleep(0)
        yield letter


def heard(origin: Scripted) -> bytes:
    return b"".join(origin.peers[-1].heard)


async def test_a_request_goes_out_as_the_face_sent_it_in_order_with_duplicates(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        request = face.Request("GET", f"{origin.url}p%20q?x=%7B1%7D&y#z", headers=HEADERS)
        response = await http.send(request)
        lines = heard(origin).split(b"\r\n")
        assert lines[0] == b"GET /p%20q?x=%7B1%7D&y HTTP/1.1"
        host = f"Host: 127.0.0.1:{origin.port}"
        assert lines[1:-2] == [line.encode() for line in (host, *(f"{name}: {value}" for name, value in HEADERS))]
        assert (response.status_code, response.content) == (200, b"hi")


async def test_the_defaults_are_the_faces_and_none_of_ours(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        await http.get(origin.url)
        names = [line.partition(b":")[0].lower() for line in heard(origin).split(b"\r\n")[1:-2]]
        assert sorted(names) == [b"accept", b"accept-encoding", b"connection", b"host", b"user-agent"]
        assert b"python-httpx" in heard(origin)
        assert b"milkrun" not in heard(origin)


async def test_the_target_extension_is_what_is_asked_for(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        await http.request("OPTIONS", origin.url, extensions={"target": b"*"})
        assert heard(origin).startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_credentials_of_a_url_go_out_once_as_the_face_puts_them(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        await http.get(origin.url.replace("://", "://me:secret@"))
        assert heard(origin).lower().count(b"authorization") == 1


async def test_content_known_as_bytes_goes_out_in_one_piece(face: Any) -> None:
    async def serve(peer: Peer) -> None:
        while await peer.message():
            await peer.say(OK)

    async with scripted(serve) as origin, talking(face) as (http, client):
        for _ in range(2):
            await http.post(origin.url, json={"a": 1})
        assert heard(origin).count(b"Content-Length: 7\r\n") == 2
        assert heard(origin).endswith(b'\r\n\r\n{"a":1}')
        assert client.stats()["opened_total"] == 1


async def test_content_in_pieces_goes_out_as_it_comes_in_chunks_or_as_long_as_promised(face: Any) -> None:
    async with scripted(chunked) as origin, talking(face) as (http, _):
        assert (await http.post(origin.url, content=letters())).content == b"hi"
        assert heard(origin).endswith(b"\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")

    async def serve(peer: Peer) -> None:
        while await peer.message():
            await peer.say(OK)

    async with scripted(serve) as origin, talking(face) as (http, _):
        await http.post(origin.url, content=letters(), headers={"content-length": "3"})
        assert heard(origin).endswith(b"\r\n\r\nabc")


async def test_bytes_may_be_asked_to_go_out_in_chunks(face: Any) -> None:
    async with scripted(chunked) as origin, talking(face) as (http, _):
        for content, body in ((b"abc", b"3\r\nabc\r\n0\r\n\r\n"), (b"", b"0\r\n\r\n")):
            await http.post(origin.url, content=content, headers={"transfer-encoding": "chunked"})
            assert origin.peers[-1].heard[-1].endswith(HEAD_END + body)


async def test_a_multipart_form_with_a_file_goes_out_whole(face: Any) -> None:
    async def serve(peer: Peer) -> None:
        while await peer.message():
            await peer.say(OK)

    async with scripted(serve) as origin, talking(face) as (http, _):
        await http.post(origin.url, files={"file": ("name", b"content")}, data={"field": "value"})
        assert b"content\r\n" in heard(origin)
        assert b'name="field"' in heard(origin)


async def test_an_upload_is_pulled_no_faster_than_the_server_takes_it(face: Any) -> None:
    given = 0

    async def much() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(500):
            given += 1
            yield b"x" * 100_000

    async def script(peer: Peer) -> None:
        await peer.request()
        await go_on.wait()

    go_on = asyncio.Event()
    async with scripted(script) as origin, talking(face) as (http, client):
        posting = asyncio.create_task(http.post(origin.url, content=much(), headers={"content-length": "50000000"}))
        assert await until(lambda: given > 2)
        stalled = 0
        while stalled != given:
            stalled = given
            await asyncio.sleep(0.05)  # the kernel's buffers fill outside of the loop
        assert given < 400
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_generator_is_sent_once_and_the_face_says_so_the_second_time(face: Any) -> None:
    async with scripted(chunked) as origin, talking(face) as (http, client):
        request = http.build_request("POST", origin.url, content=letters())
        await http.send(request)
        with pytest.raises(face.StreamConsumed):
            await http.send(request)
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_generator_is_sent_once_also_where_the_server_answers_before_it_has_heard_of_it(face: Any) -> None:
    early = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answers(early)) as origin, talking(face) as (http, client):
        with pytest.raises(face.StreamConsumed):
            await http.post(origin.url, content=letters(), follow_redirects=True)
        assert await until(lambda: at_rest(client, idle=0))
        await turns(20)


async def test_what_the_source_of_an_upload_raises_is_raised_as_it_is(face: Any) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    async with scripted(chunked) as origin, talking(face) as (http, client):
        with pytest.raises(LookupError, match="no more"):
            await http.post(origin.url, content=broken())
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_synchronous_stream_would_block_the_loop_and_is_refused(face: Any) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"

    async with Client() as client:
        request = face.Request("POST", "http://127.0.0.1/", content=pieces())
        with pytest.raises(RuntimeError, match="synchronous"):
            await Transport(client).handle_async_request(request)


async def test_header_fields_come_back_raw_in_order_with_duplicates(face: Any) -> None:
    text = (
        b"HTTP/1.1 201 Made Up\r\nSet-Cookie: a=1\r\nX-Thing:  b\xe9 \r\nset-cookie: c=2\r\nContent-Length: 0\r\n\r\n"
    )
    async with scripted(answers(text)) as origin, talking(face) as (http, _):
        for _ in range(2):  # in pieces, and whole
            response = await http.get(origin.url)
            assert response.headers.raw == [
                (b"Set-Cookie", b"a=1"),
                (b"X-Thing", b"b\xe9"),
                (b"set-cookie", b"c=2"),
                (b"Content-Length", b"0"),
            ]
            assert (response.status_code, response.reason_phrase) == (201, "Made Up")


async def test_a_body_comes_back_with_its_codings_on_and_the_face_undoes_them(face: Any) -> None:
    import gzip

    coded = gzip.compress(b"plain")
    text = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(coded), coded)
    async with scripted(answers(text)) as origin, talking(face) as (http, _):
        for _ in range(2):
            async with http.stream("GET", origin.url) as response:
                assert b"".join([piece async for piece in response.aiter_raw()]) == coded
            assert (await http.get(origin.url)).text == "plain"


async def test_a_body_of_any_size_comes_back_in_pieces(face: Any) -> None:
    size = 12_000_000  # more than a client of ours reads unless told otherwise

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    async with scripted(script) as origin, talking(face) as (http, _):
        for _ in range(2):
            async with http.stream("GET", origin.url) as response:
                assert sum([len(piece) async for piece in response.aiter_raw()]) == size


async def test_what_is_known_of_the_connection_and_the_time_is_among_the_extensions(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, _):
        for reused in (False, True):
            response = await http.get(origin.url)
            known = response.extensions
            assert (known["http_version"], known["reason_phrase"]) == (b"HTTP/1.1", b"OK")
            assert isinstance(known["timings"], Timings)
            assert known["timings"].total > 0
            assert isinstance(known["connection"], ConnectionFacts)
            assert known["connection"].reused is reused
            stream = known["network_stream"]
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", origin.port)
            assert stream.get_extra_info("client_addr")[0] == "127.0.0.1"
            assert stream.get_extra_info("socket").getpeername() == ("127.0.0.1", origin.port)
            assert stream.get_extra_info("ssl_object") is None
            assert repr(stream).startswith("<NetworkStream of <")
            assert "stream_id" not in known
            assert not {"stale_retry", "warnings"} & known.keys()


async def test_a_response_says_that_it_took_a_second_try_and_what_was_forgiven(face: Any) -> None:
    folded = b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 2\r\n\r\nhi"

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK if peer.number == 1 else folded)
        await peer.request()

    async with scripted(script) as origin, talking(face) as (http, _):
        await http.get(origin.url)
        response = await http.get(origin.url)
        assert response.extensions["stale_retry"] is True
        assert response.extensions["warnings"]


async def test_http2_is_spoken_over_tls_without_asking_for_it(face: Any, tmp_path: Path) -> None:
    async def script(stream: Served) -> None:
        content = await stream.content()
        await stream.respond(200, content or b"nothing")

    authority = Authority(tmp_path)
    async with (
        http2_origin(script, context=authority.good()) as origin,
        talking(face, ca_file=authority.ca_file, resolver=Directory()) as (http, client),
    ):
        first = await http.get(origin.url, headers={"X-Mine": "1", "Host": "named.test"})
        assert (first.text, first.http_version, first.reason_phrase) == ("nothing", "HTTP/2", "OK")
        assert (await http.post(origin.url, content=letters())).text == "abc"
        last = await http.post(origin.url, content=b"whole")
        assert last.text == "whole"
        assert [last.extensions["stream_id"], first.extensions["stream_id"]] == [5, 1]
        assert last.extensions["network_stream"].get_extra_info("ssl_object").version() == "TLSv1.3"
        fields = origin.peers[0].streams[0].headers
        assert (b":authority", b"named.test") in fields
        assert (b"x-mine", b"1") in fields
        assert b"connection" not in dict(fields)
        assert client.stats()["opened_total"] == 1


async def test_the_server_name_may_be_given_for_a_request(face: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        http2_origin(lambda stream: stream.respond(200, b""), context=authority.good("named.test")) as origin,
        talking(face, ca_file=authority.ca_file, resolver=Directory()) as (http, _),
    ):
        with pytest.raises(face.ConnectError, match="tls/hostname"):
            await http.get(origin.url)
        response = await http.get(origin.url, extensions={"sni_hostname": "named.test"})
        assert response.status_code == 200


async def test_redirects_cookies_and_authentication_are_the_faces(face: Any) -> None:
    onward = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answers(onward, onward, OK)) as origin, talking(face) as (http, _):
        assert (await http.get(origin.url)).status_code == 302
        response = await http.get(origin.url, follow_redirects=True, auth=("me", "secret"))
        assert [hop.status_code for hop in response.history] == [302]
        last = origin.peers[-1].heard[-1]
        assert last.startswith(b"GET /there ")
        assert b"Cookie: a=1" in last
        assert b"Authorization: Basic" in last


async def test_a_request_that_says_close_is_the_connections_last(face: Any) -> None:
    async with scripted(answers(OK)) as origin, talking(face) as (http, client):
        await http.get(origin.url)
        await http.get(origin.url, headers={"Connection": "close"})
        assert await until(lambda: at_rest(client, idle=0))
        assert client.stats()["closed_total"] == {"max-uses": 1}


async def test_a_transport_closes_a_client_of_its_own_once_and_nobody_elses(face: Any) -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        async with face.AsyncClient(transport=Transport(client)) as http:
            await http.get(origin.url)
        async with Transport(client) as transport:
            await transport.aclose()
        assert at_rest(client, idle=1)

        own = Transport(max_age=9)
        async with face.AsyncClient(transport=own) as http:
            await http.get(origin.url)
        await own.aclose()
        assert own._client.stats()["closed_total"] == {"client": 1}


def test_the_face_is_loaded_by_none_but_who_asks_for_it() -> None:
    check = "import sys, milkrun.client; assert not {'httpx', 'httpx2', 'httpcore', 'httpcore2'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=30)


async def test_a_client_that_is_made_already_takes_no_options() -> None:
    async with Client() as client:
        with pytest.raises(UsageError, match="give it max_age"):
            Transport(client, max_age=9)


async def test_a_client_may_be_given_by_name(face: Any) -> None:
    async with scripted(answers(OK)) as origin, Client() as client:
        async with face.AsyncClient(transport=Transport(client=client)) as http:
            await http.get(origin.url)
        assert at_rest(client, idle=1)


async def test_time_that_is_over_before_the_request_is_no_mistake(face: Any) -> None:
    async with scripted(silence) as origin, talking(face) as (http, _):
        with pytest.raises(face.TimeoutException):
            await http.get(origin.url, timeout=-0.5)
        await turns(20)  # for the origin to accept what was given up meanwhile


async def test_a_transport_is_one_of_httpx2s_by_type() -> None:
    async with Client() as client:
        assert isinstance(Transport(client), httpx2.AsyncBaseTransport)
        legacy: httpx.AsyncBaseTransport = Transport(client)  # as checkers of types see it
        async with httpx.AsyncClient(transport=legacy):
            pass
