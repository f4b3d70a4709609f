"""From the client's events to spans and metrics."""

import time
from collections import Counter
from collections.abc import Iterable
from weakref import WeakSet

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from milkrun.client.client import Client
from milkrun.client.errors import ClientError
from milkrun.client.events import REQUEST, Event, Step
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.otel.conventions import (
    METHODS,
    PHASE_SECONDS,
    REQUEST_SECONDS,
    SECRETS,
    Describer,
    error_type,
    outcome,
    peer,
    server,
)
from milkrun.client.request import PreparedRequest
from milkrun.client.url import Origin, parse_url

_NAME = "milkrun.client"
_NANO = 1_000_000_000


class _Call:
    """One call of the client, and its present attempt."""

    __slots__ = ("answer", "begun", "connection", "context", "error", "latest", "number", "phase", "phase_begun",
                 "request", "shift", "span")  # fmt: skip

    def __init__(self, event: Event) -> None:
        self.context: Context = context.get_current()  # the caller's: the hook is called in its task
        self.shift = time.time_ns() - int(event.at * _NANO)
        self.phase: Span | None = None
        self.phase_begun = 0.0
        self.span: Span

    def begin(self, event: Event, span: Span) -> None:
        """A further attempt begins."""
        self.span = span
        self.request: PreparedRequest = event.request
        self.number = event.attempt
        self.begun = self.latest = event.at
        self.note(None, None, None)

    def note(self, answer: AnswerFacts | None, connection: ConnectionFacts | None, error: BaseException | None) -> None:
        """What is known of the attempt."""
        self.answer, self.connection, self.error = answer, connection, error

    def epoch(self, at: float) -> int:
        """Clock seconds as nanoseconds of the epoch."""
        return int(at * _NANO) + self.shift


class Telemetry:
    """Give it to a client, or to several: `Client(on_event=Telemetry())`.

    Each attempt to send a request (redirects, retries of stale connections and the second exchange of a digest are
    further ones) is a client span, a child of the span that is current where the client is called; inside it each
    phase is an internal span, for a phase has a length, and of its end it is known what broke it off. The span of the
    first attempt begins with the call, and includes waiting and connecting; it ends when the whole body is there or
    is given up. `error.type` is layer/kind of a RequestError, the name of another exception, or a status from 400 on.

    Metrics: `http.client.request.duration` (each attempt, as long as its span), `http.client.active_requests`,
    `http.client.open_connections` (of the clients that are watched), `milkrun.client.phase.duration`.

    Args:
        tracer_provider, meter_provider: by default the global ones.
        methods: HTTP methods that appear by name; any other is "_OTHER".
        secrets: parameters of a URL's query whose values are replaced by "REDACTED". Credentials never appear.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        methods: Iterable[str] = METHODS,
        secrets: Iterable[str] = SECRETS,
    ) -> None:
        self._describer = Describer(methods=methods, secrets=secrets)
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        self._calls: dict[int, _Call] = {}
        self._clients: WeakSet[Client] = WeakSet()
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._durations = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
        )
        self._phases = meter.create_histogram(
            "milkrun.client.phase.duration",
            unit="s",
            description="Duration of the phases of HTTP client requests.",
            explicit_bucket_boundaries_advisory=PHASE_SECONDS,
        )
        self._active = meter.create_up_down_counter(
            "http.client.active_requests", unit="{request}", description="Number of active HTTP requests."
        )
        meter.create_observable_up_down_counter(
            "http.client.open_connections",
            [self._open_connections],
            unit="{connection}",
            description="Number of outbound HTTP connections that are currently active or idle on the client.",
        )

    def watch(self, client: Client) -> None:
        """Count the connections of this client, too, for as long as it lives."""
        self._clients.add(client)

    def __call__(self, event: Event) -> None:
        """An event of a client's: see `Client`."""
        if event.phase != REQUEST:
            self._hear(self._calls[event.id], event)
        elif event.step is Step.STARTED:
            call = self._calls[event.id] = _Call(event)
            self._begin(call, event)
        else:
            call = self._calls.pop(event.id)
            call.note(event.answer, event.connection, event.error)
            self._end(call, event.at)

    def _hear(self, call: _Call, event: Event) -> None:
        if event.attempt != call.number:
            self._end(call, call.latest)
            self._begin(call, event)
        call.latest = event.at
        if event.step is Step.STARTED:
            self._enter(call, event)
        else:
            self._leave(call, event)

    def _begin(self, call: _Call, event: Event) -> None:
        request = event.request
        span = self._tracer.start_span(
            self._describer.name(request),
            context=call.context,
            kind=SpanKind.CLIENT,
            attributes=self._describer.request(request, event.attempt),
            start_time=call.epoch(event.at),
        )
        call.begin(event, span)
        self._active.add(1, self._describer.target(request), call.context)

    def _end(self, call: _Call, at: float) -> None:
        target, came = self._describer.target(call.request), outcome(call.answer, call.error)
        inside = trace.set_span_in_context(call.span, call.context)
        self._active.add(-1, target, inside)
        self._durations.record(at - call.begun, target | came, inside)
        call.span.set_attributes(came | peer(call.connection))
        _judge(call.span, call.error, error_type(call.answer, call.error))
        call.span.end(call.epoch(at))

    def _enter(self, call: _Call, event: Event) -> None:
        call.phase_begun = event.at
        if call.span.is_recording():
            inside = trace.set_span_in_context(call.span, call.context)
            call.phase = self._tracer.start_span(event.phase, context=inside, start_time=call.epoch(event.at))

    def _leave(self, call: _Call, event: Event) -> None:
        call.note(event.answer, event.connection, event.error)
        attributes = server(call.request.url.origin) | {"milkrun.phase": event.phase}
        self._phases.record(event.at - call.phase_begun, attributes, call.context)
        phase, call.phase = call.phase, None
        if phase is not None:
            kind = error_type(None, event.error)
            if kind is not None:
                phase.set_attribute("error.type", kind)
            _judge(phase, event.error, kind)
            phase.end(call.epoch(event.at))

    def _open_connections(self, _: CallbackOptions) -> Iterable[Observation]:
        counts: Counter[tuple[Origin, str]] = Counter()
        for client in tuple(self._clients):
            for text, figures in client.stats_by_origin().items():
                connections = figures["connections"]
                if connections["open"]:
                    origin = parse_url(text).origin
                    counts[origin, "active"] += connections["in_use"]
                    counts[origin, "idle"] += connections["idle"]
        for (origin, state), count in counts.items():
            yield Observation(count, server(origin) | {"url.scheme": origin.scheme, "http.connection.state": state})


def _judge(span: Span, error: BaseException | None, kind: str | None) -> None:
    """An error says why in words only where they are the client's own: others' may hold anything."""
    if kind is not None:
        span.set_status(Status(StatusCode.ERROR, str(error) if isinstance(error, ClientError) else None))
