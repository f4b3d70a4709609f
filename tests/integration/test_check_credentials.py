"""Checks that have to be let in, from the configuration to the result: whose fault, and whose time it is."""

import asyncio
import base64
from collections.abc import Callable

import pytest

from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from tests.support.checking import Checks, checks, endpoint, failure
from tests.support.digest_server import DigestServer
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import closed_port
from tests.support.proxies import http_proxy
from tests.support.scripted import OK, Peer, Script, Scripted, answers, scripted, silence
from tests.support.token_endpoint import TokenEndpoint, said

__all__ = ["anyio_backend", "checks"]

SECRET = "5ecret-of-the-client"
HELD = 0.6  # seconds for which a slow token endpoint thinks: longer than any deadline here


def oauth2(token_url: str, **more: object) -> dict[str, object]:
    return {"oauth2": {"token-url": token_url, "client-id": "milkrun", "client-secret": "${CLIENT_SECRET}", **more}}


def credentials_of(server: Scripted) -> list[str]:
    lines = [line for peer in server.peers for head in peer.heard for line in head.decode("latin-1").split("\r\n")]
    return [line.partition(": ")[2] for line in lines if line.startswith("Authorization: ")]


def slow(endpoint: TokenEndpoint) -> Script:
    async def script(peer: Peer) -> None:
        endpoint.gate.clear()
        asyncio.get_running_loop().call_later(HELD, endpoint.gate.set)
        await endpoint.script(peer)

    return script


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", SECRET)
    monkeypatch.setenv("TENANT", "tenant-4711")


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (
            {"basic": {"username": "me", "password": "${CLIENT_SECRET}"}},
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"bearer": "${CLIENT_SECRET}"}, f"Bearer {SECRET}"),
    ],
    ids=["basic", "bearer"],
)
async def test_what_is_known_goes_along_with_every_check(checks: Checks, auth: dict[str, object], sent: str) -> None:
    async with scripted(answers(OK)) as server:
        results = await checks.of(server.url, client={"auth": auth}, rounds=2)
        assert credentials_of(server) == [sent, sent]
    assert [result.connection for result in results] == ["cold", "warm"]


async def test_a_digest_is_learnt_once(checks: Checks) -> None:
    vault = DigestServer("me", SECRET, algorithm="SHA-256")
    auth = {"digest": {"username": "me", "password": "${CLIENT_SECRET}"}}
    async with scripted(vault.script) as server:
        results = await checks.of(server.url, client={"auth": auth}, rounds=3)
    assert [result.outcome for result in results] == [Outcome.UP] * 3
    assert vault.statuses[200] == 3
    assert vault.statuses[401] == 1


async def test_one_token_is_fetched_for_all_who_share_its_credentials(checks: Checks) -> None:
    login = TokenEndpoint()
    async with scripted(answers(OK)) as server, scripted(login.script) as tokens:
        client = oauth2(tokens.url, scopes=["read", "write"])
        one, two = (endpoint(name, f"{server.url}{name}", client=client) for name in ("one", "two"))
        told = await checks.all(one, two, rounds=2)
        assert set(credentials_of(server)) == {"Bearer token-1"}
    assert {result.outcome for results in told.values() for result in results} == {Outcome.UP}
    assert len(login.asked) == 1
    assert login.asked[0].endswith(b"grant_type=client_credentials&scope=read+write")


async def test_a_tokens_time_is_no_part_of_the_targets(checks: Checks) -> None:
    login = TokenEndpoint()
    async with scripted(answers(OK)) as server, scripted(slow(login)) as tokens:
        client = oauth2(tokens.url) | {"timeout": "500ms"}
        cold, warm = await checks.of(server.url, "[RESPONSE_TIME] < 500", client=client, rounds=2)
        assert len(set(credentials_of(server)[-2:])) == 1
    assert (cold.outcome, warm.outcome) == (Outcome.UP, Outcome.UP)
    assert cold.timings.queue > 0.5 > cold.timings.total
    phases = ("dns", "connect", "tls", "send", "wait", "receive")
    assert sum(getattr(cold.timings, phase) for phase in phases) <= cold.timings.total


async def test_a_target_that_is_silent_after_a_slow_token_is_down_and_not_our_overload(checks: Checks) -> None:
    login = TokenEndpoint()
    async with scripted(silence) as server, scripted(slow(login)) as tokens:
        (result,) = await checks.of(server.url, client=oauth2(tokens.url) | {"timeout": "300ms"})
    assert (result.outcome, failure(result)) == (Outcome.DOWN, ("wait", "timeout"))
    assert result.timings.queue > 0.3


def is_unknown_for_lack_of_a_token(result: Result) -> bool:
    assert result.failure is not None
    assert SECRET not in result.failure.message
    assert (result.peer, result.connection, result.http) == (None, None, None)
    return (result.outcome, failure(result)) == (Outcome.UNKNOWN, ("self", "credentials"))


def turned_down(endpoint: TokenEndpoint) -> None:
    endpoint.answer = said(b'{"error": "invalid_client"}', "401 Unauthorized")


def echoing(endpoint: TokenEndpoint) -> None:
    endpoint.answer = said(f'{{"error": "{SECRET}"}}'.encode(), "500 Internal Server Error")


def nonsense(endpoint: TokenEndpoint) -> None:
    endpoint.answer = said(b"<html>")


@pytest.mark.parametrize("spoil", [turned_down, echoing, nonsense])
async def test_a_token_endpoint_that_gives_no_token_leaves_the_target_unknown(
    checks: Checks, spoil: Callable[[TokenEndpoint], None]
) -> None:
    login = TokenEndpoint()
    spoil(login)
    async with scripted(answers(OK)) as server, scripted(login.script) as tokens:
        (result,) = await checks.of(server.url, client=oauth2(tokens.url))
        assert server.peers == []
    assert is_unknown_for_lack_of_a_token(result)


async def test_what_is_secret_of_a_token_endpoints_address_is_not_told(checks: Checks) -> None:
    async with scripted(answers(OK)) as server:
        unreachable = f"http://127.0.0.1:{closed_port()}/${{TENANT}}/token"
        (result,) = await checks.of(server.url, client=oauth2(unreachable))
    assert is_unknown_for_lack_of_a_token(result)
    assert result.failure is not None
    assert "/(hidden)/token: connect/refused" in result.failure.message


async def test_a_token_is_fetched_by_the_way_of_the_check(checks: Checks) -> None:
    login = TokenEndpoint()
    async with scripted(answers(OK)) as server, scripted(login.script) as tokens, http_proxy() as proxy:
        client = oauth2(tokens.url) | {"proxy-url": f"http://127.0.0.1:{proxy.port}"}
        (result,) = await checks.of(server.url, client=client)
        assert proxy.asked == [f"127.0.0.1:{tokens.port}", f"127.0.0.1:{server.port}"]
    assert result.outcome is Outcome.UP


async def test_credentials_in_a_check_of_a_location_that_redirects_stay_where_they_belong(checks: Checks) -> None:
    async with scripted(answers(OK)) as there:
        onward = f"HTTP/1.1 302 Found\r\nLocation: {there.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with scripted(answers(onward)) as here:
            await checks.of(here.url, client={"auth": {"bearer": "${CLIENT_SECRET}"}})
            assert credentials_of(here) == [f"Bearer {SECRET}"]
        assert credentials_of(there) == []
