"""What the semantic conventions of OpenTelemetry call the parts of an HTTP exchange. Rules only.

Those of HTTP spans are stable; of the metrics, `http.client.request.duration` is.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

from milkrun.client.errors import RequestError
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.url import Origin

Attributes: TypeAlias = dict[str, str | int]

# RFC 9110's and PATCH: what the conventions know. Any other is "_OTHER", so that no caller can make names without end.
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
# Parameters of a query that sign it: the conventions', and those of the newer signatures of AWS.
SECRETS = frozenset(
    {
        "AWSAccessKeyId",
        "Signature",
        "sig",
        "X-Goog-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
    }
)
# What duration histograms are divided at: the conventions' advice, and for phases, which are shorter, some below.
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
PHASE_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, *REQUEST_SECONDS)

_UNIX = "unix:"


class Describer:
    """Describes requests.

    Args:
        methods: the methods that are called by their names.
        secrets: the parameters of a query whose values are not shown, in any case.
    """

    def __init__(self, *, methods: Iterable[str] = METHODS, secrets: Iterable[str] = SECRETS) -> None:
        self._methods = frozenset(methods)
        names = "|".join(map(re.escape, sorted(secrets)))
        self._secret = re.compile(rf"(?<=[?&])({names})=[^&]+", re.IGNORECASE) if names else None

    def name(self, request: PreparedRequest) -> str:
        """The name of its span; a path is in no name, for there are too many."""
        return request.method if request.method in self._methods else "HTTP"

    def target(self, request: PreparedRequest) -> Attributes:
        """Method and server: few enough for a metric."""
        method = request.method if request.method in self._methods else "_OTHER"
        return {"http.request.method": method, **server(request.url.origin)}

    def request(self, request: PreparedRequest, attempt: int) -> Attributes:
        """All that is known before it is sent; `attempt`: see `Event`."""
        attributes = self.target(request) | {"url.full": self._shown(request.url.text)}
        if request.method not in self._methods:
            attributes["http.request.method_original"] = request.method
        if attempt > 1:
            attributes["http.request.resend_count"] = attempt - 1
        return attributes

    def _shown(self, url: str) -> str:
        return url if self._secret is None else self._secret.sub(r"\1=REDACTED", url)


def server(origin: Origin) -> Attributes:
    """Where a request goes."""
    return {"server.address": origin.host, "server.port": origin.port}


def outcome(answer: AnswerFacts | None, error: BaseException | None) -> Attributes:
    """What came of it."""
    attributes: Attributes = {}
    if answer is not None:
        attributes = {"http.response.status_code": answer.status, "network.protocol.version": answer.version}
    kind = error_type(answer, error)
    return attributes if kind is None else attributes | {"error.type": kind}


def error_type(answer: AnswerFacts | None, error: BaseException | None) -> str | None:
    """The failure, in few words: layer/kind, an exception's name, or a status of 400 and above; None: there is none."""
    if isinstance(error, RequestError):
        return f"{error.layer}/{error.kind}"
    if error is not None:
        kind = type(error)
        return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return str(answer.status) if answer is not None and answer.status >= 400 else None


def peer(connection: ConnectionFacts | None) -> Attributes:
    """The other end of the connection: behind a proxy, that is the proxy."""
    if connection is None:
        return {}
    shown = connection.peer if connection.proxy is None else connection.proxy.peer
    if shown is None:
        return {}
    if shown.startswith(_UNIX):
        return {"network.peer.address": shown.removeprefix(_UNIX)}
    address, _, port = shown.rpartition(":")
    return {"network.peer.address": address.strip("[]"), "network.peer.port": int(port)}
