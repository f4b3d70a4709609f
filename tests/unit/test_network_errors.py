"""What the system says of a failed connection, in the words that a result carries."""

import errno
import ssl

import pytest

from milkrun.client.dial.connect import connect_error
from milkrun.client.dial.tls import handshake_error
from milkrun.client.errors import OwnError, RequestTimeoutError


@pytest.mark.parametrize(
    ("numbers", "layer", "kind"),
    [
        ([errno.ECONNREFUSED], "connect", "refused"),
        ([errno.ECONNRESET], "connect", "reset"),
        ([errno.ENETUNREACH], "connect", "unreachable"),
        ([errno.EHOSTUNREACH], "connect", "unreachable"),
        ([errno.EPERM], "connect", "unreachable"),
        ([None], "connect", "unreachable"),
        ([errno.ETIMEDOUT], "connect", "timeout"),
        ([errno.EMFILE], "self", "descriptors"),
        ([errno.ENFILE], "self", "descriptors"),
        ([errno.EADDRNOTAVAIL], "self", "ports"),
        ([errno.ENETUNREACH, errno.ECONNREFUSED], "connect", "refused"),
        ([errno.EADDRNOTAVAIL, errno.ECONNREFUSED], "connect", "refused"),
        ([errno.ENETUNREACH, errno.EADDRNOTAVAIL], "self", "ports"),
        ([errno.ECONNREFUSED, errno.EMFILE], "self", "descriptors"),
    ],
)
def test_the_most_telling_failure_of_all_attempts_is_the_one_told(
    numbers: list[int | None], layer: str, kind: str
) -> None:
    error = connect_error(numbers)

    assert (error.layer, error.kind, error.phase) == (layer, kind, "connect")
    assert isinstance(error, OwnError) == (layer == "self")
    assert isinstance(error, RequestTimeoutError) == (kind == "timeout")


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def rejection(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    error.verify_message = "what OpenSSL said"
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (rejection(10), "expired"),
        (rejection(9), "expired"),
        (rejection(62), "hostname"),
        (rejection(64), "hostname"),
        (rejection(18), "untrusted"),
        (rejection(20), "untrusted"),
        (ssl_error("WRONG_VERSION_NUMBER"), "not-tls"),
        (ssl_error("HTTP_REQUEST"), "not-tls"),
        (ssl_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), "alert"),
        (ssl_error("UNSUPPORTED_PROTOCOL"), "alert"),
        (ssl.SSLError(1, "no reason given"), "alert"),
        (ssl_error("UNEXPECTED_EOF_WHILE_READING"), "closed"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "closed"),
        (ConnectionResetError(), "closed"),
        (ConnectionAbortedError(), "closed"),
    ],
)
def test_a_failed_handshake_has_a_kind(error: OSError, kind: str) -> None:
    assert (handshake_error(error).layer, handshake_error(error).kind) == ("tls", kind)
