"""A certificate's facts, read from its DER."""

import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from milkrun.client.dial.certificate import Witness, WitnessedContext, parse_certificate
from milkrun.client.facts import Certificate

KEY = ec.generate_private_key(ec.SECP256R1())
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def der(*names: x509.GeneralName, issuer: str = "Root", subject: str = "Leaf") -> bytes:
    """A certificate of January 2026 with these subject alternative names."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(START + dt.timedelta(days=31))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_tells_whom_it_is_for_and_how_long() -> None:
    names = (x509.DNSName("a.test"), x509.DNSName("*.b.test"), x509.IPAddress(ipaddress.ip_address("::1")))

    assert parse_certificate(der(*names)) == Certificate(
        subject="CN=Leaf",
        issuer="CN=Root",
        not_before=1_767_225_600,
        not_after=1_767_225_600 + 31 * 86_400,
        names=("a.test", "*.b.test", "::1"),
        self_signed=False,
    )


def test_a_certificate_may_name_nobody() -> None:
    certificate = parse_certificate(der())

    assert certificate is not None
    assert certificate.names == ()


def test_a_certificate_that_is_its_own_issuer_is_self_signed() -> None:
    certificate = parse_certificate(der(issuer="Same", subject="Same"))

    assert certificate is not None
    assert certificate.self_signed


@pytest.mark.parametrize("content", [b"", b"rubbish", der()[:-5]])
def test_what_is_no_certificate_has_no_facts(content: bytes) -> None:
    assert parse_certificate(content) is None


def test_a_certificate_met_again_is_not_parsed_again() -> None:
    content = der(subject="Met twice")

    assert parse_certificate(content) is parse_certificate(bytes(bytearray(content)))


def test_a_witness_of_no_handshake_has_seen_nothing() -> None:
    with Witness() as witness:
        assert witness.facts() is None


def test_a_context_works_without_a_witness() -> None:
    context = WitnessedContext(ssl.PROTOCOL_TLS_CLIENT)

    session = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.test")

    assert session.server_hostname == "a.test"
