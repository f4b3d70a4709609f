"""The placeholders: what each reads from an observation, Gatus's own first, then ours."""

from collections.abc import Callable

import msgspec

from milkrun.core.evidence import Evidence
from milkrun.core.jsonpath import NotFoundError, Path, length_of, text_of, walk
from milkrun.core.values import INVALID, Missing, Value

NO_RESPONSE = Missing("no response")
NO_CERTIFICATE = Missing("no certificate")
NO_CONNECTION = Missing("no connection")
NOT_JSON = Missing("INVALID: the body is not JSON")
TOO_DEEP = Missing("INVALID: nested too deeply")

Read = Callable[[Evidence, Path], Value]
Figure = Callable[[Evidence], float | None]


class Placeholder(msgspec.Struct, frozen=True, kw_only=True):
    """How one placeholder is read, and what a check must provide for it.

    `takes` says what may follow its name: nothing, a path into JSON, or a header's name. `is_duration` values are
    shown as durations where they are ordered; `is_time` ones depend on how fast Milkrun itself was. `figure` is the
    shorter way to a value that is always a number where there is one.
    """

    read: Read
    takes: str = ""
    needs_body: bool = False
    needs_headers: bool = False
    is_time: bool = False
    is_duration: bool = False
    length: Read | None = None
    figure: Figure | None = None


def _status(evidence: Evidence, _path: Path) -> Value:
    return NO_RESPONSE if evidence.status is None else evidence.status


def _status_figure(evidence: Evidence) -> int | None:
    return evidence.status


def _milliseconds(evidence: Evidence) -> int:
    """Whole milliseconds, cut off as Gatus does, so that 500.4 ms is still at most 500."""
    return int(evidence.observation.timings.total * 1_000)


def _response_time(evidence: Evidence, _path: Path) -> Value:
    return _milliseconds(evidence)


def _ip(evidence: Evidence, _path: Path) -> Value:
    return evidence.observation.address or NO_CONNECTION


def _connected(evidence: Evidence, _path: Path) -> Value:
    return "true" if evidence.observation.connected else "false"


def _connection(evidence: Evidence, _path: Path) -> Value:
    return evidence.observation.connection or NO_CONNECTION


def _certificate_expiration(evidence: Evidence, _path: Path) -> Value:
    tls = evidence.observation.tls
    if tls is None or tls.not_after is None:
        return NO_CERTIFICATE
    return int((tls.not_after - evidence.observation.started) * 1_000)


def _chain_expiration(evidence: Evidence, _path: Path) -> Value:
    tls = evidence.observation.tls
    if tls is None or tls.chain_not_after is None:
        return NO_CERTIFICATE
    return int((tls.chain_not_after - evidence.observation.started) * 1_000)


def _header(evidence: Evidence, path: Path) -> Value:
    wanted = path[0]
    headers = evidence.observation.headers or {}
    return next((value for name, value in headers.items() if name.lower() == wanted), INVALID)


def _body(evidence: Evidence, path: Path) -> Value:
    if not path:
        return evidence.text
    try:
        value = walk(evidence.json(), path)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)
    except NotFoundError:
        return INVALID
    except ValueError:
        return NOT_JSON
    except RecursionError:
        return TOO_DEEP


def _body_length(evidence: Evidence, path: Path) -> Value:
    """A JSON list has its elements counted, also where it is the whole body."""
    if not path and not evidence.text.startswith("["):
        return len(evidence.text.encode())
    try:
        return length_of(walk(evidence.json(), path))
    except NotFoundError:
        return INVALID
    except ValueError:
        return NOT_JSON if path else len(evidence.text.encode())


def _phase(name: str) -> Placeholder:
    def read(evidence: Evidence, _path: Path) -> Value:
        seconds: float = getattr(evidence.observation.timings, name)
        return round(seconds * 1_000, 3)

    return Placeholder(read=read, is_time=True)


PLACEHOLDERS: dict[str, Placeholder] = {
    "STATUS": Placeholder(read=_status, figure=_status_figure),
    "RESPONSE_TIME": Placeholder(read=_response_time, figure=_milliseconds, is_time=True),
    "IP": Placeholder(read=_ip),
    "CONNECTED": Placeholder(read=_connected),
    "BODY": Placeholder(read=_body, length=_body_length, takes="path", needs_body=True),
    "CERTIFICATE_EXPIRATION": Placeholder(read=_certificate_expiration, is_duration=True),
    "HEADER": Placeholder(read=_header, takes="name", needs_headers=True),
    "CHAIN_EXPIRATION": Placeholder(read=_chain_expiration, is_duration=True),
    "CONNECTION": Placeholder(read=_connection),
    "QUEUE": _phase("queue"),
    "DNS": _phase("dns"),
    "CONNECT": _phase("connect"),
    "TLS": _phase("tls"),
    "SEND": _phase("send"),
    "WAIT": _phase("wait"),
    "RECEIVE": _phase("receive"),
}

# Gatus has these, we do not have them yet.
NOT_BUILT = frozenset({"DNS_RCODE", "DOMAIN_EXPIRATION", "CONTEXT"})
