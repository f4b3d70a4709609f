"""Ways through proxies, on both event loops: tunnels of every kind, and what is known of them."""

import ssl
from typing import cast

import pytest

from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.route import route
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.facts import TlsFacts
from milkrun.client.proxy import Proxy
from milkrun.client.timings import Timings
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import NAMES, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, server
from tests.support.proxies import KINDS, http_proxy, proxied, socks_proxy, via
from tests.support.turns import until

__all__ = ["anyio_backend"]

USER = ("jack", "s3cret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=authority.ca_file)


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


async def test_the_address_policy_is_asked_about_targets_and_never_about_the_proxy(authority: Authority) -> None:
    dialer = direct(policy=AddressPolicy(deny=["127.0.0.0/8"]))
    for kind in KINDS:
        async with proxied(kind, authority) as (proxy, route):
            hosts = ["127.0.0.1", *(["localhost"] if kind == "socks5" else [])]
            errors = [await failure(dialer, f"http://{host}", route=route) for host in hosts]

        assert {(error.layer, error.kind) for error in errors} == {("connect", "denied")}
        assert proxy.asked == []


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
