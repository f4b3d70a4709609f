"""Certificates for the sample services, made anew at every start: an authority, what it signed, and one it did not."""

import datetime as dt
import ipaddress
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from milkrun.demo.roster import Trust

DAYS = {Trust.SOUND: 90, Trust.EXPIRES_SOON: 5, Trust.SELF_SIGNED: 365}
NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])


class Authority(msgspec.Struct, frozen=True):
    """Who signs: a name and a key."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def write_certificates(folder: Path, now: dt.datetime) -> None:
    """Write `ca.pem`, and `<trust>.pem` (certificate and key) for each kind of trust."""
    authority = _authority("Milkrun demo authority")
    ca = _sign(authority, authority, now, days=365, ca=True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for trust, days in DAYS.items():
        own = _authority(f"Milkrun demo, {trust}")
        certificate = _sign(own, own if trust is Trust.SELF_SIGNED else authority, now, days=days, ca=False)
        chain_file(folder, trust).write_bytes(_pem(certificate, own.key))


def chain_file(folder: Path, trust: Trust) -> Path:
    """Return where a kind's certificate and key are."""
    return folder / f"{trust}.pem"


def _authority(name: str) -> Authority:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return Authority(subject, ec.generate_private_key(ec.SECP256R1()))


def _sign(subject: Authority, by: Authority, now: dt.datetime, *, days: int, ca: bool) -> x509.Certificate:
    own_key, their_key = subject.key.public_key(), by.key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject.name)
        .issuer_name(by.name)
        .public_key(own_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(NAMES, critical=False)
        # Python 3.13 verifies strictly (RFC 5280): both key identifiers and the authority's key usage are asked for.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(their_key), critical=False)
        .add_extension(_usage(ca=ca), critical=True)
        .sign(by.key, hashes.SHA256())
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
