"""Authentication over real sockets: servers that check, a token endpoint that may do anything."""

import asyncio
import itertools

import pytest

from milkrun.client import Basic, Bearer, Client, ClientCredentials, Digest, OwnError, UsageError
from tests.support.accounts import at_rest, balanced
from tests.support.digest_server import DigestServer
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, Script, Scripted, answers, scripted, silence
from tests.support.token_endpoint import TokenEndpoint, said
from tests.support.turns import turns

__all__ = ["anyio_backend"]

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def credentials_of(server: Scripted) -> list[str]:
    """What was in each request's Authorization, over all connections."""
    lines = [line for peer in server.peers for head in peer.heard for line in head.decode("latin-1").split("\r\n")]
    return [line.partition(": ")[2] for line in lines if line.startswith("Authorization: ")]


def redirecting(url: str) -> Script:
    return answers(f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode())


async def test_basic_and_bearer_go_along_with_the_first_request() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        await client.get(server.url, auth=Basic("Aladdin", "open sesame"))
        await client.get(server.url, auth=Bearer("t0ken"))
        await client.get(server.url)

        assert credentials_of(server) == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer t0ken"]
        assert len(server.peers) == 1, "credentials need no connection of their own"


@pytest.mark.parametrize(
    ("algorithm", "qop", "userhash"),
    [
        ("MD5", "auth", False),
        ("MD5", "", False),
        ("MD5-sess", "auth,auth-int", False),
        ("SHA-256", "auth-int", False),
        ("SHA-256-sess", "auth", True),
        ("SHA-512-256", "auth", True),
        ("SHA-512-256-sess", "auth", False),
    ],
)
async def test_a_server_that_checks_digests_lets_us_in(algorithm: str, qop: str, userhash: bool) -> None:
    vault = DigestServer("Jäsøn", 'p"a:ss\\', algorithm=algorithm, qop=qop, userhash=userhash)
    async with scripted(vault.script) as server, Client() as client:
        for path in ("", "a?b=c", "a/b"):
            assert (await client.get(server.url + path, auth=Digest("Jäsøn", 'p"a:ss\\'))).status == 200

        assert vault.statuses == {401: 1, 200: 3}, "only the first of them had to ask"
        assert len(server.peers) == 1
        assert balanced(client)


async def test_content_that_is_part_of_the_digest_is_hashed_as_it_is_sent() -> None:
    vault = DigestServer("me", "p", qop="auth-int")
    async with scripted(vault.script) as server, Client() as client:
        for content in (b"one", b"two"):
            assert (await client.post(server.url, content=content, auth=Digest("me", "p"))).status == 200

        assert vault.statuses == {401: 1, 200: 2}


async def test_the_digest_is_of_the_target_that_is_sent_whatever_the_url_says() -> None:
    vault = DigestServer("me", "p")
    async with scripted(vault.script) as server, Client() as client:
        for _ in range(2):
            assert (await client.options(server.url, target="*", auth=Digest("me", "p"))).status == 200

        assert vault.statuses == {401: 1, 200: 2}


async def test_a_streamed_response_is_authorized_like_any_other() -> None:
    vault = DigestServer("me", "p")
    async with scripted(vault.script) as server, Client() as client:
        for _ in range(2):
            async with client.stream("GET", server.url, auth=Digest("me", "p")) as response:
                assert (response.status, await response.read()) == (200, b"hi")

        assert vault.statuses == {401: 1, 200: 2}
        assert at_rest(client, idle=1)


async def test_a_wrong_password_is_tried_once_a_request() -> None:
    vault = DigestServer("me", "right")
    async with scripted(vault.script) as server, Client() as client:
        for _ in range(3):
            assert (await client.get(server.url, auth=Digest("me", "wrong"))).status == 401

        assert sum(vault.counts.values()) == 3
        vault.password = "wrong"
        assert (await client.get(server.url, auth=Digest("me", "wrong"))).status == 200


async def test_a_challenge_that_we_cannot_answer_is_the_answer() -> None:
    head = 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", algorithm=NEW\r\n'
    async with scripted(answers(head.encode() + b"Content-Length: 0\r\n\r\n")) as server, Client() as client:
        assert (await client.get(server.url, auth=Digest("me", "p"))).status == 401
        assert credentials_of(server) == []


