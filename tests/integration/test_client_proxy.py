"""Proxies, on both event loops: tunnels of every kind, and who is blamed when one cannot be had."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from milkrun.client.dial import Dialer, Dialled
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.facts import TlsFacts
from milkrun.client.policy import AddressPolicy
from milkrun.client.proxy import Proxy
from milkrun.client.resolve import CachingResolver, Found
from milkrun.client.route import Route, route
from milkrun.client.timings import Timings
from milkrun.client.tls import Contexts, TlsOptions
from tests.support.authority import Authority
from tests.support.descriptors import none_left, open_sockets, settled
from tests.support.dialling import NAMES, Heard, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import HandDriven, Says, black_hole, closed_port, mute, server
from tests.support.proxies import ESTABLISHED, Serving, http_proxy, says, says_and_waits, socks_proxy, socks_reply
from tests.support.scripted import Peer, Script, scripted
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

USER = ("jack", "s3cret")
KINDS = ["http", "https", "socks5", "socks5h"]
LONGEST = 2000  # turns of the loop


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=authority.ca_file)


def via(scheme: str, port: int, tls: TlsOptions | None = None, user: str = "") -> Route:
    """The route through a proxy on this port."""
    host = "localhost" if scheme == "https" else "127.0.0.1"
    return Route(proxy=Proxy.parse(f"{scheme}://{user}{host}:{port}", tls=tls))


@asynccontextmanager
async def proxied(scheme: str, authority: Authority) -> AsyncIterator[tuple[Serving, Route]]:
    """A proxy of this kind that works, and the route through it."""
    tls = TlsOptions(ca_file=authority.ca_file)
    context = authority.good("localhost") if scheme == "https" else None
    async with socks_proxy() if scheme.startswith("socks") else http_proxy(context=context) as proxy:
        yield proxy, via(scheme, proxy.port, tls)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_target_is_spoken_to_through_a_proxy(
    authority: Authority, trusting: TlsOptions, kind: str, scheme: str
) -> None:
    before = open_sockets()
    context = authority.good("localhost") if scheme == "https" else None
    async with server(lambda: Says(b"hello"), context=context) as port, proxied(kind, authority) as (proxy, route):
        dialled = await dial(direct(), f"{scheme}://localhost:{port}", tls=trusting, route=route)
        dialled.transport.write(b"x")

        assert await until(lambda: dialled.protocol.data == b"hello")
        assert proxy.asked == [f"{'127.0.0.1' if kind == 'socks5' else 'localhost'}:{port}"]
        dialled.transport.abort()

    assert await settled(before)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_targets_certificate_and_name_are_its_own(
    authority: Authority, trusting: TlsOptions, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NAMES, "target.test.", ("127.0.0.1",))
    context, asked = indicated(authority.good("target.test"))
    async with server(Says, context=context) as port, proxied(kind, authority) as (_, route):
        dialled = await dial(direct(), f"https://target.test.:{port}", tls=trusting, route=route)
        dialled.transport.abort()

    assert asked == ["target.test"]
    assert names(dialled.tls) == ("target.test",)


async def test_a_proxys_certificate_and_name_are_its_own(
    authority: Authority, trusting: TlsOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NAMES, "target.test", ("127.0.0.1",))
    context, asked = indicated(authority.good("localhost"))
    async with server(Says, context=authority.good("target.test")) as port, http_proxy(context=context) as proxy:
        route = via("https", proxy.port, trusting)
        dialled = await dial(direct(), f"https://target.test:{port}", tls=trusting, route=route)
        dialled.transport.abort()

    assert asked == ["localhost"]
    assert dialled.proxy is not None
    assert names(dialled.proxy.session) == ("localhost",)
    assert names(dialled.tls) == ("target.test",)


async def test_each_of_the_two_handshakes_is_judged_by_options_of_its_own(
    authority: Authority, trusting: TlsOptions
) -> None:
    lenient = TlsOptions(insecure=True)
    async with (
        server(Says, context=authority.expired()) as port,
        http_proxy(context=authority.expired()) as proxy,
    ):
        url, strict_route, lenient_route = (
            f"https://localhost:{port}",
            via("https", proxy.port, trusting),
            via("https", proxy.port, lenient),
        )
        blamed = await failure(direct(), url, tls=lenient, route=strict_route)
        target = await failure(direct(), url, tls=trusting, route=lenient_route)
        dialled = await dial(direct(), url, tls=lenient, route=lenient_route)
        dialled.transport.abort()

    assert (blamed.layer, blamed.kind) == ("self", "proxy")
    assert (target.layer, target.kind) == ("tls", "expired")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_protocol_spoken_in_a_tunnel_is_the_targets_choice(authority: Authority, kind: str) -> None:
    context = authority.good("localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    tls = TlsOptions(ca_file=authority.ca_file, alpn=("h2", "http/1.1"))
    async with server(Says, context=context) as port, proxied(kind, authority) as (_, route):
        dialled = await dial(direct(), f"https://localhost:{port}", tls=tls, route=route)
        dialled.transport.abort()

    assert dialled.alpn == "h2"


async def test_a_proxy_is_spoken_to_in_http_1_whatever_the_target_is_offered(authority: Authority) -> None:
    context = authority.good("localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    tls = TlsOptions(ca_file=authority.ca_file, alpn=("h2", "http/1.1"))
    async with server(Says, context=authority.good()) as port, http_proxy(context=context) as proxy:
        route = via("https", proxy.port, TlsOptions(ca_file=authority.ca_file))
        dialled = await dial(direct(), f"https://localhost:{port}", tls=tls, route=route)
        dialled.transport.abort()

    assert dialled.alpn == "http/1.1"
    assert dialled.proxy is not None
    assert dialled.proxy.session is not None
    assert dialled.proxy.session.alpn == "http/1.1"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_that_speaks_first_is_heard_whole(authority: Authority, kind: str) -> None:
    def greets() -> Says:
        return Says(b"220 " + b"x" * 10_000, first=True)

    tls = TlsOptions(ca_file=authority.ca_file)
    context = authority.good("localhost") if kind == "https" else None
    make = socks_proxy if kind.startswith("socks") else lambda **options: http_proxy(context=context, **options)
    async with server(greets) as port, make(coalesce=True) as proxy:
        dialled = await dial(direct(), f"http://localhost:{port}", route=via(kind, proxy.port, tls))

        assert await until(lambda: len(dialled.protocol.data) == 10_004)
        dialled.transport.abort()

    assert dialled.protocol.data.startswith(b"220 xxx")


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


@pytest.mark.parametrize("kind", KINDS)
async def test_each_phase_is_timed_apart(authority: Authority, trusting: TlsOptions, kind: str) -> None:
    timings = Timings()
    async with server(Says, context=authority.good()) as port, proxied(kind, authority) as (proxy, route):
        dialled = await dial(direct(), f"https://localhost:{port}", tls=trusting, route=route, timings=timings)
        dialled.transport.abort()

    facts = dialled.proxy
    assert facts is not None
    assert facts.url == cast("Proxy", route.proxy).url
    assert facts.peer == f"127.0.0.1:{proxy.port}"
    assert (facts.tls > 0) == (facts.session is not None) == (kind == "https")
    assert timings.proxy >= facts.dns + facts.connect + facts.tls > 0
    assert facts.tunnel >= timings.connect > 0
    assert timings.tls > 0
    assert (timings.dns > 0) == (kind == "socks5")


@pytest.mark.parametrize("kind", KINDS)
async def test_only_an_address_that_this_side_chose_is_the_targets_address(authority: Authority, kind: str) -> None:
    async with server(Says) as port, proxied(kind, authority) as (_, route):
        named = await dial(direct(), f"http://localhost:{port}", route=route)
        literal = await dial(direct(), f"http://127.0.0.1:{port}", route=route)
        named.transport.abort()
        literal.transport.abort()

    resolved = kind == "socks5"
    assert named.peer == (f"127.0.0.1:{port}" if resolved else f"localhost:{port}")
    assert named.address == ("127.0.0.1" if resolved else None)
    assert (literal.peer, literal.address) == (f"127.0.0.1:{port}", "127.0.0.1")


async def test_a_literal_ipv6_target_is_asked_for_as_one(authority: Authority) -> None:
    for kind in KINDS:
        async with server(Says, host="::1") as port, proxied(kind, authority) as (proxy, route):
            dialled = await dial(direct(), f"http://[::1]:{port}", route=route)
            dialled.transport.abort()

        assert proxy.asked == [f"::1:{port}"]
        assert dialled.peer == f"[::1]:{port}"


async def test_of_a_targets_addresses_a_socks5_proxy_is_asked_for_an_ipv4_one(authority: Authority) -> None:
    async with server(Says) as port, proxied("socks5", authority) as (proxy, route):
        dialled = await dial(direct(), f"http://six.test:{port}", route=route)
        dialled.transport.abort()

    assert proxy.asked == [f"127.0.0.1:{port}"]


@pytest.mark.parametrize("kind", KINDS)
async def test_credentials_open_the_proxy_and_go_no_further(authority: Authority, kind: str) -> None:
    tls = TlsOptions(ca_file=authority.ca_file)
    context = authority.good("localhost") if kind == "https" else None
    make = socks_proxy if kind.startswith("socks") else lambda **options: http_proxy(context=context, **options)
    async with server(lambda: Says(b"hello")) as port, make(credentials=USER) as proxy:
        url, before = f"http://localhost:{port}", open_sockets()
        dialled = await dial(direct(), url, route=via(kind, proxy.port, tls, user="jack:s3cret@"))
        dialled.transport.write(b"x")
        assert await until(lambda: dialled.protocol.data == b"hello")
        dialled.transport.abort()
        assert await settled(before)
        unnamed = await failure(direct(), url, route=via(kind, proxy.port, tls))
        wrong = await failure(direct(), url, route=via(kind, proxy.port, tls, user="jack:wr0ng@"))

    assert proxy.relayed == b"x"
    assert "s3cret" not in repr(dialled.proxy)
    for error in (unnamed, wrong):
        assert (error.layer, error.kind, error.phase) == ("self", "proxy", "connect")
        assert "wr0ng" not in f"{error} {error.connection} {error.__cause__}"


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


@pytest.mark.parametrize("kind", ["http", "https"])
async def test_closing_a_tunnel_to_a_peer_that_says_no_goodbye_gives_the_descriptor_back(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    context = authority.good("localhost")
    async with server(lambda: HandDriven(context)) as port, proxied(kind, authority) as (_, route):
        dialled = await dial(
            direct(), f"https://localhost:{port}", tls=trusting, route=route, factory=Leaves, patience=20
        )
        dialled.transport.close()

        await asyncio.wait_for(cast("Leaves", dialled.protocol).left.wait(), 10)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_peer_that_breaks_the_session_inside_a_tunnel_loses_the_connection(
    authority: Authority, trusting: TlsOptions, kind: str
) -> None:
    broken = asyncio.Event()

    class Breaks(HandDriven):
        """Says something that is no TLS record, once told to."""

        async def when_told(self) -> None:
            await broken.wait()
            self._transport.write(b"this is no TLS record at all")

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.telling = asyncio.ensure_future(self.when_told())

    context = authority.good("localhost")
    async with server(lambda: Breaks(context)) as port, proxied(kind, authority) as (_, route):
        url = f"https://localhost:{port}"
        dialled = await dial(direct(), url, tls=trusting, route=route, factory=Leaves)
        broken.set()

        await asyncio.wait_for(cast("Leaves", dialled.protocol).left.wait(), 10)


async def test_the_rest_of_a_route_is_about_the_way_to_the_proxy() -> None:
    async with server(Says) as port, http_proxy() as proxy:
        way = route(
            proxy=Proxy.parse(f"http://corporate.test:{proxy.port}"),
            resolve={"corporate.test": "127.0.0.1"},
            local_address="127.0.0.9",
        )
        dialled = await dial(direct(), f"http://localhost:{port}", route=way)

        assert dialled.transport.get_extra_info("sockname")[0] == "127.0.0.9"
        dialled.transport.abort()


async def test_an_own_lack_on_the_way_to_a_proxy_keeps_its_name() -> None:
    with mute() as port:
        route = via("http", port)
        with none_left(), pytest.raises(OwnError) as caught:
            await dial(direct(), "http://localhost", route=route)

    assert (caught.value.kind, caught.value.phase) == ("descriptors", "proxy")


async def test_the_address_policy_is_asked_about_targets_and_never_about_the_proxy(authority: Authority) -> None:
    dialer = direct(policy=AddressPolicy(deny=["127.0.0.0/8"]))
    for kind in KINDS:
        async with proxied(kind, authority) as (proxy, route):
            hosts = ["127.0.0.1", *(["localhost"] if kind == "socks5" else [])]
            errors = [await failure(dialer, f"http://{host}", route=route) for host in hosts]

        assert {(error.layer, error.kind) for error in errors} == {("connect", "denied")}
        assert proxy.asked == []


async def test_a_connection_lost_as_the_proxy_steps_aside_is_the_targets_loss() -> None:
    async with scripted(says(ESTABLISHED)) as peer:
        dialled = await dial(direct(), "http://localhost", route=via("http", peer.port))

        assert await until(lambda: dialled.protocol.lost)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_way_through_a_proxy_cancelled_after_any_number_of_turns_leaks_nothing(
    authority: Authority, trusting: TlsOptions, kind: str, scheme: str
) -> None:
    before = open_sockets()
    context = authority.good("localhost") if scheme == "https" else None
    dialer = direct()
    async with server(Says, context=context) as port, proxied(kind, authority) as (_, route):
        listening = open_sockets()
        for count in range(LONGEST):
            dialling = asyncio.create_task(dial(dialer, f"{scheme}://localhost:{port}", tls=trusting, route=route))
            early = await cancelled_after(count, dialling)
            assert await settled(listening), f"a socket stayed open when cancelled after {count} turns"
            if not early:
                break

    assert 0 < count < LONGEST - 1
    assert await settled(before)


def indicated(context: ssl.SSLContext) -> tuple[ssl.SSLContext, list[str | None]]:
    """The context, and the names that clients indicate to it."""
    asked: list[str | None] = []
    context.sni_callback = lambda _session, name, _context: asked.append(name)
    return context, asked


def names(tls: TlsFacts | None) -> tuple[str, ...]:
    """The names in a session's certificate."""
    assert tls is not None
    assert tls.certificate is not None
    return tls.certificate.names


class Leaves(Heard):
    """Tells when its connection is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.left.set()


class Unknown:
    """A lookup that knows nobody."""

    async def ask(self, host: str, *, fresh: bool) -> Found:  # noqa: ARG002  # nobody is nobody
        raise RequestError("dns", "not-found", "no such host")

    async def close(self) -> None:
        """Nothing is open."""


async def cancelled_after(count: int, dialling: asyncio.Task[Dialled[Heard]]) -> bool:
    """Cancel after so many turns of the loop; says whether that came before the end."""
    await turns(count)
    dialling.cancel()
    (outcome,) = await asyncio.gather(dialling, return_exceptions=True)
    if isinstance(outcome, tuple):
        outcome.transport.abort()
    return isinstance(outcome, asyncio.CancelledError)
