"""What an error is counted as."""

import errno
import os
import socket
import ssl

import pytest

from milkrun.client.compare.turn import kind_of
from milkrun.client.errors import OwnError, RequestError


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RequestError("connect", "refused", "no"), "connect/refused"),
        (OwnError("descriptors", "none left", phase="connect"), "self/descriptors"),
        (_os_error(errno.EMFILE), "OSError: EMFILE"),
        (_caused(RuntimeError(), _os_error(errno.EMFILE)), "RuntimeError: EMFILE"),
        (_caused(RuntimeError(), _caused(OSError("all"), _os_error(errno.EPIPE))), "RuntimeError: EPIPE"),
        (_caused(RuntimeError(), ExceptionGroup("", [OSError(), _os_error(errno.EMFILE)])), "RuntimeError: EMFILE"),
        (_caused(RuntimeError(), RequestError("wait", "timeout", "late")), "RuntimeError: wait/timeout"),
        (_caused(RuntimeError(), socket.gaierror(8, "unknown")), "RuntimeError: getaddrinfo"),
        (_caused(RuntimeError(), ssl.SSLEOFError(8, "EOF")), "RuntimeError: SSLEOFError"),
        (ValueError(), "ValueError"),
    ],
)  # fmt: skip
def test_an_error_is_counted_by_its_class_and_what_is_at_the_bottom_of_it(error: BaseException, kind: str) -> None:
    assert kind_of(error) == kind
