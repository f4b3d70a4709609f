"""Checks that reach their target by a way of their own, from the configuration to the result."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from milkrun import app
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from tests.support.authority import Authority
from tests.support.checking import SOON, Checks, authority, checks, endpoint, failure
from tests.support.dns import Record, nameserver
from tests.support.http2_origin import answers as streams
from tests.support.http2_origin import http2_origin
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import HandDriven, Says, closed_port, mute
from tests.support.peers import server as tls_server
from tests.support.proxies import http_proxy, says, socks_proxy
from tests.support.scripted import OK, answers, scripted

__all__ = ["anyio_backend", "authority", "checks"]

PASSWORD = "pa55word-of-the-proxy"
PHASES = ("dns", "connect", "tls", "send", "wait", "receive")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("PROXY_PASSWORD", PASSWORD)


def redirect(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


def says_nothing_secret(result: Result) -> bool:
    return result.failure is not None and PASSWORD not in result.failure.message


@pytest.mark.parametrize(
    ("scheme", "making"), [("http", http_proxy), ("socks5", socks_proxy), ("socks5h", socks_proxy)]
)
async def test_a_check_through_a_proxy_is_cold_and_then_warm(checks: Checks, scheme: str, making: object) -> None:
    async with scripted(answers(OK)) as server, making(credentials=("me", PASSWORD)) as proxy:  # type: ignore[operator]
        client = {"proxy-url": f"{scheme}://me:${{PROXY_PASSWORD}}@127.0.0.1:{proxy.port}"}
        cold, warm = await checks.of(server.url, client=client, rounds=2)
        assert proxy.asked == [f"127.0.0.1:{server.port}"]
    assert (cold.outcome, warm.outcome) == (Outcome.UP, Outcome.UP)
    assert (cold.connection, warm.connection) == ("cold", "warm")
    assert cold.timings.connect > 0
    assert sum(getattr(cold.timings, phase) for phase in PHASES) <= cold.timings.total
    assert warm.timings.connect == 0


async def test_the_way_to_a_proxy_is_part_of_connecting(checks: Checks) -> None:
    async with scripted(says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as proxy:
        (result,) = await checks.of("http://127.0.0.1:9/", client={"proxy-url": proxy.url})
    assert failure(result) == ("self", "proxy")
    assert 0 < result.timings.connect <= result.timings.total


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_a_proxy_that_is_not_there_leaves_the_target_unknown(checks: Checks, scheme: str) -> None:
    client = {"proxy-url": f"{scheme}://me:${{PROXY_PASSWORD}}@127.0.0.1:{closed_port()}"}
    (result,) = await checks.of("http://127.0.0.1:9/", client=client)
    assert (result.outcome, failure(result)) == (Outcome.UNKNOWN, ("self", "proxy"))
    assert says_nothing_secret(result)


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b"220 ready to be mailed\r\n"],
    ids=["refusing us", "something else"],
)
async def test_a_proxy_that_does_not_do_its_part_leaves_the_target_unknown(checks: Checks, said: bytes) -> None:
    async with scripted(says(said)) as proxy:
        client = {"proxy-url": f"http://me:${{PROXY_PASSWORD}}@127.0.0.1:{proxy.port}"}
        (result,) = await checks.of("http://127.0.0.1:9/", client=client)
    assert (result.outcome, failure(result)) == (Outcome.UNKNOWN, ("self", "proxy"))
    assert says_nothing_secret(result)


async def test_a_proxy_that_is_silent_is_not_the_targets_fault(checks: Checks) -> None:
    with mute() as port:
        client = {"proxy-url": f"https://127.0.0.1:{port}", "timeout": SOON}
        (result,) = await checks.of("http://127.0.0.1:9/", client=client)
    assert (result.outcome, failure(result)) == (Outcome.UNKNOWN, ("self", "proxy"))


async def test_the_environments_proxy_is_taken_if_asked_for_and_not_otherwise(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(answers(OK)) as server, http_proxy() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        await checks.of(server.url)
        assert proxy.asked == []
        checks.sections = {"client": {"proxy-from-environment": True}}
        await checks.of(server.url)
        assert proxy.asked == [f"127.0.0.1:{server.port}"]


async def test_a_socket_of_this_machine_is_reached_without_the_environments_proxy(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{closed_port()}")
    checks.sections = {"client": {"proxy-from-environment": True}}
    async with unix_server() as path:
        (result,) = await checks.of("http://app.internal/", client={"unix-socket": path})
    assert (result.outcome, result.peer) == (Outcome.UP, f"unix:{path}")


async def test_an_environment_that_names_no_proxy_that_can_be_used_is_told_at_the_start(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"ftp://me:{PASSWORD}@p")
    checks.sections = {"client": {"proxy-from-environment": True}}
    with pytest.raises(app.StartError, match="the environment's https_proxy: ") as caught:
        await checks.of("http://127.0.0.1:9/")
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "addresses",
    [
        {"deny": ["127.0.0.0/8"]},
        {"allow": ["10.0.0.0/8"]},
        {"public-only": True},
        {"public-only": True, "deny": ["::1"]},
    ],
)
async def test_an_address_that_may_not_be_connected_to_is_down(checks: Checks, addresses: dict[str, object]) -> None:
    checks.sections = {"client": {"addresses": addresses}}
    async with scripted(answers(OK)) as server:
        (result,) = await checks.of(server.url)
        assert server.peers == []
    assert (result.outcome, failure(result)) == (Outcome.DOWN, ("connect", "denied"))


async def test_a_redirect_does_not_lead_around_the_policy(checks: Checks) -> None:
    checks.sections = {"client": {"addresses": {"deny": ["127.0.0.2"]}}}
    async with scripted(answers(OK), host="127.0.0.2") as inside:
        onward = redirect(inside.url.replace("127.0.0.1", "127.0.0.2"))
        async with scripted(answers(onward)) as server:
            (result,) = await checks.of(server.url)
        assert inside.peers == []
    assert (result.outcome, failure(result)) == (Outcome.DOWN, ("connect", "denied"))


async def test_http_2_is_spoken_where_it_is_asked_for(checks: Checks, authority: Authority) -> None:
    async with http2_origin(streams(b"hi"), context=authority.good()) as origin:
        results = await checks.of(origin.url, "[BODY] == hi", client={"http2": True}, rounds=2)
    assert [result.outcome for result in results] == [Outcome.UP, Outcome.UP]
    assert [result.http and result.http.version for result in results] == ["2", "2"]
    assert [result.connection for result in results] == ["cold", "warm"]


async def test_http_2_is_not_spoken_unless_it_is_asked_for(checks: Checks, authority: Authority) -> None:
    context = authority.good()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with tls_server(lambda: Says(OK), context=context) as port:
        (result,) = await checks.of(f"https://localhost:{port}/")
    assert result.http is not None
    assert result.http.version == "1.1"


async def test_http_2_may_be_known_of_before(checks: Checks) -> None:
    async with http2_origin(streams(b"hi")) as origin:
        (result,) = await checks.of(origin.url, client={"http2": "prior-knowledge"})
    assert result.http is not None
    assert (result.outcome, result.http.version) == (Outcome.UP, "2")


async def test_roots_and_a_name_of_ones_own_are_what_a_server_is_judged_by(checks: Checks, tmp_path: Path) -> None:
    own = Authority(tmp_path)
    async with tls_server(lambda: Says(OK), context=own.good("inside.example")) as port:
        url = f"https://127.0.0.1:{port}/"
        client = {"ca-file": own.ca_file, "server-name": "inside.example"}
        (trusted,) = await checks.of(url, client=client)
        (misnamed,) = await checks.of(url, client={"ca-file": own.ca_file})
        (untrusted,) = await checks.of(url, client={"server-name": "inside.example"})
    assert trusted.outcome is Outcome.UP
    assert failure(misnamed) == ("tls", "hostname")
    assert failure(untrusted) == ("tls", "untrusted")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_a_server_that_asks_for_a_certificate_is_shown_it(
    checks: Checks, authority: Authority, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    cert_file, key_file = authority.client_files(tmp_path, password=PASSWORD)
    tls = {"certificate-file": cert_file, "private-key-file": key_file, "private-key-password": "${PROXY_PASSWORD}"}
    demanding = authority.demanding()
    demanding.minimum_version = demanding.maximum_version = version
    async with tls_server(lambda: Says(OK), context=demanding) as port:
        (shown,) = await checks.of(f"https://localhost:{port}/", client={"tls": tls})
    async with tls_server(lambda: HandDriven(demanding)) as port:
        (nothing,) = await checks.of(f"https://localhost:{port}/")
    assert shown.outcome is Outcome.UP
    assert failure(nothing) == ("tls", "alert")


async def test_a_chain_that_ends_before_its_certificate_is_seen(checks: Checks, authority: Authority) -> None:
    async with tls_server(lambda: Says(OK), context=authority.chained()) as port:
        rules = ("[CERTIFICATE_EXPIRATION] > 9000000h", "[CHAIN_EXPIRATION] < 9000000h")
        (result,) = await checks.of(f"https://localhost:{port}/", *rules)
    assert result.outcome is Outcome.UP, result.conditions
    assert result.tls is not None
    assert result.tls.not_after is not None
    assert result.tls.chain_not_after is not None
    assert result.tls.chain_not_after < result.tls.not_after


async def test_an_older_version_of_tls_than_is_wanted_is_down(checks: Checks, authority: Authority) -> None:
    context = authority.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with tls_server(lambda: Says(OK), context=context) as port:
        (result,) = await checks.of(f"https://localhost:{port}/")
    async with tls_server(lambda: HandDriven(context)) as port:
        (strict,) = await checks.of(f"https://localhost:{port}/", client={"minimum-tls-version": "1.3"})
    assert result.outcome is Outcome.UP
    assert (strict.outcome, failure(strict)) == (Outcome.DOWN, ("tls", "alert"))


async def test_a_file_that_is_gone_since_the_configuration_was_read_is_our_own_trouble(
    checks: Checks, tmp_path: Path
) -> None:
    own = Authority(tmp_path)
    told: list[Result] = []
    async with tls_server(lambda: Says(OK), context=own.good()) as port:
        settings = checks.settings(
            endpoint("a", f"https://localhost:{port}/", client={"ca-file": own.ca_file}),
        )
        Path(own.ca_file).unlink()
        await app.check(settings, rounds=1, on_result=lambda _, result: told.append(result))
    (result,) = told
    assert (result.outcome, failure(result)) == (Outcome.UNKNOWN, ("self", "credentials"))
    assert result.failure is not None
    assert result.failure.message.startswith(f"{own.ca_file} cannot be read: ")


@asynccontextmanager
async def unix_server() -> AsyncIterator[str]:
    """The path of a socket where every request is answered."""
    path = f"/tmp/milkrun-{os.getpid()}.sock"  # noqa: S108  # pytest's own folders are too long for a socket's path

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(OK)
        writer.close()

    serving = await asyncio.start_unix_server(serve, path)
    try:
        yield path
    finally:
        serving.close()
        Path(path).unlink(missing_ok=True)


async def test_a_name_may_be_resolved_by_hand_or_by_a_server_of_ones_own(checks: Checks) -> None:
    zone = {"app.internal": Record(addresses=("127.0.0.1", "::1"))}
    async with scripted(answers(OK)) as server, nameserver(zone) as names:
        url = f"http://app.internal:{server.port}/"
        ways: list[dict[str, object]] = [
            {"resolve": {"app.internal": "127.0.0.1"}},
            {"resolve": {f"app.internal:{server.port}": ["127.0.0.1"]}},
            {"dns-resolver": f"udp://{names.address}", "network": "ip4"},
        ]
        for way in ways:
            (result,) = await checks.of(url, client=way)
            assert (result.outcome, result.peer) == (Outcome.UP, f"127.0.0.1:{server.port}"), way
        assert names.asked["app.internal"] == 1
        (result,) = await checks.of(url, client={"resolve": {"app.internal": "127.0.0.1"}, "network": "ip6"})
    assert (result.outcome, failure(result)) == (Outcome.DOWN, ("dns", "no-address"))


async def test_a_check_may_come_from_an_address_of_its_own(checks: Checks) -> None:
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        writer.close()

    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with serving:
        url = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/"
        (result,) = await checks.of(url, client={"local-address": "127.0.0.9"})
        (strange,) = await checks.of(url, client={"local-address": "192.0.2.1"})
    assert (result.outcome, seen) == (Outcome.UP, ["127.0.0.9"])
    assert (strange.outcome, failure(strange)) == (Outcome.UNKNOWN, ("self", "network"))


@pytest.mark.parametrize("where", ["endpoint", "process"])
async def test_a_connection_carries_as_many_checks_as_it_may(checks: Checks, where: str) -> None:
    keys: dict[str, object] = {"connection": {"max-uses": 2}} if where == "endpoint" else {}
    checks.sections = {} if where == "endpoint" else {"client": {"max-uses": 2}}
    async with scripted(answers(OK)) as server:
        results = await checks.of(server.url, rounds=4, **keys)
    assert [result.connection for result in results] == ["cold", "warm", "cold", "warm"]
