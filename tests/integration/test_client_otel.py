"""Spans and metrics of real requests, as OpenTelemetry's SDK receives them."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from milkrun.client import Client, Digest, RequestError
from milkrun.client.otel import Telemetry
from tests.support.digest_server import DigestServer
from tests.support.peers import closed_port
from tests.support.scripted import OK, Peer, answers, once, scripted, silence
from tests.support.turns import turns, until

SENT_ON = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Collected:
    """A Telemetry, and what it tells."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        self._metrics = InMemoryMetricReader()
        self.metering = MeterProvider(metric_readers=[self._metrics])
        self.telemetry = Telemetry(self.tracing, self.metering)

    @property
    def requests(self) -> list[ReadableSpan]:
        """The spans of attempts, in the order of their ends."""
        return [span for span in self._spans.get_finished_spans() if span.kind is SpanKind.CLIENT]

    def phases(self, request: ReadableSpan) -> list[ReadableSpan]:
        """The spans inside a request's."""
        spans = self._spans.get_finished_spans()
        return [span for span in spans if span.parent is not None and span.parent.span_id == request.context.span_id]

    def points(self, name: str) -> list[object]:
        """What there is of a metric now."""
        data = self._metrics.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        found = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
        return [point for metric in found for point in metric.data.data_points]

    def durations(self, name: str) -> list[HistogramDataPoint]:
        return [point for point in self.points(name) if isinstance(point, HistogramDataPoint)]

    def counts(self, name: str, attribute: str) -> dict[object, int | float]:
        points = [point for point in self.points(name) if isinstance(point, NumberDataPoint)]
        return {(point.attributes or {})[attribute]: point.value for point in points}


@pytest.fixture
def collected() -> Iterator[Collected]:
    one = Collected()
    yield one
    one.tracing.shutdown()
    one.metering.shutdown()


async def test_a_request_is_a_client_span_with_a_span_for_each_phase(collected: Collected) -> None:
    async with scripted(answers(OK)) as server, Client(on_event=collected.telemetry) as client:
        response = await client.get(server.url + "?sig=secret")
    (span,) = collected.requests
    assert (span.name, span.status.status_code) == ("GET", StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.full": f"{server.url}?sig=REDACTED",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.port,
    }
    phases = collected.phases(span)
    assert [phase.name for phase in phases] == ["dns", "connect", "send", "wait", "receive"]
    assert {phase.kind for phase in phases} == {SpanKind.INTERNAL}
    took = {phase.name: seconds(phase) for phase in phases}
    assert took["connect"] == pytest.approx(response.timings.connect, abs=1e-6)
    assert took["wait"] == pytest.approx(response.timings.wait, abs=1e-6)
    assert all(inside(phase, span) for phase in phases)


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def inside(inner: ReadableSpan, outer: ReadableSpan) -> bool:
    assert inner.start_time is not None
    assert outer.start_time is not None
    assert inner.end_time is not None
    assert outer.end_time is not None
    return outer.start_time <= inner.start_time <= inner.end_time <= outer.end_time


async def test_a_span_is_a_child_of_its_callers(collected: Collected) -> None:
    tracer = collected.tracing.get_tracer("test")

    async def call(client: Client, url: str, name: str) -> int:
        with tracer.start_as_current_span(name) as span:
            await client.get(url, redirects="all")
            return span.get_span_context().span_id

    async with scripted(answers(SENT_ON, OK)) as server, Client(on_event=collected.telemetry) as client:
        callers = await asyncio.gather(*(call(client, server.url, f"caller {number}") for number in range(3)))
    parents = [span.parent.span_id for span in collected.requests if span.parent is not None]
    assert set(parents) == set(callers)
    assert len(parents) == 6


async def test_each_redirect_is_a_span_that_counts_how_often_the_request_was_sent_again(collected: Collected) -> None:
    async with scripted(answers(SENT_ON, OK)) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url, redirects="all")
    first, second = (dict(span.attributes or {}) for span in collected.requests)
    assert (first["http.response.status_code"], first["url.full"]) == (302, server.url)
    assert "http.request.resend_count" not in first
    assert (second["http.response.status_code"], second["url.full"]) == (200, server.url + "there")
    assert second["http.request.resend_count"] == 1
    assert [len(collected.phases(span)) for span in collected.requests] == [5, 3]


async def test_a_retry_of_a_stale_connection_is_a_span_of_its_own(collected: Collected) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        if peer.number == 1:
            await peer.request()
            peer.reset()
        await silence(peer)

    async with scripted(script) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url)
        await client.get(server.url)
    _, stale, fresh = collected.requests
    assert (stale.attributes or {})["error.type"] == "wait/reset"
    assert stale.status.status_code is StatusCode.ERROR
    assert (fresh.attributes or {})["http.request.resend_count"] == 1
    assert fresh.status.status_code is StatusCode.UNSET


async def test_the_second_exchange_of_digest_is_a_span_of_its_own(collected: Collected) -> None:
    vault = DigestServer("user", "password")
    async with scripted(vault.script) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url, auth=Digest(user="user", password="password"))
    assert [(span.attributes or {})["http.response.status_code"] for span in collected.requests] == [401, 200]


async def test_a_status_of_a_failure_is_one_without_words(collected: Collected) -> None:
    async with scripted(answers(MISSING)) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url)
    (span,) = collected.requests
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert (span.attributes or {})["error.type"] == "404"


