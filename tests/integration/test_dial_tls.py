"""TLS handshakes: what each bad end is called, with the certificate wherever one was seen, on both event loops."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from milkrun.client.dial.tls import Contexts, TlsOptions
from milkrun.client.errors import RequestError, RequestTimeoutError, UsageError
from milkrun.client.facts import Certificate
from milkrun.client.timings import Timings
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import NAMES, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import HandDriven, Says, mute, server
from tests.support.turns import until

__all__ = ["anyio_backend"]

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=authority.ca_file)


def seen(error: RequestError) -> Certificate:
    """The certificate in an error's evidence."""
    assert error.connection is not None
    assert error.connection.tls is not None
    assert error.connection.tls.certificate is not None
    return error.connection.tls.certificate


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_handshake_shows_what_was_agreed_and_the_certificate(
    authority: Authority, trusting: TlsOptions, version: ssl.TLSVersion
) -> None:
    context = authority.good()
    context.maximum_version = version
    timings = Timings()
    async with server(lambda: Says(b"hello"), context=context) as port:
        dialled = await dial(direct(), f"https://localhost:{port}", tls=trusting, timings=timings)
        dialled.transport.write(b"anybody there?")
        assert await until(lambda: dialled.protocol.data == b"hello")
        dialled.transport.abort()

    assert dialled.tls is not None
    assert dialled.tls.version == version.name.replace("_", ".")
    assert dialled.tls.cipher
    assert dialled.tls.alpn == "http/1.1"
    assert dialled.tls.certificate is not None
    assert dialled.tls.certificate.names == ("localhost", "127.0.0.1")
    assert timings.tls > 0
    assert timings.connect > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost.", "two.test"])
async def test_a_certificate_is_held_against_the_name_that_was_asked_for(
    authority: Authority, trusting: TlsOptions, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NAMES, "localhost.", ("127.0.0.1",))
    async with server(Says, context=authority.good("localhost", "127.0.0.1", "two.test")) as port:
        dialled = await dial(direct(), f"https://{host}:{port}", tls=trusting)

        assert dialled.tls is not None
        dialled.transport.abort()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_a_certificate_is_held_against_an_address_without_its_interface(
    authority: Authority, trusting: TlsOptions
) -> None:
    async with server(Says, host="::1", context=authority.good("::1")) as port:
        dialled = await dial(direct(), f"https://[::1%lo]:{port}", tls=trusting)
        dialled.transport.abort()

    assert dialled.tls is not None


async def test_after_the_handshake_the_certificates_parts_are_there_for_whoever_asks(
    authority: Authority, trusting: TlsOptions
) -> None:
    async with server(Says, context=authority.good("localhost")) as port:
        dialled = await dial(direct(), f"https://localhost:{port}", tls=trusting)
        parts = dialled.transport.get_extra_info("ssl_object").getpeercert()
        dialled.transport.abort()

    assert parts["subjectAltName"] == (("DNS", "localhost"),)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda authority, _: authority.expired(), "expired"),
        (lambda authority, _: authority.good("other.test"), "hostname"),
        (lambda _, folder: Authority(folder).good(), "untrusted"),
        (lambda authority, folder: authority.self_signed(folder), "untrusted"),
    ],
    ids=["expired", "hostname", "another-authority", "self-signed"],
)
async def test_a_rejected_certificate_is_the_evidence(
    authority: Authority,
    trusting: TlsOptions,
    tmp_path: Path,
    make: Callable[[Authority, Path], ssl.SSLContext],
    kind: str,
    version: ssl.TLSVersion,
) -> None:
    context = make(authority, tmp_path)
    context.maximum_version = version
    async with server(Says, context=context) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)

    assert (error.layer, error.kind, error.phase) == ("tls", kind, "tls")
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert error.connection is not None
    assert (error.connection.peer, error.connection.reused) == (f"127.0.0.1:{port}", False)
    assert seen(error).not_after > seen(error).not_before
    assert error.timings.tls > 0


