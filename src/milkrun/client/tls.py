"""TLS contexts, one for each set of options: building one per client is the hidden cost of a client per request."""

import ssl

import msgspec

from milkrun.client.certificate import WitnessedContext
from milkrun.client.errors import RequestError, UsageError

# X509_V_ERR codes (openssl/x509_vfy.h): not yet valid, expired; the name or the address does not match.
_OUT_OF_DATE = frozenset({9, 10})
_WRONG_NAME = frozenset({62, 64})
# What OpenSSL makes of bytes that are no TLS record, by version and by what the bytes happen to be.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})


class TlsOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a caller may choose about TLS. Equal options share one context.

    Attributes:
        insecure: accept any certificate; its facts are reported all the same.
        ca_file: a PEM file of roots to trust instead of the system's.
    """

    insecure: bool = False
    ca_file: str | None = None


class Contexts:
    """The contexts in use, each built once: 30 ms and some hundred kilobytes a piece."""

    def __init__(self) -> None:
        self._built: dict[TlsOptions, ssl.SSLContext] = {}

    def get(self, options: TlsOptions) -> ssl.SSLContext:
        """The context for these options. Raises UsageError when the file of roots cannot be used."""
        context = self._built.get(options)
        if context is None:
            context = self._built[options] = _build(options)
        return context


def _build(options: TlsOptions) -> ssl.SSLContext:
    context = WitnessedContext(ssl.PROTOCOL_TLS_CLIENT)
    # A resumed session shows no certificate, so nothing is ever offered for resumption.
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.ca_file is None:
        context.load_default_certs()
    else:
        _trust(context, options.ca_file)
    return context


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as err:
        raise UsageError(f"{ca_file} holds no roots to trust: {err}; expected a file of PEM certificates") from err


def handshake_error(error: OSError) -> RequestError:
    """A failed handshake in the vocabulary of failures; the caller keeps the cause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _rejected(error)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return _broken(error)
    return RequestError("tls", "closed", "the connection closed during the TLS handshake")


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
    reason = getattr(error, "reason", None) or str(error)  # only OpenSSL's own errors have the attribute
    if reason in _NOT_TLS:
        return not_tls()
    if reason == "UNEXPECTED_EOF_WHILE_READING":
        return RequestError("tls", "closed", "the connection closed during the TLS handshake")
    return RequestError("tls", "alert", f"the TLS handshake failed: {reason.replace('_', ' ').lower()}")
