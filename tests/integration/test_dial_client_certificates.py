"""Client certificates, versions, names and protocols in real handshakes, on both event loops."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from milkrun.client import Client
from milkrun.client.dial.client_certificate import ClientCertificate
from milkrun.client.dial.tls import Contexts, TlsOptions, TlsVersion, refusal
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.facts import Certificate
from milkrun.client.timings import Timings
from milkrun.client.url import parse_url
from tests.support.authority import Authority
from tests.support.dialling import Heard, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import HandDriven, Says, server
from tests.support.turns import until

__all__ = ["anyio_backend"]

Spoil: TypeAlias = Callable[[Path, Path, bytes], object]
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def shown(authority: Authority, folder: Path, *, password: str | None = None) -> TlsOptions:
    """Options with a client certificate of the authority's."""
    cert_file, key_file = authority.client_files(folder, password=password)
    certificate = ClientCertificate(cert_file=cert_file, key_file=key_file, password=password)
    return TlsOptions(ca_file=authority.ca_file, certificate=certificate)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("password", [None, "open sesame"])
async def test_a_server_that_asks_is_shown_the_certificate(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion, password: str | None
) -> None:
    context = authority.demanding()
    context.maximum_version = version
    async with server(lambda: Says(b"welcome"), context=context) as port:
        dialled = await dial(direct(), f"https://localhost:{port}", tls=shown(authority, tmp_path, password=password))
        dialled.transport.write(b"it is me")

        assert await until(lambda: dialled.protocol.data == b"welcome")
        dialled.transport.abort()