@pytest.mark.parametrize("says_stale", [True, False])
async def test_nonces_that_run_out_are_replaced(says_stale: bool) -> None:
    vault = DigestServer("me", "p", uses=3)
    vault.says_stale = says_stale
    async with scripted(vault.script) as server, Client() as client:
        for _ in range(9):
            assert (await client.get(server.url, auth=Digest("me", "p"))).status == 200

        assert vault.statuses == {401: 3, 200: 9}
        vault.forget()
        assert (await client.get(server.url, auth=Digest("me", "p"))).status == 200


async def test_one_time_nonces_cost_no_second_exchange_when_the_next_one_comes_along() -> None:
    vault = DigestServer("me", "p", uses=1, rotate=True, algorithm="SHA-256-sess")
    async with scripted(vault.script) as server, Client() as client:
        for _ in range(5):
            assert (await client.get(server.url, auth=Digest("me", "p"))).status == 200

        assert vault.statuses == {401: 1, 200: 5}


async def test_requests_at_once_never_send_one_count_of_a_nonce_twice() -> None:
    vault = DigestServer("me", "p")
    async with scripted(vault.script) as server, Client() as client:
        cold = await asyncio.gather(*(client.get(server.url, auth=Digest("me", "p")) for _ in range(10)))
        warm = await asyncio.gather(*(client.get(server.url, auth=Digest("me", "p")) for _ in range(40)))

        assert {response.status for response in cold + warm} == {200}
        assert set(vault.counts.values()) == {1}
        assert vault.statuses == {401: 10, 200: 50}


async def test_credentials_of_a_scheme_stay_at_their_origin() -> None:
    vault = DigestServer("me", "p")
    endpoint = TokenEndpoint()
    async with scripted(vault.script) as other, scripted(endpoint.script) as login, Client() as client:
        grant = ClientCredentials(login.url, "id", "s3cret")
        async with scripted(redirecting(other.url)) as server:
            for auth in (Basic("me", "p"), Bearer("t"), Digest("me", "p"), grant):
                assert (await client.get(server.url, auth=auth, redirects="all")).status == 401

        assert credentials_of(other) == []


async def test_a_redirect_within_an_origin_is_authorized_anew() -> None:
    vault = DigestServer("me", "p")
    hops = itertools.count()

    async def script(peer: Peer) -> None:
        if next(hops):
            await vault.script(peer)
        else:
            await peer.request()
            await peer.say(b"HTTP/1.1 302 Found\r\nLocation: /vault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with scripted(script) as server, Client() as client:
        response = await client.get(server.url, auth=Digest("me", "p"), redirects="all")

        assert (response.status, response.url) == (200, server.url + "vault")


async def test_a_redirect_within_an_origin_sends_each_time_one_authorization() -> None:
    endpoint = TokenEndpoint()
    found = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    async with scripted(endpoint.script) as login, scripted(answers(found, OK)) as server, Client() as client:
        await client.get(server.url, auth=ClientCredentials(login.url, "id", "s"), redirects="all")

        assert credentials_of(server) == ["Bearer token-1"] * 2


async def test_a_token_is_fetched_once_for_all_and_goes_with_each_request() -> None:
    endpoint = TokenEndpoint()
    async with scripted(endpoint.script) as login, scripted(answers(OK)) as server, Client() as client:
        requests = [
            client.get(server.url, auth=ClientCredentials(login.url, "id", "s3cret", scopes=("read",)))
            for _ in range(20)
        ]
        assert {response.status for response in await asyncio.gather(*requests)} == {200}

        assert credentials_of(server) == ["Bearer token-1"] * 20
        (asked,) = endpoint.asked
        assert asked.startswith(b"POST / HTTP/1.1\r\n")
        assert b"Authorization: Basic aWQ6czNjcmV0\r\n" in asked
        assert asked.endswith(b"\r\n\r\ngrant_type=client_credentials&scope=read")


async def test_a_token_that_the_target_turns_down_is_not_sent_again_in_the_same_request() -> None:
    endpoint = TokenEndpoint()
    async with scripted(endpoint.script) as login, scripted(answers(UNAUTHORIZED)) as server, Client() as client:
        assert (await client.get(server.url, auth=ClientCredentials(login.url, "id", "s"))).status == 401

        assert credentials_of(server) == ["Bearer token-1"]


async def test_the_time_for_a_token_is_ours_and_not_the_targets() -> None:
    endpoint = TokenEndpoint()
    endpoint.gate.clear()
    async with scripted(endpoint.script) as login, scripted(answers(OK)) as server, Client() as client:
        loop = asyncio.get_running_loop()
        request = asyncio.create_task(
            client.get(server.url, timeout=0.25, auth=ClientCredentials(login.url, "id", "s"))
        )
        await endpoint.reached.wait()
        loop.call_later(0.3, endpoint.gate.set)  # longer than the request's own deadline

        response = await request

        assert response.status == 200
        assert response.timings.queue > 0.25


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said(b'{"error": "invalid_client"}', "401 Unauthorized"), "the endpoint answered 401, invalid_client"),
        (said(b"<html>oops</html>"), "no access_token"),
        (said(b'{"token": "s3cret"}'), "no access_token"),
        (said(b'{"access_token": ["s3cret"]}'), "no access_token"),
        (said(b'{"access_token": "s3cret", "token_type": "mac"}'), "not a bearer token"),
        (said(b"", "302 Found", "Location: /elsewhere"), "the endpoint answered 302"),
        (said(b"x" * 100_000), "body/too-large"),
        (b"not http\r\n\r\n", "protocol/"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n", "protocol/bad-framing"),
    ],
    ids=lambda value: value[:60],
)
async def test_a_token_endpoint_that_gives_none_is_our_trouble_and_never_the_targets(answer: bytes, why: str) -> None:
    endpoint = TokenEndpoint()
    endpoint.answer = answer
    async with scripted(endpoint.script) as login, scripted(answers(OK)) as server, Client() as client:
        for _ in range(3):
            with pytest.raises(OwnError) as caught:
                await client.get(server.url, auth=ClientCredentials(login.url, "id", "s3cret"))
            assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("self", "credentials", "queue")
            assert why in caught.value.message
            assert "s3cret" not in f"{caught.value}{caught.value.__cause__!r}"

        assert len(endpoint.asked) == 1, "it is left alone for a moment"
        assert server.peers == []


