"""From our failures to the face's classes: by the phase for time-outs, by what its users expect for the rest."""

from typing import Any

from milkrun.client.errors import RequestError
from milkrun.client.httpx.faces import Face
from milkrun.client.timeouts import LIMITS

_TIMEOUTS = {phase: f"{limit.capitalize()}Timeout" for phase, limit in LIMITS.items()}
_FAILURES = {
    **dict.fromkeys(("queue", "dns", "connect", "tls"), "ConnectError"),
    "proxy": "ProxyError",
    "send": "WriteError",
    **dict.fromkeys(("wait", "receive"), "ReadError"),
}
_ENDED_EARLY = frozenset({"closed", "truncated"})


def face_error(face: Face, error: RequestError, request: Any) -> Exception:
    """The face's exception for a failure, to be raised from it."""
    return face.error(name_of(error), str(error), request)


def name_of(error: RequestError) -> str:
    """The name of the face's class for a failure."""
    if _is_timeout(error):
        return _TIMEOUTS[error.phase]
    if error.layer == "self" and error.kind == "proxy":
        return "ProxyError"
    if error.layer in {"protocol", "body", "redirect"} or _is_breach(error):
        return "RemoteProtocolError"
    return _FAILURES[error.phase]


def _is_timeout(error: RequestError) -> bool:
    if error.kind == "proxy":  # which is to blame for all that happens there, running out of time included
        return isinstance(error.__cause__, TimeoutError)
    return error.kind in {"timeout", "overload"}


def _is_breach(error: RequestError) -> bool:
    """Whether the server ended the exchange where the protocol does not let it; else it is the network that did.

    A stream of HTTP/2 that the server resets has no failure of the network for a cause.
    """
    if error.layer not in {"wait", "receive"}:
        return False
    return error.kind in _ENDED_EARLY or (error.kind == "reset" and error.__cause__ is None)
