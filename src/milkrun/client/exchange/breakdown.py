"""How an exchange breaks down on its connection, in the vocabulary of failures."""

import ssl

from milkrun.client.dial.tls import refusal
from milkrun.client.errors import RequestError, RequestTimeoutError

_TIMED_OUT = {
    "send": "the request was not all sent before the deadline",
    "wait": "no complete response head came before the deadline",
    "receive": "the body did not end before the deadline",
}
_BROKEN = {
    "closed": "the server closed the connection without a response",
    "truncated": "the server closed the connection in the middle of the body",
    "reset": "the connection was reset",
}


def timed_out(layer: str) -> RequestTimeoutError:
    """The error for an exchange whose deadline struck in this layer: send, wait or receive."""
    return RequestTimeoutError(layer, _TIMED_OUT[layer])


def broken(layer: str, cause: Exception | None) -> RequestError:
    """The error for an exchange whose connection was lost in this layer; None: the server closed it in good order.

    It is one of layer tls where the server says only now that it does not like our certificate.
    """
    refused = refusal(cause, layer)
    if refused is not None:
        return refused
    reset = cause is not None and not isinstance(cause, ssl.SSLError)
    kind = "reset" if reset else "truncated" if layer == "receive" else "closed"
    error = RequestError(layer, kind, _BROKEN[kind])
    error.__cause__ = cause
    return error