async def test_a_failure_is_one_of_the_request_and_of_the_phase_it_struck_in(collected: Collected) -> None:
    async with Client(on_event=collected.telemetry) as client:
        with pytest.raises(RequestError) as caught:
            await client.get(f"http://127.0.0.1:{closed_port()}/")
    (span,) = collected.requests
    dns, connect = collected.phases(span)
    assert (dns.status.status_code, connect.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    for failed in (span, connect):
        assert (failed.attributes or {})["error.type"] == "connect/refused"
        assert failed.status.description == str(caught.value)
    (point,) = collected.durations("http.client.request.duration")
    assert (point.attributes or {})["error.type"] == "connect/refused"


async def test_a_cancelled_request_is_an_error_that_says_nothing_of_others(collected: Collected) -> None:
    async with scripted(silence) as server, Client(on_event=collected.telemetry) as client:
        task = asyncio.create_task(client.get(server.url))
        assert await until(
            lambda: (
                bool(server.peers)
                and collected.counts("http.client.active_requests", "server.port") == {server.port: 1}
            )
        )
        task.cancel("a secret")
        await asyncio.gather(task, return_exceptions=True)
    (span,) = collected.requests
    assert (span.attributes or {})["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.status.description is None


async def test_a_body_that_breaks_off_has_a_status_and_an_error(collected: Collected) -> None:
    async with scripted(once(OK[:-1])) as server, Client(on_event=collected.telemetry) as client:
        with pytest.raises(RequestError):
            await client.get(server.url)
    (span,) = collected.requests
    attributes = span.attributes or {}
    assert (attributes["http.response.status_code"], attributes["error.type"]) == (200, "receive/truncated")


async def test_a_span_lasts_until_its_body_has_ended(collected: Collected) -> None:
    async with scripted(answers(OK[:-1])) as server, Client(on_event=collected.telemetry) as client:
        async with client.stream("GET", server.url) as response:
            assert response.status == 200
            assert collected.requests == []
        (span,) = collected.requests
        assert collected.phases(span)[-1].name == "receive"


async def test_requests_and_their_phases_are_measured(collected: Collected) -> None:
    async with scripted(answers(OK)) as server, Client(on_event=collected.telemetry) as client:
        for _ in range(3):
            await client.get(server.url)
    (point,) = collected.durations("http.client.request.duration")
    assert point.count == 3
    assert dict(point.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert list(point.explicit_bounds)[:2] == [0.005, 0.01]
    phases = collected.durations("milkrun.client.phase.duration")
    counts = {(point.attributes or {})["milkrun.phase"]: point.count for point in phases}
    assert counts == {"dns": 1, "connect": 1, "send": 3, "wait": 3, "receive": 3}
    assert collected.counts("http.client.active_requests", "server.port") == {server.port: 0}


async def test_the_connections_of_watched_clients_are_counted_by_what_they_do(collected: Collected) -> None:
    async def script(peer: Peer) -> None:
        if b"/silence" in await peer.request():
            await silence(peer)
        await peer.say(OK)
        await silence(peer)

    async with scripted(script) as server:
        clients = [Client(on_event=collected.telemetry) for _ in range(2)]
        for client in clients:
            collected.telemetry.watch(client)
            await client.get(server.url)
        task = asyncio.create_task(clients[0].get(server.url + "silence", fresh=True))
        assert await until(lambda: clients[0].stats()["connections"]["in_use"] == 1)
        assert collected.counts("http.client.open_connections", "http.connection.state") == {"active": 1, "idle": 2}
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for client in clients:
            await client.aclose()
        assert collected.counts("http.client.open_connections", "http.connection.state") == {}


async def test_a_client_that_is_watched_may_go(collected: Collected) -> None:
    client = Client(on_event=collected.telemetry)
    collected.telemetry.watch(client)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
    assert collected.counts("http.client.open_connections", "http.connection.state") == {}


async def test_a_span_that_is_not_sampled_costs_no_spans_of_phases() -> None:
    collected = Collected()
    collected.telemetry = Telemetry(TracerProvider(sampler=ALWAYS_OFF), collected.metering)
    async with scripted(answers(OK)) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url)
    assert collected.durations("http.client.request.duration")[0].count == 1
    assert collected.requests == []
    collected.metering.shutdown()


async def test_a_call_that_ends_before_its_next_attempt_began_ends_its_span(collected: Collected) -> None:
    """A cancellation after any number of turns: whatever was begun has ended, and nothing is active."""

    async def content() -> AsyncIterator[bytes]:
        yield b"x"

    async with scripted(answers(SENT_ON, OK)) as server:
        for count in range(60):
            async with Client(on_event=collected.telemetry) as client:
                task = asyncio.create_task(client.get(server.url, redirects="all"))
                await turns(count)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert not collected.telemetry._calls
            assert set(collected.counts("http.client.active_requests", "server.port").values()) <= {0}


async def test_a_hook_given_twice_is_told_once(collected: Collected) -> None:
    async with scripted(answers(OK)) as server, Client(on_event=collected.telemetry) as client:
        await client.get(server.url, on_event=collected.telemetry)
    assert len(collected.requests) == 1


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['opentelemetry'] = None; import milkrun.client; import milkrun.client.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # ours
    assert done.stderr.splitlines()[-1] == (
        "ImportError: milkrun.client.otel needs OpenTelemetry's API: pip install 'milkrun[otel]'"
    )