class Ending(Heard):
    """Speaks at once, and keeps how it ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        cast("asyncio.Transport", transport).write(b"GET / HTTP/1.1\r\n\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(exc)


async def test_in_tls_1_3_the_refusal_comes_after_the_handshake_and_is_an_alert_still(authority: Authority) -> None:
    context = authority.demanding()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with server(lambda: HandDriven(context)) as port:
        dialled = await direct().dial(
            parse_url(f"https://localhost:{port}").origin,
            lambda _: Ending(),
            tls=TlsOptions(ca_file=authority.ca_file),
            deadline=asyncio.get_running_loop().time() + 10,
            timings=Timings(),
        )
        error = refusal(await asyncio.wait_for(dialled.protocol.ended, 10), "wait")

    assert error is not None
    assert (error.layer, error.kind, error.phase) == ("tls", "alert", "wait")
    assert "certificate required" in error.message
    assert error.__cause__ is not None


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_request_that_a_server_refuses_for_want_of_a_certificate_ends_in_an_alert(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.demanding()
    context.minimum_version = context.maximum_version = version
    async with server(lambda: HandDriven(context)) as port, Client(ca_file=authority.ca_file) as client:
        with pytest.raises(RequestError, match="tls/alert: the ") as caught:
            await client.get(f"https://localhost:{port}/", http2=False)

    assert caught.value.connection is not None
    assert caught.value.connection.tls is not None
    assert caught.value.connection.tls.certificate is not None


@pytest.mark.parametrize("cause", [None, ConnectionResetError(), ssl.SSLEOFError(8, "eof"), ssl.SSLError(1, "other")])
def test_other_ends_are_no_refusal(cause: Exception | None) -> None:
    assert refusal(cause, "wait") is None


@pytest.mark.parametrize(
    ("offered", "minimum", "agreed"),
    [
        (ssl.TLSVersion.TLSv1_3, "TLSv1.3", "TLSv1.3"),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.3", None),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.2", "TLSv1.2"),
        (ssl.TLSVersion.TLSv1_1, "TLSv1.2", None),
        (ssl.TLSVersion.TLSv1_1, "TLSv1.1", "TLSv1.1"),
        (ssl.TLSVersion.TLSv1, "TLSv1.1", None),
        (ssl.TLSVersion.TLSv1, "TLSv1", "TLSv1"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_nothing_older_than_the_minimum_version_is_agreed_to(
    authority: Authority, offered: ssl.TLSVersion, minimum: TlsVersion, agreed: str | None
) -> None:
    context = authority.good()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = offered
    tls = TlsOptions(ca_file=authority.ca_file, minimum_version=minimum)
    async with server(Says, context=context) as port:
        if agreed is None:
            error = await failure(direct(), f"https://localhost:{port}", tls=tls)
            assert error.layer == "tls"
            return
        dialled = await dial(direct(), f"https://localhost:{port}", tls=tls)
        dialled.transport.abort()

    assert dialled.tls is not None
    assert dialled.tls.version == agreed


async def test_the_name_indicated_and_checked_may_be_another_than_the_urls(authority: Authority) -> None:
    context, indicated = authority.good("inside.test"), []
    context.sni_callback = lambda _session, name, _context: indicated.append(name)
    tls = TlsOptions(ca_file=authority.ca_file, server_name="inside.test")
    async with server(Says, context=context) as port:
        refused = await failure(direct(), f"https://localhost:{port}", tls=TlsOptions(ca_file=authority.ca_file))
        dialled = await dial(direct(), f"https://127.0.0.1:{port}", tls=tls)
        dialled.transport.abort()

    assert indicated == ["localhost", "inside.test"]
    assert (refused.layer, refused.kind) == ("tls", "hostname")


@pytest.mark.parametrize(
    ("offer", "spoken", "agreed"),
    [
        (("h2", "http/1.1"), ["h2", "http/1.1"], "h2"),
        (("h2", "http/1.1"), ["http/1.1"], "http/1.1"),
        (("http/1.1",), ["h2", "http/1.1"], "http/1.1"),
        ((), ["h2", "http/1.1"], None),
        (("h2",), None, None),
    ],
)
async def test_the_protocol_is_made_for_what_was_agreed(
    authority: Authority, offer: tuple[str, ...], spoken: list[str] | None, agreed: str | None
) -> None:
    context = authority.good()
    context.set_alpn_protocols(spoken or ["something-else"])
    answers: list[str | None] = []

    def make(alpn: str | None) -> Heard:
        answers.append(alpn)
        return Heard()

    async with server(Says, context=context) as port:
        dialled = await direct().dial(
            parse_url(f"https://localhost:{port}").origin,
            make,
            tls=TlsOptions(ca_file=authority.ca_file, alpn=offer),
            deadline=asyncio.get_running_loop().time() + 10,
            timings=Timings(),
        )
        dialled.transport.abort()

    assert answers == [agreed]
    assert dialled.alpn == agreed


async def test_the_whole_chain_is_told_and_when_the_first_of_it_expires(authority: Authority) -> None:
    async with server(Says, context=authority.chained()) as port:
        refused = await failure(direct(), f"https://127.0.0.1:{port}", tls=TlsOptions(ca_file=authority.ca_file))
        dialled = await dial(direct(), f"https://localhost:{port}", tls=TlsOptions(ca_file=authority.ca_file))
        dialled.transport.abort()
        ignored = await dial(direct(), f"https://127.0.0.1:{port}", tls=TlsOptions(insecure=True))
        ignored.transport.abort()

    assert dialled.tls is not None
    leaf, between = dialled.tls.chain[:2]
    assert dialled.tls.certificate is leaf
    assert leaf.names == ("localhost",)
    assert leaf.issuer == between.subject
    assert leaf.not_after > between.not_after == dialled.tls.earliest_expiry
    assert refused.kind == "hostname"
    assert refused.connection is not None
    assert refused.connection.tls is not None
    assert refused.connection.tls.chain == dialled.tls.chain
    assert ignored.tls is not None
    assert ignored.tls.earliest_expiry == between.not_after


async def test_connections_alike_share_their_facts(authority: Authority) -> None:
    async with server(Says, context=authority.good()) as port:
        facts = []
        for _ in range(2):
            dialled = await dial(direct(), f"https://localhost:{port}", tls=TlsOptions(ca_file=authority.ca_file))
            dialled.transport.abort()
            facts.append(dialled.tls)

    assert facts[0] is facts[1]
    assert isinstance(facts[0].certificate if facts[0] else None, Certificate)


async def test_a_context_is_built_once_and_does_not_grow_with_its_handshakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    # A client per request pays for a context each (httpx 838); roots loaded at each handshake pile up (httpx2 1253).
    built: list[ssl.SSLContext] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, cafile: str) -> None:
        built.append(context)
        load(context, cafile=cafile)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    dialer, tls = direct(), TlsOptions(ca_file=authority.ca_file)
    async with server(Says, context=authority.good()) as port:
        for _ in range(20):
            dialled = await dial(dialer, f"https://localhost:{port}", tls=TlsOptions(ca_file=tls.ca_file))
            dialled.transport.abort()

    (context,) = built
    assert context.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 1}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda cert, _key, _other: cert.unlink(), "client.pem cannot be read: No such file"),
        (lambda cert, _key, _other: (cert.unlink(), cert.mkdir()), "client.pem cannot be read: Is a directory"),
        (lambda cert, _key, _other: cert.write_text("rubbish"), "client.pem holds no certificate"),
        (lambda _cert, key, _other: key.unlink(), "client.key cannot be read: No such file"),
        (lambda _cert, key, _other: key.write_text("rubbish"), "client.key holds no private key"),
        (lambda _cert, key, other: key.write_bytes(other), "does not belong to .*client.pem"),
    ],
)
def test_files_that_cannot_be_used_are_one_clear_mistake_each(
    authority: Authority, tmp_path: Path, spoil: Spoil, said: str
) -> None:
    tls = shown(authority, tmp_path)
    (tmp_path / "other").mkdir()
    other = Path(authority.client_files(tmp_path / "other")[1]).read_bytes()
    spoil(tmp_path / "client.pem", tmp_path / "client.key", other)

    with pytest.raises(UsageError, match=rf"{said}.*expected"):
        Contexts().get(tls)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("wrong", "the password does not open"),
        ("", "the password does not open"),
        ("x" * 2000, "the password does not open"),
        (None, "is encrypted; expected its password"),
    ],
)
def test_a_key_that_the_password_does_not_open_is_a_mistake_that_shows_no_password(
    authority: Authority, tmp_path: Path, password: str | None, said: str
) -> None:
    cert_file, key_file = authority.client_files(tmp_path, password="right")  # a test's own
    certificate = ClientCertificate(cert_file=cert_file, key_file=key_file, password=password)

    with pytest.raises(UsageError, match=said) as caught:
        Contexts().get(TlsOptions(certificate=certificate))

    assert not password or password not in str(caught.value)


def test_certificate_and_key_may_be_in_one_file(authority: Authority, tmp_path: Path) -> None:
    cert_file, key_file = map(Path, authority.client_files(tmp_path))
    both = tmp_path / "both.pem"
    both.write_bytes(cert_file.read_bytes() + key_file.read_bytes())

    Contexts().get(TlsOptions(certificate=ClientCertificate(cert_file=str(both))))
