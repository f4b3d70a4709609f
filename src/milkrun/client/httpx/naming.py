"""What httpcore calls the steps of a request, for each phase of ours that begins or ends."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from milkrun.client.events import Event, Step
from milkrun.client.response_stream import StreamedResponse
from milkrun.client.timeouts import LIMITS

Told: TypeAlias = tuple[str, dict[str, Any]]

# The phases of opening a connection; httpcore has no word for the first three.
_OPENING = {
    "queue": "pool.wait_for_connection",
    "proxy": "connection.connect_proxy",
    "dns": "connection.resolve_host",
    "connect": "connection.connect_tcp",
    "tls": "connection.start_tls",
}
SENDING = "send_request_body"
HEADERS = "receive_response_headers"


class Narrator:
    """Turns events into names and their details, in httpcore's order: each started step is completed, or failed.

    Args:
        request: the face's.

    Attributes:
        prefix: of the steps of the present exchange.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._limits = request.extensions.get("timeout", {})
        self._is_waiting = False  # for the head, which comes during two of our phases
        self._is_opened = False  # the connection, and nothing was sent on it
        self.prefix = "http11"

    def narrate(self, event: Event) -> Iterator[Told]:
        """What there is to tell of an event, up to the response's head."""
        if event.phase in _OPENING:
            self._is_opened |= event.phase == "connect"
            yield self._step(event)
        elif event.phase == "send":
            yield from self._sending(event)
        elif event.phase in {"wait", "receive"}:
            yield from self._waiting(event)

    def head(self, response: StreamedResponse) -> Told:
        """The response's head is there."""
        self._is_waiting = False
        fields = list(response.headers.raw)
        value: tuple[Any, ...] = (response.status, fields)
        if self.prefix == "http11":  # httpcore tells more there
            version = f"HTTP/{response.version}".encode()
            value = (version, response.status, response.reason.encode("latin-1"), fields)
        return f"{self.prefix}.{HEADERS}.complete", {"return_value": value}

    def _step(self, event: Event) -> Told:
        name = _OPENING[event.phase]
        if event.phase == "connect" and event.request.options.route.unix_socket is not None:
            name = "connection.connect_unix_socket"
        return self._ended(name, event) if event.step is Step.FINISHED else (f"{name}.started", self._details(event))

    def _details(self, event: Event) -> dict[str, Any]:
        options, origin = event.request.options, event.request.url.origin
        details: dict[str, Any] = {"timeout": self._limits.get(LIMITS[event.phase])}
        if event.phase == "tls":
            return details | {"server_hostname": options.tls.server_name or origin.host}
        if event.phase == "connect":
            details["local_address"] = options.route.local_address
        return details | {"host": origin.host, "port": origin.port}

    def _sending(self, event: Event) -> Iterator[Told]:
        if event.step is Step.STARTED:  # the head goes out with the beginning of the content
            self.prefix = "http2" if event.shared else "http11"
            if event.shared and self._is_opened:  # the preface went out with the handshake's end
                yield f"{self.prefix}.send_connection_init.started", {"request": self._request}
                yield f"{self.prefix}.send_connection_init.complete", {"return_value": None}
            self._is_waiting = self._is_opened = False
            yield f"{self.prefix}.send_request_headers.started", {"request": self._request}
            yield f"{self.prefix}.send_request_headers.complete", {"return_value": None}
            yield f"{self.prefix}.{SENDING}.started", {"request": self._request}
        else:
            yield self._ended(f"{self.prefix}.{SENDING}", event)
            yield from self._closing(event)

    def _waiting(self, event: Event) -> Iterator[Told]:
        if event.step is Step.STARTED and not self._is_waiting:
            self._is_waiting = True
            yield f"{self.prefix}.{HEADERS}.started", {"request": self._request}
        elif event.error is not None and self._is_waiting:
            self._is_waiting = False
            yield self._ended(f"{self.prefix}.{HEADERS}", event)
            yield from self._closing(event)

    def _closing(self, event: Event) -> Iterator[Told]:
        if event.error is not None:
            yield f"{self.prefix}.response_closed.started", {}
            yield f"{self.prefix}.response_closed.complete", {"return_value": None}

    @staticmethod
    def _ended(name: str, event: Event) -> Told:
        if event.error is None:
            return f"{name}.complete", {"return_value": None}
        return f"{name}.failed", {"exception": event.error}
