"""What a TLS session showed of itself, also when the handshake failed: the evidence of a bad certificate is it.

This is the one module that reaches behind `ssl`: after a failed handshake `getpeercert()` raises, while OpenSSL still
has the chain the peer sent, and neither loop hands out the SSL object of a handshake that failed.
"""

import _ssl
import functools
import ipaddress
import ssl
from contextvars import ContextVar
from typing import Any, Self, cast

from cryptography import x509

from milkrun.client.facts import Certificate, TlsFacts

_MAX_KEPT = 4096  # distinct certificates kept parsed, and as many distinct sessions: some kilobytes each
_NOTHING = TlsFacts()


class Witness:
    """Inside its `with`, holds the SSL object of the handshake that is started there.

    The loops start a handshake in a copy of the context of whoever opens the connection, so a context variable
    leads from the SSL object to the one who asked, without reaching into either loop.
    """

    def __init__(self) -> None:
        self.session: Session | None = None

    def __enter__(self) -> Self:
        self._token = _witness.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _witness.reset(self._token)
        if self.session is not None:
            self.session.shaken = True
        self.session = None  # the copies of this context live as long as the connection and whatever it starts

    def facts(self) -> TlsFacts | None:
        """What was seen so far, None if that is nothing."""
        return None if self.session is None else _facts(self.session)


class Session(ssl.SSLObject):
    """An SSL object that does not take the certificate apart for its loop.

    Both loops have it taken apart when a handshake is done, for whoever may want its parts. Nobody does: the facts come
    from the DER. Afterwards the parts are there as usual.
    """

    shaken = True  # from the end of a handshake that a witness has seen, or if there is no witness

    def getpeercert(self, binary_form: bool = False) -> Any:
        """As `ssl.SSLObject.getpeercert`; None until the handshake is all over."""
        return super().getpeercert(binary_form) if self.shaken else None


class WitnessedContext(ssl.SSLContext):
    """A context that shows each SSL object it makes to the witness, if there is one."""

    sslobject_class = Session

    def wrap_bio(self, *args: Any, **options: Any) -> Session:
        """As `ssl.SSLContext.wrap_bio`."""
        session = cast("Session", super().wrap_bio(*args, **options))
        witness = _witness.get()
        if witness is not None:
            session.shaken = False
            witness.session = session
        return session

    def _encode_hostname(self, hostname: str) -> str:
        return hostname  # an A-label or a literal address already, to which the IDNA of 2003 has nothing to add


_witness: ContextVar[Witness | None] = ContextVar("milkrun_tls_witness", default=None)


def _facts(session: Session) -> TlsFacts | None:
    cipher = session.cipher()
    chain = session._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  # 3.13 made it public, we support 3.11
    sent = [one.public_bytes(_ssl.ENCODING_DER) for one in chain or ()]
    facts = _described(session.version(), cipher and cipher[0], session.selected_alpn_protocol(), *sent)
    return None if facts == _NOTHING else facts


@functools.lru_cache(maxsize=_MAX_KEPT)
def _described(version: str | None, cipher: str | None, alpn: str | None, *sent: bytes) -> TlsFacts:
    """Facts that connections alike share; `sent` are the certificates that came, in DER."""
    parsed = [parse_certificate(der) for der in sent]
    chain = tuple([one for one in parsed if one is not None])
    return TlsFacts(
        version=version,
        cipher=cipher,
        alpn=alpn,
        certificate=parsed[0] if parsed else None,
        chain=chain,
        earliest_expiry=min((one.not_after for one in chain), default=None),
    )


@functools.lru_cache(maxsize=_MAX_KEPT)
def parse_certificate(der: bytes) -> Certificate | None:
    """The facts of one DER certificate; None if it cannot be read, which OpenSSL tolerates in more cases."""
    try:
        return _read(x509.load_der_x509_certificate(der))
    except (ValueError, TypeError, x509.InvalidVersion):  # what garbage comes to, by where in it it lies
        return None


def _read(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        names=_names(certificate),
        self_signed=certificate.subject == certificate.issuer,
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network]
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*names.get_values_for_type(x509.DNSName), *map(str, addresses))
