"""Certificates that are none: well-formed ones with bytes changed, lost, put in or doubled."""

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

_KEY = ec.derive_private_key(7, ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test"), x509.NameAttribute(NameOID.COUNTRY_NAME, "CH")])
_NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("a.test"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
        x509.UniformResourceIdentifier("https://a.test/"),
        x509.RFC822Name("a@a.test"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
        x509.DirectoryName(_NAME),
    ]
)


def _certificate(*extensions: x509.ExtensionType) -> bytes:
    made = x509.CertificateBuilder(subject_name=_NAME, issuer_name=_NAME, public_key=_KEY.public_key(), serial_number=5)
    made = made.not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    made = made.not_valid_after(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    signed = made.sign(_KEY, hashes.SHA256(), ecdsa_deterministic=True)
    return signed.public_bytes(serialization.Encoding.DER)


PLAIN = _certificate()
NAMED = _certificate(_NAMES, x509.BasicConstraints(ca=True, path_length=None))

# Each is refused in a way of its own: by the version, by a name, by an extension that is there twice, by a kind of
# name that cannot be read.
GARBAGE = [
    PLAIN.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
    PLAIN.replace(b"\x13\x02CH", b"\x03\x02CH"),
    NAMED.replace(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x11"),
    NAMED.replace(b"\x82\x06a.test", b"\xa3\x06a.test"),
    PLAIN[:-1],
    b"",
]


@st.composite
def garbled(draw: st.DrawFn) -> bytes:
    """A certificate with a few bytes of it wrong."""
    der = draw(st.sampled_from([PLAIN, NAMED]))
    for _ in range(draw(st.integers(1, 4))):
        at, count = draw(st.integers(0, len(der))), draw(st.integers(0, 3))
        der = der[:at] + draw(st.binary(max_size=3)) + der[at + count :]
    return der
