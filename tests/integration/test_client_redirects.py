"""Redirects over real sockets: which are followed, what goes along, what stops them."""

import base64

import pytest

from milkrun.client import Client, Hop, RequestError
from tests.support.accounts import balanced
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, scripted

__all__ = ["anyio_backend"]


def to(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def chain(peer: Peer) -> None:
    """/n redirects to /n-1, /0 is the end; /loop leads to itself by way of /pool."""
    while request := await peer.request():
        path = request.split()[1].decode().lstrip("/")
        if path == "0":
            await peer.say(OK)
        elif path in ("loop", "pool"):
            await peer.say(to("/pool" if path == "loop" else "/loop"))
        elif path == "nowhere":
            await peer.say(to("ftp://example.test/"))
        elif path == "unsaid":
            await peer.say(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
        else:
            await peer.say(to(f"/{int(path) - 1}"))


async def test_redirects_are_left_alone_unless_asked_for() -> None:
    async with scripted(chain) as server, Client() as client:
        response = await client.get(server.url + "3")
        assert (response.status, response.history) == (302, ())


@pytest.mark.parametrize("which", ["all", "same-origin"])
async def test_redirects_are_followed_on_the_warm_connection_and_their_times_add_up(which: str) -> None:
    async with scripted(chain) as server, Client() as client:
        response = await client.get(server.url + "10", redirects="all" if which == "all" else "same-origin")
        assert (response.status, response.url, len(response.history)) == (200, server.url + "0", 10)
        assert response.history[0] == Hop(server.url + "10", 302)
        assert response.timings.connect > 0
        assert response.connection.uses == 10
        assert client.stats()["requests_total"] == 11
        assert balanced(client)


@pytest.mark.parametrize(("path", "kind"), [("11", "limit"), ("loop", "loop")])
async def test_redirects_without_end_are_stopped(path: str, kind: str) -> None:
    async with scripted(chain) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url + path, redirects="all")
        assert (caught.value.layer, caught.value.kind) == ("redirect", kind)
        assert caught.value.timings.total > 0
        assert client.stats()["connections"]["in_use"] == 0


async def test_a_location_that_leads_nowhere_is_a_bad_header() -> None:
    async with scripted(chain) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url + "nowhere", redirects="all")
        assert (caught.value.layer, caught.value.kind) == ("protocol", "bad-header")


async def test_a_redirect_without_a_location_is_the_response() -> None:
    async with scripted(chain) as server, Client() as client:
        assert (await client.get(server.url + "unsaid", redirects="all")).status == 302


async def test_credentials_go_to_the_same_origin_and_to_no_other() -> None:
    async with scripted(chain) as other:

        async def script(peer: Peer) -> None:
            while request := await peer.request():
                await peer.say(to("/b") if b"/a " in request else to(other.url + "0"))

        async with scripted(script) as server, Client() as client:
            url = server.url.replace("http://", "http://me:secret@") + "a"
            headers = {"Cookie": "s=1", "X-Kept": "yes"}
            response = await client.get(url, redirects="all", headers=headers)
            assert response.status == 200
            first, second = server.peers[0].heard
            basic = b"Authorization: Basic " + base64.b64encode(b"me:secret")
            assert basic in first
            assert basic in second
            assert b"Cookie" in second
            (third,) = other.peers[0].heard
            assert b"Authorization" not in third
            assert b"Cookie" not in third
            assert b"X-Kept: yes" in third
            assert "secret" not in repr(response) + response.url + repr(response.history)


async def test_same_origin_stops_at_the_border() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(to("http://127.0.0.2:1/"))

    async with scripted(script) as server, Client() as client:
        assert (await client.get(server.url, redirects="same-origin")).status == 302


async def test_an_error_at_a_later_hop_tells_of_that_hop_alone() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(to("http://127.0.0.1:1/"))

    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.get(server.url, redirects="all")
        assert (caught.value.layer, caught.value.kind) == ("connect", "refused")
        assert caught.value.connection is None
        assert caught.value.answer is None
