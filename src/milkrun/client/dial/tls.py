"""TLS contexts, one for each set of options: building one per client is the hidden cost of a client per request."""

import functools
import hashlib
import os
import ssl
import warnings
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from milkrun.client.dial.certificate import WitnessedContext
from milkrun.client.dial.client_certificate import ClientCertificate, read
from milkrun.client.errors import RequestError, UsageError

TlsVersion: TypeAlias = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

_VERSIONS: dict[str, ssl.TLSVersion] = {version.name.replace("_", "."): version for version in ssl.TLSVersion
                                        if version.name.startswith("TLSv")}  # fmt: skip
_HTTP_1_1 = ("http/1.1",)
_MOST_SHARED = 64
_LONGEST_NAME = 255  # of a protocol in ALPN (RFC 7301 3.1)
# X509_V_ERR codes (openssl/x509_vfy.h): not yet valid, expired; the name or the address does not match.
_OUT_OF_DATE = frozenset({9, 10})
_WRONG_NAME = frozenset({62, 64})
# What OpenSSL makes of bytes that are no TLS record, by version and by what the bytes happen to be.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
# The alerts by which a server says what it makes of the client's certificate, or of there being none (RFC 8446 6.2).
_JUDGEMENTS = (
    *("ALERT_CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE"),
    *("ALERT_CERTIFICATE_REVOKED", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN", "ALERT_UNKNOWN_CA"),
    *("ALERT_ACCESS_DENIED", "ALERT_DECRYPT_ERROR", "ALERT_HANDSHAKE_FAILURE"),
)
_ROOTS = "a file of PEM certificates"
_SALT = os.urandom(16)  # so that what a key shows of a password says nothing outside this process


class TlsOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a caller may choose about TLS. Equal options share one context and connections.

    Attributes:
        insecure: accept any certificate; its facts are reported all the same.
        ca_file: a PEM file of roots to trust instead of the system's.
        certificate: shown to servers that ask for one.
        server_name: the name that is indicated to the server (SNI) and that its certificate has to be for, instead of
            the URL's.
        minimum_version: the oldest version to agree to. Those before 1.2 need OpenSSL's lowest level of security
            (old hashes, short keys), which they bring with them.
        alpn: the protocols to offer, the most wanted first (RFC 7301).
        key: tells the connections of these options from those of others; "" for the default ones.
    """

    insecure: bool = False
    ca_file: str | None = None
    certificate: ClientCertificate | None = None
    server_name: str | None = None
    minimum_version: TlsVersion = "TLSv1.2"
    alpn: tuple[str, ...] = _HTTP_1_1
    key: str = ""

    def __post_init__(self) -> None:
        if self.minimum_version not in _VERSIONS:
            raise UsageError(f"{self.minimum_version!r} is no version of TLS; expected one of {', '.join(_VERSIONS)}")
        for protocol in self.alpn:
            if not (protocol.isascii() and 0 < len(protocol) <= _LONGEST_NAME):
                raise UsageError(f"{protocol!r} cannot be offered by ALPN; expected a name such as http/1.1")
        msgspec.structs.force_setattr(self, "key", " ".join(filter(None, self._marks())))

    def _marks(self) -> tuple[str, ...]:
        return (
            "insecure" if self.insecure else "",
            f"ca={self.ca_file!r}" if self.ca_file is not None else "",
            _shown(self.certificate) if self.certificate is not None else "",
            f"name={self.server_name!r}" if self.server_name is not None else "",
            self.minimum_version if self.minimum_version != "TLSv1.2" else "",
            f"alpn={','.join(self.alpn)}" if self.alpn != _HTTP_1_1 else "",
        )


def _shown(certificate: ClientCertificate) -> str:
    mark = ""
    if certificate.password is not None:
        mark = hashlib.blake2s(certificate.password.encode(), key=_SALT, digest_size=16).hexdigest()
    return f"cert={certificate.cert_file!r},{certificate.key_file!r},{mark}"


class Contexts:
    """The contexts in use, each built once: 30 ms and some hundred kilobytes a piece.

    Those that hold no private key are shared by all of a process, so that even a client per request builds them once.
    """

    def __init__(self) -> None:
        self._built: dict[TlsOptions, ssl.SSLContext] = {}

    def get(self, options: TlsOptions) -> ssl.SSLContext:
        """The context for these options. Raises UsageError when a file they name cannot be used."""
        if options.server_name is not None:  # it is said at each handshake, the context does not know of it
            options = msgspec.structs.replace(options, server_name=None)
        context = self._built.get(options)
        if context is None:
            secret = options.certificate is not None
            # By default the system's roots, or those that SSL_CERT_FILE names: asked now, for it may have changed.
            roots = options.ca_file or ssl.get_default_verify_paths().cafile
            context = _build(options) if secret else _shared(options, file_edition(roots))
            self._built[options] = context
        return context


@functools.lru_cache(maxsize=_MOST_SHARED)
def _shared(options: TlsOptions, edition: tuple[str | int, ...] | None) -> ssl.SSLContext:  # noqa: ARG001  # tells a changed file
    return _build(options)


def file_edition(path: str | None) -> tuple[str | int, ...] | None:
    """What tells a file's content from an earlier one's; None if there is none, or it cannot be told."""
    if path is None:
        return None
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return path, status.st_ino, status.st_size, status.st_mtime_ns


def _build(options: TlsOptions) -> ssl.SSLContext:
    context = WitnessedContext(ssl.PROTOCOL_TLS_CLIENT)
    # A resumed session shows no certificate, so nothing is ever offered for resumption.
    context.options |= ssl.OP_NO_TICKET
    _require(context, options.minimum_version)
    if options.alpn:
        context.set_alpn_protocols(list(options.alpn))
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.ca_file is None:
        context.load_default_certs()
    else:
        _trust(context, options.ca_file)
    if options.certificate is not None:
        options.certificate.load(context)
    return context


def _require(context: ssl.SSLContext, version: TlsVersion) -> None:
    if _VERSIONS[version] < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old ones, which were asked for by name
        context.minimum_version = _VERSIONS[version]


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    read(ca_file, _ROOTS)
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError as err:
        raise UsageError(f"{ca_file} holds no roots to trust; expected {_ROOTS}") from err


def handshake_error(error: OSError) -> RequestError:
    """A failed handshake in the vocabulary of failures; the caller keeps the cause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _rejected(error)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return _broken(error)
    return RequestError("tls", "closed", "the connection closed during the TLS handshake")


def refusal(cause: Exception | None, phase: str) -> RequestError | None:
    """The error for a connection that the server ended, in this phase, by an alert of the handshake; None: it did not.

    In TLS 1.3 the client is done before the server has judged the client's certificate (RFC 8446 4.4.2.4), so that a
    missing or unwelcome one is told only to whoever reads next.
    """
    if not isinstance(cause, ssl.SSLError) or not _reason(cause).endswith(_JUDGEMENTS):
        return None
    message = f"the server ended the TLS session: {_words(_reason(cause))}"
    error = RequestError("tls", "alert", message, phase=phase)
    error.__cause__ = cause
    return error


def not_tls() -> RequestError:
    """The error for a peer that speaks something else."""
    return RequestError("tls", "not-tls", "the server speaks something else than TLS on this port")


def _rejected(error: ssl.SSLCertVerificationError) -> RequestError:
    if error.verify_code in _OUT_OF_DATE:
        kind = "expired"
    elif error.verify_code in _WRONG_NAME:
        kind = "hostname"
    else:
        kind = "untrusted"
    return RequestError("tls", kind, f"the certificate was rejected: {error.verify_message}")


def _broken(error: ssl.SSLError) -> RequestError:
    reason = _reason(error) or str(error)
    if reason in _NOT_TLS:
        return not_tls()
    if reason == "UNEXPECTED_EOF_WHILE_READING":
        return RequestError("tls", "closed", "the connection closed during the TLS handshake")
    return RequestError("tls", "alert", f"the TLS handshake failed: {_words(reason)}")


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "reason", None) or ""  # only OpenSSL's own errors have the attribute


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()
