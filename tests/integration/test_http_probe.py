"""The http probe on the real client: a target's answer, or its failure, told as an Observation."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milkrun.alerting.kinds import CHANNELS
from milkrun.client import (
    Client,
    ConnectionFacts,
    Descriptors,
    PreparedRequest,
    RequestError,
    Response,
    TlsFacts,
    UsageError,
)
from milkrun.clock import SystemClock
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.core.condition import parse_condition
from milkrun.core.endpoint import Endpoint
from milkrun.core.evaluate import evaluate
from milkrun.core.observation import Connection, Http, Observation, Tls
from milkrun.core.outcome import Layer, Outcome
from milkrun.monitor.lag import LagMeter
from milkrun.probes.http import HttpOptions, Redirects
from milkrun.probes.kinds import KINDS
from milkrun.probes.registry import probe_makers
from tests.support.authority import Authority
from tests.support.compressing import gzipped
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, closed_port
from tests.support.peers import server as tls_server
from tests.support.samples import write_configuration
from tests.support.scripted import OK, Peer, Scripted, answers, once, scripted, silence
from tests.support.turns import until

__all__ = ["anyio_backend"]

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"


def http(url: str, *conditions: str, timeout: float = 5.0, **options: object) -> Endpoint:
    return Endpoint(
        key="core_checkout",
        name="checkout",
        group="core",
        kind="http",
        target=url,
        interval=10_000,
        timeout=timeout,
        options=HttpOptions(url=url, **options),  # type: ignore[arg-type]  # any of its fields
        conditions=tuple(parse_condition(each) for each in conditions),
    )


async def observe(client: Client, endpoint: Endpoint, times: int = 1) -> list[Observation]:
    probe = probe_makers(client, clock=SystemClock(), lag_since=lambda _: 0.003)[endpoint.kind](endpoint)
    return [await probe() for _ in range(times)]


def url(server: Scripted) -> str:
    return f"http://127.0.0.1:{server.port}/"


def test_every_kind_that_can_be_configured_can_be_probed() -> None:
    makers = probe_makers(Client(), clock=SystemClock(), lag_since=lambda _: 0.0)
    assert makers.keys() == KINDS.keys()


async def test_an_answer_is_told_with_its_facts() -> None:
    before = time.time()
    async with scripted(answers(OK)) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), "[STATUS] == 200"))
    assert before <= seen.started <= time.time()
    assert (seen.connected, seen.failure, seen.lag, seen.timeout) == (True, None, 0.003, 5.0)
    assert (seen.peer, seen.address) == (f"127.0.0.1:{server.port}", "127.0.0.1")
    assert seen.http is not None
    assert (seen.http.status, seen.http.version, seen.http.bytes) == (200, "1.1", 2)
    assert seen.tls is None
    assert seen.timings.total >= seen.timings.wait > 0


@pytest.mark.parametrize("conditions", [(), ("[BODY] == up",)])
@pytest.mark.parametrize("status", [b"200", b"503"])
async def test_of_an_answer_the_beginning_is_kept_uncompressed_where_it_may_be_evidence(
    status: bytes, conditions: tuple[str, ...]
) -> None:
    body = gzipped(b"the database is gone")
    head = b"HTTP/1.1 %s X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    async with scripted(answers(head + body)) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), *conditions))
    assert seen.answer is not None
    kept = bool(conditions) or status == b"503"
    assert (seen.answer.beginning, seen.answer.is_whole) == (b"the database is gone" if kept else b"", kept)


async def test_the_first_check_is_cold_and_the_next_ones_are_warm() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        seen = await observe(client, http(url(server)), times=3)
    assert [each.connection for each in seen] == [Connection.COLD, Connection.WARM, Connection.WARM]
    assert len(server.peers) == 1


async def test_a_fresh_check_is_cold_every_time() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        seen = await observe(client, http(url(server), fresh=True), times=3)
    assert {each.connection for each in seen} == {Connection.COLD}
    assert len(server.peers) == 3


@pytest.mark.parametrize(
    ("conditions", "body", "has_headers"),
    [
        ((), b"", False),
        (("[BODY] == hi",), b"hi", False),
        (("[HEADER].content-length == 2",), b"", True),
    ],
)
async def test_only_what_a_condition_asks_for_is_kept(
    conditions: tuple[str, ...], body: bytes, has_headers: bool
) -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), *conditions))
    assert seen.body == body
    assert (seen.headers is not None) == has_headers
    assert evaluate(seen, http(url(server), *conditions).conditions).outcome is Outcome.UP


async def test_what_is_configured_is_what_is_sent() -> None:
    async with scripted(once(OK)) as server, Client() as client:
        body = b"ping\r\n\r\n"
        await observe(client, http(url(server), method="POST", headers=(("X-Team", "core"),), body=body))
    heard = server.peers[0].heard[0]
    assert heard.startswith(b"POST / HTTP/1.1\r\n")
    assert b"X-Team: core\r\n" in heard
    assert heard.endswith(b"\r\n\r\nping\r\n\r\n")


@pytest.mark.parametrize(("redirects", "status"), [(Redirects.OFF, 302), (Redirects.ALL, 200)])
async def test_redirects_are_followed_as_configured(redirects: Redirects, status: int) -> None:
    async with scripted(answers(REDIRECT, OK)) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), redirects=redirects))
    assert seen.http is not None
    assert seen.http.status == status


async def test_a_check_is_cold_if_any_hop_was() -> None:
    async with scripted(answers(OK)) as there, Client() as client:
        await observe(client, http(url(there)))
        onward = f"HTTP/1.1 302 Found\r\nLocation: {url(there)}\r\nContent-Length: 0\r\n\r\n".encode()
        async with scripted(answers(onward)) as here:
            seen = await observe(client, http(url(here)), times=2)
    assert [each.connection for each in seen] == [Connection.COLD, Connection.WARM]


async def test_a_stale_connection_is_replaced_and_said_so() -> None:
    async def closes_on_the_second(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        if peer.number == 1:
            await peer.request()
            return
        await silence(peer)

    async with scripted(closes_on_the_second) as server, Client() as client:
        seen = await observe(client, http(url(server)), times=2)
    assert [each.stale_retry for each in seen] == [False, True]
    assert seen[1].connection is Connection.COLD


async def test_a_refusal_is_an_observation_not_an_exception() -> None:
    async with Client() as client:
        (seen,) = await observe(client, http(f"http://127.0.0.1:{closed_port()}/"))
    assert seen.failure is not None
    assert (seen.failure.layer, seen.failure.kind) == (Layer.CONNECT, "refused")
    assert (seen.connected, seen.http) == (False, None)


async def test_what_was_answered_before_a_failure_is_told_with_it() -> None:
    half = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 10\r\n\r\nhalf"
    async with scripted(once(half)) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), "[BODY] == whole"))
    assert seen.failure is not None
    assert (seen.failure.layer, seen.failure.kind) == (Layer.RECEIVE, "truncated")
    assert (seen.connected, seen.http) == (True, Http(status=500, version="1.1", bytes=4))


async def test_silence_ends_at_the_endpoints_own_timeout() -> None:
    async with scripted(silence) as server, Client() as client:
        (seen,) = await observe(client, http(url(server), timeout=0.05))
    assert seen.failure is not None
    assert (seen.failure.layer, seen.failure.kind) == (Layer.WAIT, "timeout")
    assert seen.peer == f"127.0.0.1:{server.port}"
    assert seen.connection is Connection.COLD


async def test_the_evidence_of_an_expired_certificate_is_the_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        tls_server(lambda: Says(OK), context=authority.expired()) as port,
        Client(ca_file=authority.ca_file) as client,
    ):
        (seen,) = await observe(client, http(f"https://localhost:{port}/"))
    assert seen.failure is not None
    assert (seen.failure.layer, seen.failure.kind) == (Layer.TLS, "expired")
    assert seen.tls is not None
    assert seen.tls.not_after is not None
    assert seen.tls.not_after < time.time()


async def test_certificate_facts_are_told_warm_and_cold(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        tls_server(lambda: Says(OK), context=authority.good()) as port,
        Client(ca_file=authority.ca_file) as client,
    ):
        seen = await observe(client, http(f"https://localhost:{port}/", "[CERTIFICATE_EXPIRATION] > 1h"), times=2)
    first, second = (each.tls for each in seen)
    assert first is not None
    assert first.version == "TLSv1.3"
    assert "localhost" in first.names
    assert second is not None
    assert second.not_after == first.not_after


async def test_a_session_without_a_certificate_is_told_as_far_as_it_was_seen() -> None:
    seen = ConnectionFacts(
        reused=False, age=0.0, uses=0, peer=None, address=None, tls=TlsFacts(version="TLSv1.3", cipher="AES")
    )

    class Breaking(Client):
        async def send(self, request: PreparedRequest, *, timeout: float | None = 10.0) -> Response:  # noqa: ARG002 - as a client
            error = RequestError("tls", "closed", "the server closed in the handshake")
            error.connection = seen
            raise error

    (told,) = await observe(Breaking(), http("https://core.test/"))
    assert told.tls == Tls(version="TLSv1.3", cipher="AES", not_before=None, not_after=None)


async def test_a_loop_held_for_a_second_is_overload_and_not_the_targets_fault() -> None:
    clock = SystemClock()
    meter = LagMeter(clock)
    ticking = asyncio.create_task(meter.run())
    async with scripted(silence) as server, Client() as client:
        endpoint = http(url(server), timeout=0.3)
        probe = probe_makers(client, clock=clock, lag_since=meter.since)["http"](endpoint)
        checking = asyncio.ensure_future(probe())
        await asyncio.sleep(0)
        time.sleep(1)  # noqa: ASYNC251 - the loop is held on purpose: that is what is tested
        seen = await checking
    ticking.cancel()
    verdict = evaluate(seen)
    assert seen.lag > 0.5
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.failure is not None
    assert (verdict.failure.layer, verdict.failure.kind) == (Layer.SELF, "overload")


async def test_cancellation_goes_through() -> None:
    async with scripted(silence) as server, Client() as client:
        checking = asyncio.create_task(observe(client, http(url(server))))
        assert await until(lambda: bool(server.peers))
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking


async def test_a_client_used_wrongly_is_a_bug_and_not_the_fault_of_anything_configured() -> None:
    async with Client() as client:
        probe = probe_makers(client, clock=SystemClock(), lag_since=lambda _: 0.0)["http"](http("http://core.test/"))
    with pytest.raises(UsageError, match="closed"):
        await probe()


def test_options_of_another_kind_are_a_bug_that_is_named() -> None:
    endpoint = Endpoint(
        key="a_b", name="b", group="a", kind="http", target="x", interval=10_000, timeout=1.0, options=None
    )
    makers = probe_makers(Client(), clock=SystemClock(), lag_since=lambda _: 0.0)
    with pytest.raises(TypeError, match="a_b has no options of the http kind"):
        makers["http"](endpoint)


PLACES: dict[str, list[object]] = {
    "url": ["http://h/", "https://h/", "https://u:p@h:1/", "http://[::1]/"],
    "method": ["GET", "connect", "OPTIONS"],
    "headers": [{"Authorization": "x"}, {"Upgrade": "x"}, {"Host": "é"}, {"Expect": "100-continue"}, {"Proxy": ""}],
    "body": ["x", ""],
    "connection": [{"fresh": True}, {"max-uses": 1}, {"max-age": "1ms"}],
}
CLIENT: dict[str, list[object]] = {
    "proxy-url": ["http://u:p@p", "socks5://p", "socks5://u:@p", "https://p", ""],
    "oauth2": [{"token-url": "http://u:p@t/", "client-id": "é", "client-secret": ":"}, {"token-url": "x"}],
    "auth": [{"bearer": "t"}, {"bearer": "é"}, {"basic": {"username": "é", "password": ":"}}, {"digest": {}}],
    "network": ["ip", "ip4", "ip6"],
    "dns-resolver": ["udp://::1", "tcp://[::1]:53", "udp://1.1.1.1", "udp://"],
    "http2": [True, False, "prior-knowledge"],
    "server-name": ["é.example", "::1", "[::1]", "a" * 300, "1.2.3"],
    "minimum-tls-version": ["1.0", "1.3"],
    "unix-socket": ["/s", "\0s", "é" * 60],
    "local-address": ["::1", "127.0.0.1", "fe80::1%lo"],
    "resolve": [{"h": "::1"}, {"h:1": ["::1", "1.1.1.1"]}, {"[::1]:5": "1.1.1.1"}, {"h:0": "::1"}],
    "insecure": [True],
    "ignore-redirect": [True],
}


def some_of(places: dict[str, list[object]], most: int) -> st.SearchStrategy[dict[str, object]]:
    pairs = [(key, value) for key, values in places.items() for value in values]
    return st.lists(st.sampled_from(pairs), max_size=most).map(dict)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=some_of(PLACES, 3), client=some_of(CLIENT, 4), by_environment=st.booleans())
def test_whatever_a_configuration_is_let_say_can_be_prepared(
    tmp_path: Path, keys: dict[str, object], client: dict[str, object], by_environment: bool
) -> None:
    target = {"name": "a", "url": "http://h/", **keys, "client": client}
    with suppress(ConfigError):
        loaded = load([write_configuration(tmp_path, [target])], KINDS, CHANNELS, {})
        shared = Client(http2=False, proxy="environment" if by_environment else None, descriptors=Descriptors(9))
        probe_makers(shared, clock=SystemClock(), lag_since=lambda _: 0.0)["http"](loaded.endpoints[0])
