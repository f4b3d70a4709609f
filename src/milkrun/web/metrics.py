"""/metrics in Prometheus' text format: Milkrun's own accounts, and a few series an endpoint.

Series an endpoint are bounded: the first ENDPOINTS of them by key have them, and `milkrun_endpoint_series_omitted`
counts the rest. Everything is read from the board at the moment of the scrape; nothing is counted twice.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from milkrun.core.outcome import Outcome
from milkrun.web.endpoint_view import certificate
from milkrun.web.entry import Entry
from milkrun.web.site import PrincipalDep, Site, SiteDep
from milkrun.web.wire import Json

router = APIRouter(tags=["process"])

ENDPOINTS = 2_000
CHANNELS = 200
LABELS = ("endpoint", "group")

CLIENT_COUNTERS = {
    "requests_total": "Requests made by the shared client.",
    "opened_total": "Connections opened.",
    "warm_total": "Requests that went over an open connection.",
    "cold_total": "Requests that opened a connection.",
    "stale_retries_total": "Requests repeated once because a reused connection had been closed by the other side.",
}
SCHEDULE_COUNTERS = {
    "due_total": "Slots that came due.",
    "done_total": "Slots that were checked.",
    "skipped_total": "Slots without a check that ended: held up, cut off, or due while the last one still ran.",
}


class BoardCollector(Collector):
    """Reads a site's board as metric families."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the board."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, endpoints last."""
        site = self._site
        yield InfoMetricFamily("milkrun", "This process.", value={"version": site.services.version})
        yield from _counters("milkrun_client_", CLIENT_COUNTERS, site.vitals("client"))
        yield from _connections(site.vitals("client"))
        yield from _counters("milkrun_schedule_", SCHEDULE_COUNTERS, site.vitals("schedule"))
        yield _quantiles("milkrun_schedule_late_seconds", "How late slots began.", site.vitals("schedule"), "late_ms")
        yield _quantiles("milkrun_loop_lag_seconds", "Lag of the loop.", site.vitals("client"), "loop_lag_ms")
        yield from _storage(site.vitals("storage"))
        yield from _alerts(site)
        yield _states(site)
        yield from _endpoints(site)


def _counters(prefix: str, counters: dict[str, str], values: Json) -> Iterator[Metric]:
    for name, said in counters.items():
        yield CounterMetricFamily(prefix + name, said, value=values.get(name, 0))


def _connections(client: Json) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("milkrun_client_connections", "Connections now.", labels=["state"])
    for state, count in client.get("connections", {}).items():
        by_state.add_metric([state], count)
    closed = CounterMetricFamily("milkrun_client_closed", "Connections closed, by reason.", labels=["reason"])
    for reason, count in client.get("closed_total", {}).items():
        closed.add_metric([reason], count)
    descriptors = GaugeMetricFamily("milkrun_descriptors", "File descriptors.", labels=["kind"])
    for kind, count in client.get("descriptors", {}).items():
        descriptors.add_metric([kind], count)
    yield from (by_state, closed, descriptors)
    if (waiting := client.get("time_wait")) is not None:
        yield GaugeMetricFamily("milkrun_time_wait", "Sockets in TIME_WAIT in this network namespace.", value=waiting)


def _quantiles(name: str, said: str, values: Json, key: str) -> Metric:
    family = GaugeMetricFamily(name, said, labels=["quantile"])
    for quantile, milliseconds in values.get(key, {}).items():
        if milliseconds is not None:
            family.add_metric([quantile], milliseconds / 1_000)
    return family


def _storage(storage: Json) -> Iterator[Metric]:
    yield GaugeMetricFamily("milkrun_storage_bytes", "Bytes on disk, log included.", value=storage.get("bytes") or 0)
    yield GaugeMetricFamily("milkrun_storage_pending", "Results not stored yet.", value=storage.get("pending") or 0)
    spent = storage.get("writer_cpu_seconds") or 0.0
    yield CounterMetricFamily("milkrun_store_writer_cpu_seconds", "Processor time that writing has taken.", spent)
    dropped = storage.get("dropped_total") or 0
    yield CounterMetricFamily("milkrun_storage_dropped", "Results dropped because they could not be stored.", dropped)


def _alerts(site: Site) -> Iterator[Metric]:
    pending = GaugeMetricFamily("milkrun_alerts_pending", "Messages that wait.", labels=["channel"])
    failed = GaugeMetricFamily("milkrun_alerts_failed", "Messages that were given up.", labels=["channel"])
    disabled = GaugeMetricFamily("milkrun_alerts_disabled", "1 for a channel that is disabled.", labels=["channel"])
    said = "Attempts at delivering, by what came of them."
    attempts = CounterMetricFamily("milkrun_alerts_attempts", said, labels=["channel", "outcome"])
    for state in islice(site.notices.channels, CHANNELS):
        pending.add_metric([state.channel], state.pending)
        failed.add_metric([state.channel], state.failed)
        disabled.add_metric([state.channel], state.disabled is not None)
        attempts.add_metric([state.channel, "arrived"], state.arrived)
        attempts.add_metric([state.channel, "refused"], state.refused)
    yield from (pending, failed, disabled, attempts)


def _states(site: Site) -> Metric:
    family = GaugeMetricFamily("milkrun_endpoints", "Endpoints, by state.", labels=["state"])
    for state in Outcome:
        family.add_metric([state.value], site.board.counts[state])
    return family


def _endpoints(site: Site) -> Iterator[Metric]:
    up = GaugeMetricFamily("milkrun_endpoint_up", "1 up, 0.5 degraded, 0 down; none if unknown.", labels=LABELS)
    last = GaugeMetricFamily("milkrun_endpoint_latency_seconds", "The last answer's latency.", labels=LABELS)
    expiry = GaugeMetricFamily("milkrun_endpoint_certificate_expiry", "Epoch seconds of its end.", labels=LABELS)
    for key, entry in islice(sorted(site.board.keys.items()), ENDPOINTS):
        _add_endpoint(key, entry, up, last, expiry)
    omitted = max(0, len(site.board.keys) - ENDPOINTS)
    yield from (up, last, expiry)
    yield GaugeMetricFamily("milkrun_endpoint_series_omitted", "Endpoints without series of their own.", value=omitted)


LEVELS = {Outcome.UP: 1.0, Outcome.DEGRADED: 0.5, Outcome.DOWN: 0.0}


def _add_endpoint(
    key: str, entry: Entry, up: GaugeMetricFamily, last: GaugeMetricFamily, expiry: GaugeMetricFamily
) -> None:
    labels = (key, entry.endpoint.group)
    if (level := LEVELS.get(entry.state.state)) is not None:
        up.add_metric(labels, level)
    if entry.last is not None and entry.last.failure is None:
        last.add_metric(labels, entry.last.timings.total)
    if (tls := certificate(entry)) is not None and tls.not_after is not None:
        expiry.add_metric(labels, tls.not_after)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(site: SiteDep, _: PrincipalDep) -> Response:
    """Milkrun's own accounts and, for up to 2,000 endpoints, state, latency and certificate expiry."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoardCollector(site))
    # Tens of milliseconds of formatting: on a thread of its own, so that streams and pages go on meanwhile.
    return Response(await asyncio.to_thread(generate_latest, registry), media_type=CONTENT_TYPE_LATEST)