async def test_a_silent_token_endpoint_has_a_deadline_of_its_own() -> None:
    async with scripted(silence) as login, scripted(answers(OK)) as server, Client() as client:
        with pytest.raises(OwnError, match="wait/timeout") as caught:
            await client.get(server.url, auth=ClientCredentials(login.url, "id", "s", timeout=0.05))

        assert caught.value.kind == "credentials"
        assert server.peers == []
        assert at_rest(client, idle=0)


async def test_a_request_cancelled_while_its_token_is_fetched_leaves_the_fetch_to_the_others() -> None:
    endpoint = TokenEndpoint()
    endpoint.gate.clear()
    async with scripted(endpoint.script) as login, scripted(answers(OK)) as server, Client() as client:
        grant = ClientCredentials(login.url, "id", "s")
        first, second = (asyncio.create_task(client.get(server.url, auth=grant)) for _ in range(2))
        await endpoint.reached.wait()
        first.cancel()
        await turns()
        endpoint.gate.set()

        assert (await second).status == 200
        assert first.cancelled()
        assert len(endpoint.asked) == 1
        assert at_rest(client, idle=2)


async def test_closing_the_client_ends_the_fetch_and_who_waits_for_it() -> None:
    endpoint = TokenEndpoint()
    endpoint.gate.clear()
    async with scripted(endpoint.script) as login:
        client = Client()
        grant = ClientCredentials(login.url, "id", "s")
        waiting = [asyncio.create_task(client.get("http://127.0.0.1:9/", auth=grant)) for _ in range(2)]
        await endpoint.reached.wait()

        await client.aclose()

        for one in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(one, UsageError)
        assert at_rest(client, idle=0)
        with pytest.raises(UsageError, match="closed"):
            await client.get("http://127.0.0.1:9/", auth=grant)


async def test_an_identity_in_the_body_is_in_no_header() -> None:
    endpoint = TokenEndpoint()
    async with scripted(endpoint.script) as login, scripted(answers(OK)) as server, Client() as client:
        await client.get(server.url, auth=ClientCredentials(login.url, "id", "s", send_in="body"))

        assert credentials_of(server) == ["Bearer token-1"]
        (asked,) = endpoint.asked
        assert b"Authorization" not in asked
        assert asked.endswith(b"&client_id=id&client_secret=s")
