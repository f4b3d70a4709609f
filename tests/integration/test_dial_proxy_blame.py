"""Who is blamed when there is no way through a proxy: what the proxy does wrong is never the target's fault."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.route import Route
from milkrun.client.dial.tls import Contexts, TlsOptions
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.facts import TlsFacts
from milkrun.client.proxy import Proxy
from milkrun.client.resolve.resolver import CachingResolver, Found
from tests.support.authority import Authority
from tests.support.descriptors import none_left
from tests.support.dialling import dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, black_hole, closed_port, mute, server
from tests.support.proxies import KINDS, http_proxy, proxied, says, says_and_waits, socks_reply, via
from tests.support.scripted import Peer, Script, scripted

__all__ = ["anyio_backend"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=authority.ca_file)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_that_refuses_is_blamed_itself(authority: Authority, kind: str) -> None:
    async with proxied(kind, authority) as (_, route):
        error = await failure(direct(), f"http://127.0.0.1:{closed_port()}", route=route)

    assert (error.layer, error.phase) == ("connect", "connect")
    assert error.kind == ("refused" if kind.startswith("socks") else "unreachable")
    assert error.connection is not None
    assert error.connection.peer is None
    assert error.connection.proxy is not None
    assert error.connection.proxy.tunnel > 0
    assert error.timings.connect > 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_that_is_not_there_is_our_own_failure(kind: str) -> None:
    error = await failure(direct(), "http://localhost", route=via(kind, closed_port()))

    assert (error.layer, error.kind, error.phase) == ("self", "proxy", "proxy")
    assert isinstance(error, OwnError)
    assert "could not be reached: connection refused" in error.message
    assert error.connection is None
    assert error.timings.proxy > 0
    assert error.timings.connect == 0


async def test_a_proxy_whose_name_is_unknown_is_our_own_failure() -> None:
    resolver = CachingResolver(Unknown())
    dialer = Dialer(resolver=resolver, contexts=Contexts())
    error = await failure(dialer, "http://127.0.0.1", route=Route(proxy=Proxy.parse("http://nowhere.test")))
    await resolver.close()

    assert (error.layer, error.kind, error.phase) == ("self", "proxy", "proxy")
    assert "name could not be resolved: no such host" in error.message


async def test_a_target_whose_name_is_unknown_here_is_not_the_proxys_fault(authority: Authority) -> None:
    resolver = CachingResolver(Unknown())
    dialer = Dialer(resolver=resolver, contexts=Contexts())
    async with proxied("socks5", authority) as (proxy, route):
        error = await failure(dialer, "http://nowhere.test", route=route)
    await resolver.close()

    assert (error.layer, error.kind) == ("dns", "not-found")
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda authority, _: authority.expired(), "certificate has expired"),
        (lambda authority, _: authority.good("other.test"), "ostname mismatch"),
        (lambda _, folder: Authority(folder).good(), "certificate was rejected"),
    ],
    ids=["expired", "hostname", "untrusted"],
)
async def test_a_proxys_bad_certificate_is_our_own_failure_and_the_evidence_is_kept(
    trusting: TlsOptions,
    authority: Authority,
    tmp_path: Path,
    make: Callable[[Authority, Path], ssl.SSLContext],
    said: str,
) -> None:
    async with http_proxy(context=make(authority, tmp_path)) as proxy:
        error = await failure(direct(), "https://localhost", route=via("https", proxy.port, trusting))

    assert (error.layer, error.kind, error.phase) == ("self", "proxy", "proxy")
    assert "the TLS handshake with it failed" in error.message
    assert said in error.message
    assert error.connection is not None
    assert error.connection.tls is None
    assert error.connection.proxy is not None
    assert names(error.connection.proxy.session) != ()


async def test_a_plain_proxy_on_an_https_url_is_our_own_failure() -> None:
    async with server(lambda: Says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        error = await failure(direct(), "http://localhost", route=via("https", port))

    assert (error.layer, error.kind, error.phase) == ("self", "proxy", "proxy")
    assert "something else than TLS" in error.message


@pytest.mark.parametrize(
    ("kind", "script", "said"),
    [
        ("http", says(b"HTTP/1.1 500 Oops\r\n\r\n"), "status 500"),
        ("http", says(b"SSH-2.0-OpenSSH_9.6\r\n"), "does not speak HTTP"),
        ("http", says_and_waits(b"SSH-2.0-OpenSSH_9.6\r\n"), "does not speak HTTP"),
        ("http", says_and_waits(b"\x05\xff"), "does not speak HTTP"),
        ("http", says(b"HTTP/1.1 200 Conn"), "closed the connection when it was asked for the target"),
        ("http", says(b""), "closed the connection when it was asked for the target"),
        ("socks5h", says_and_waits(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "unexpected SOCKS version"),
        ("socks5h", says(b"\x05\x00", b"\x05\x00\x00\x03\x01\xff\x00\x50"), "does not speak SOCKS5"),
        ("socks5h", says(b"\x05\x00", b"\x05\x00\x00"), "closed the connection when it was asked for the target"),
        ("socks5h", says(b"\x05"), "closed the connection when it was asked for the target"),
        ("socks5h", says(b"\x05\x00", socks_reply(0x02)), "forbids connections"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_a_proxy_does_wrong_is_our_own_failure(kind: str, script: Script, said: str, scheme: str) -> None:
    async with scripted(script) as peer:
        error = await failure(direct(), f"{scheme}://localhost", route=via(kind, peer.port))

    assert (error.layer, error.kind, error.phase) == ("self", "proxy", "connect")
    assert said in error.message
    assert error.connection is not None
    assert error.connection.tls is None
    assert error.connection.proxy is not None


async def test_a_reset_in_connect_is_our_own_failure() -> None:
    async def resets(peer: Peer) -> None:
        await peer.hear()
        peer.reset()

    for kind in ("http", "socks5"):
        async with scripted(resets) as peer:
            error = await failure(direct(), "http://localhost", route=via(kind, peer.port))

        assert (error.layer, error.kind) == ("self", "proxy")


async def test_the_deadline_on_the_way_to_a_proxy_says_nothing_of_the_target() -> None:
    with black_hole() as port:
        connecting = await failure(direct(), "http://localhost", route=via("http", port), patience=0.2)
    with mute() as port:
        shaking = await failure(direct(), "http://localhost", route=via("https", port), patience=0.2)

    for error in (connecting, shaking):
        assert (error.layer, error.kind, error.phase) == ("self", "proxy", "proxy")
        assert "not reached before the deadline" in error.message
        assert error.timings.proxy > 0
    assert connecting.connection is None
    assert shaking.connection is not None


@pytest.mark.parametrize("kind", ["http", "socks5", "socks5h"])
async def test_the_deadline_while_a_proxy_connects_is_the_targets(kind: str) -> None:
    with mute() as port:
        error = await failure(direct(), "http://localhost", route=via(kind, port), patience=0.2)

    assert isinstance(error, RequestTimeoutError)
    assert (error.layer, error.kind) == ("connect", "timeout")
    assert error.connection is not None
    assert error.connection.proxy is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_silence_in_the_targets_handshake_is_its_own(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    with mute() as port:
        async with proxied(kind, authority) as (_, route):
            error = await failure(direct(), f"https://localhost:{port}", tls=trusting, route=route, patience=0.3)

    assert (error.layer, error.kind) == ("tls", "timeout")
    assert error.connection is not None
    assert error.connection.tls is None
    assert error.connection.proxy is not None
    assert error.connection.proxy.tunnel > 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_banner_in_a_tunnel_is_no_tls(authority: Authority, trusting: TlsOptions, kind: str) -> None:
    async with server(lambda: Says(b"220 hello\r\n", first=True)) as port, proxied(kind, authority) as (_, route):
        error = await failure(direct(), f"https://localhost:{port}", tls=trusting, route=route)

    assert (error.layer, error.kind) == ("tls", "not-tls")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_that_hangs_up_in_the_tunnel_is_blamed_itself(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    async with server(lambda: Says(first=True, hang_up=True)) as port, proxied(kind, authority) as (_, route):
        error = await failure(direct(), f"https://localhost:{port}", tls=trusting, route=route)

    assert (error.layer, error.kind) == ("tls", "closed")


async def test_an_own_lack_on_the_way_to_a_proxy_keeps_its_name() -> None:
    with mute() as port:
        route = via("http", port)
        with none_left(), pytest.raises(OwnError) as caught:
            await dial(direct(), "http://localhost", route=route)

    assert (caught.value.kind, caught.value.phase) == ("descriptors", "proxy")


def names(tls: TlsFacts | None) -> tuple[str, ...]:
    """The names in a session's certificate."""
    assert tls is not None
    assert tls.certificate is not None
    return tls.certificate.names


class Unknown:
    """A lookup that knows nobody."""

    async def ask(self, host: str, *, fresh: bool) -> Found:  # noqa: ARG002  # nobody is nobody
        raise RequestError("dns", "not-found", "no such host")

    async def close(self) -> None:
        """Nothing is open."""