async def test_the_evidence_of_each_kind_shows_what_was_wrong(
    authority: Authority, trusting: TlsOptions, tmp_path: Path
) -> None:
    certificates = []
    for context in (authority.expired(), authority.good("other.test"), authority.self_signed(tmp_path)):
        async with server(Says, context=context) as port:
            certificates.append(seen(await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)))

    assert certificates[0].not_after == 1_609_372_800  # 2020-12-31T00:00:00Z
    assert certificates[1].names == ("other.test",)
    assert [one.self_signed for one in certificates] == [False, False, True]


async def test_the_systems_own_roots_are_the_default(authority: Authority) -> None:
    async with server(Says, context=authority.good()) as port:
        error = await failure(direct(), f"https://localhost:{port}")

    assert (error.kind, seen(error).names) == ("untrusted", ("localhost", "127.0.0.1"))


async def test_an_insecure_handshake_takes_any_certificate_and_shows_it_all_the_same(authority: Authority) -> None:
    async with server(Says, context=authority.expired()) as port:
        dialled = await dial(direct(), f"https://127.0.0.1:{port}", tls=TlsOptions(insecure=True))
        dialled.transport.abort()

    assert dialled.tls is not None
    assert dialled.tls.certificate is not None
    assert dialled.tls.certificate.not_before == 1_577_836_800


@pytest.mark.parametrize("first", [False, True])
async def test_plain_text_on_a_tls_port_is_not_tls(trusting: TlsOptions, *, first: bool) -> None:
    async with server(lambda: Says(b"HTTP/1.1 400 Bad Request\r\n\r\n", first=first)) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)

    assert (error.layer, error.kind) == ("tls", "not-tls")
    assert error.connection is not None
    assert error.connection.tls is None


@pytest.mark.parametrize("first", [False, True])
async def test_hanging_up_on_the_handshake_is_closed(trusting: TlsOptions, *, first: bool) -> None:
    async with server(lambda: Says(first=first, hang_up=True)) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)

    assert (error.layer, error.kind) == ("tls", "closed")


async def test_silence_in_the_handshake_is_a_timeout(trusting: TlsOptions) -> None:
    with mute() as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting, patience=0.3)

    assert isinstance(error, RequestTimeoutError)
    assert (error.layer, error.kind) == ("tls", "timeout")
    assert error.connection is not None
    assert error.connection.tls is None


@pytest.mark.parametrize(("hang_up", "kind"), [(False, "timeout"), (True, "closed")])
async def test_a_certificate_seen_before_the_handshake_stopped_is_evidence_too(
    authority: Authority, trusting: TlsOptions, *, hang_up: bool, kind: str
) -> None:
    context = authority.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with server(lambda: HandDriven(context, answers=1, hang_up=hang_up)) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting, patience=0.5)

    assert (error.layer, error.kind) == ("tls", kind)
    assert seen(error).names == ("localhost", "127.0.0.1")


async def test_a_server_that_wants_another_cipher_alerts(authority: Authority, trusting: TlsOptions) -> None:
    context = authority.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")  # needs an RSA key, which this certificate has not
    async with server(lambda: HandDriven(context)) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)

    assert (error.layer, error.kind) == ("tls", "alert")


async def test_a_server_that_wants_a_client_certificate_alerts_after_showing_its_own(
    authority: Authority, trusting: TlsOptions
) -> None:
    context = authority.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    async with server(lambda: HandDriven(context)) as port:
        error = await failure(direct(), f"https://127.0.0.1:{port}", tls=trusting)

    assert (error.layer, error.kind) == ("tls", "alert")
    assert seen(error).names == ("localhost", "127.0.0.1")


async def test_closing_over_tls_gives_the_descriptor_back(authority: Authority, trusting: TlsOptions) -> None:
    before = open_sockets()
    async with server(Says, context=authority.good()) as port:
        dialled = await dial(direct(), f"https://127.0.0.1:{port}", tls=trusting)
        dialled.transport.close()

    assert await settled(before)


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_roots_that_cannot_be_read_are_a_mistake_of_the_callers(tmp_path: Path, content: str | None) -> None:
    roots = tmp_path / "roots.pem"
    if content is not None:
        roots.write_text(content)

    with pytest.raises(UsageError, match="expected a file of PEM certificates"):
        Contexts().get(TlsOptions(ca_file=str(roots)))
