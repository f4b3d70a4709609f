"""What a request tells the transport beside itself, and what a response tells of the connection."""

import ssl

import pytest

from tests.face.cells import Wire, everywhere, on, on_ours
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.authority import Authority
from tests.support.peers import Says, server
from tests.support.scripted import OK, answers, scripted


@everywhere()
async def test_the_version_is_told_in_bytes_and_the_reason_where_there_is_one(visit: Visit) -> None:
    extensions = (await visit.client.get("/echo")).extensions
    assert extensions["http_version"] == (b"HTTP/2" if visit.wire is Wire.HTTP2 else b"HTTP/1.1")
    assert ("reason_phrase" in extensions) is (visit.wire is not Wire.HTTP2)
    assert ("stream_id" in extensions) is (visit.wire is Wire.HTTP2)


@on(Wire.PLAIN)
async def test_the_reason_is_told_byte_for_byte(visit: Visit) -> None:
    async with scripted(answers(b"HTTP/1.1 200 Cr\xe8me\r\nContent-Length: 0\r\n\r\n")) as serving:
        assert (await visit.client.get(serving.url)).extensions["reason_phrase"] == b"Cr\xe8me"


@on(Wire.HTTP2)
async def test_streams_are_numbered_as_clients_number_them(visit: Visit) -> None:
    numbers = [(await visit.client.get("/echo")).extensions["stream_id"] for _ in range(3)]
    assert numbers == [1, 3, 5]


@everywhere()
async def test_the_network_stream_knows_both_ends(visit: Visit) -> None:
    async with visit.client.stream("GET", "/echo") as response:
        network = response.extensions["network_stream"]
        server_addr, client_addr = network.get_extra_info("server_addr"), network.get_extra_info("client_addr")
        await response.aread()
    assert tuple(server_addr) == ("127.0.0.1", visit.port)
    assert tuple(client_addr) == heard(response).peer


@everywhere()
async def test_the_ends_are_known_after_the_body_was_read_too(visit: Visit) -> None:
    response = await visit.client.get("/echo")
    network = response.extensions["network_stream"]
    assert tuple(network.get_extra_info("server_addr")) == ("127.0.0.1", visit.port)


@everywhere()
async def test_the_socket_is_the_connections(visit: Visit) -> None:
    async with visit.client.stream("GET", "/echo") as response:
        sock = response.extensions["network_stream"].get_extra_info("socket")
        assert sock.getpeername() == ("127.0.0.1", visit.port)
        assert sock.fileno() > 0


@everywhere()
async def test_the_tls_object_is_there_over_tls_alone(visit: Visit) -> None:
    async with visit.client.stream("GET", "/echo") as response:
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
        if not visit.wire.secure:
            assert tls is None
            return
        assert tls.version() == "TLSv1.3"
        assert tls.cipher() is not None
        assert ("IP Address", "127.0.0.1") in tls.getpeercert()["subjectAltName"]
        assert tls.selected_alpn_protocol() == ("h2" if visit.wire is Wire.HTTP2 else "http/1.1")


@everywhere()
async def test_what_is_not_known_is_none(visit: Visit) -> None:
    async with visit.client.stream("GET", "/echo") as response:
        assert response.extensions["network_stream"].get_extra_info("colour") is None


@on(Wire.TLS)
async def test_the_server_name_of_tls_may_be_another(visit: Visit, authority: Authority) -> None:
    names = []

    def told(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, __: ssl.SSLContext) -> None:
        names.append(name)

    context = authority.good("dairy.test")
    context.sni_callback = told
    async with server(lambda: Says(OK), context=context) as port:
        response = await visit.client.get(f"https://127.0.0.1:{port}/", extensions={"sni_hostname": "dairy.test"})
    assert (response.text, names) == ("hi", ["dairy.test"])


@on(Wire.PLAIN)
async def test_the_target_may_be_another(visit: Visit) -> None:
    async with scripted(answers(OK)) as serving:
        await visit.client.request("OPTIONS", serving.url, extensions={"target": b"*"})
        await visit.client.get(serving.url, extensions={"target": b"http://dairy.test/a|b"})
    heads = [head.splitlines()[0] for head in serving.peers[0].heard]
    assert heads == [b"OPTIONS * HTTP/1.1", b"GET http://dairy.test/a|b HTTP/1.1"]


@everywhere()
async def test_an_extension_that_nobody_knows_is_left_alone(visit: Visit) -> None:
    response = await visit.client.get("/echo", extensions={"colour": "white"})
    assert heard(response).method == "GET"
    assert response.request.extensions["colour"] == "white"


@on_ours()
async def test_ours_tells_how_long_each_phase_took_and_whether_the_connection_was_warm(visit: Visit) -> None:
    cold, warm = [(await visit.client.get("/echo")).extensions for _ in range(2)]
    assert (cold["connection"].reused, warm["connection"].reused) == (False, True)
    assert cold["timings"].connect > 0
    assert (cold["timings"].tls > 0) is visit.wire.secure
    assert warm["timings"].wait > 0
    assert str(cold["connection"].peer) == f"127.0.0.1:{visit.port}"


@on(Wire.PLAIN, Wire.TLS)
@pytest.mark.parametrize("close", ["close", "Close"])
async def test_a_connection_that_is_to_close_is_not_used_again(visit: Visit, close: str) -> None:
    first = heard(await visit.client.get("/echo", headers={"Connection": close}))
    assert first.one("connection") == close
    assert heard(await visit.client.get("/echo")).peer != first.peer
