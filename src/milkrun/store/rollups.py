"""The table of roll-ups: written in the place of what has the same identity, read by period, counted up to tallies.

All in the caller's transaction. A row has the counts in columns, so that tallies are summed by the database, and the
phases with their sketches as `core.rollup_bytes` writes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from milkrun.core.observation import Connection as Carrier
from milkrun.core.periods import Span, cover
from milkrun.core.rollup import Latency, Period, Rollup
from milkrun.core.rollup_bytes import decode_phases, encode_phases
from milkrun.core.tally import Tally
from milkrun.store import schema
from milkrun.store.decoding import Decoder
from milkrun.store.dialect import put
from milkrun.store.locations import Locations
from milkrun.store.progress import Mark, marks

# Codes are places; what is frequent comes first, for a small number takes fewer bytes.
PERIODS = (Period.FIVE_MINUTES, Period.HOUR, Period.DAY)
CARRIERS = (Carrier.WARM, Carrier.COLD, None)
CODES = {period: code for code, period in enumerate(PERIODS)}

# Starts looked up in one statement.
LOOK_UPS = 400

_NO_LATENCY = Latency()
_table = schema.rollup
_own = schema.rollup.c


def write(connection: Connection, locations: Locations, rollups: Iterable[Rollup]) -> None:
    """Write roll-ups, each in the place of the one with its identity."""
    rows = [_row(rollup, locations.number(rollup.location)) for rollup in rollups]
    put(connection, _table, sorted(rows, key=lambda row: row[:5]))


def replace(
    connection: Connection, locations: Locations, whose: tuple[Period, int, int], rollups: Iterable[Rollup]
) -> None:
    """Write all there is of one period, start and endpoint in the place of what was there."""
    period, start, endpoint = whose
    same = (_own.period == CODES[period], _own.start == start, _own.endpoint == endpoint)
    connection.execute(delete(_table).where(*same))
    write(connection, locations, rollups)


def read(
    connection: Connection,
    decoder: Decoder,
    period: Period,
    *,
    since: int,
    until: int | None = None,
    endpoint: int | None = None,
) -> list[Rollup]:
    """Roll-ups of one length that start from `since` to below `until`, oldest first, of one endpoint or of all."""
    if endpoint is not None:
        first, last = _ends(connection, period, since, until)
        return [] if first is None else of_endpoint(connection, decoder, Span(period, first, last), endpoint)
    bounds = [_own.period == CODES[period], _own.start >= since]
    if until is not None:
        bounds.append(_own.start < until)
    return _read(connection, decoder, bounds)


def of_endpoint(connection: Connection, decoder: Decoder, span: Span, endpoint: int) -> list[Rollup]:
    """One endpoint's roll-ups of a span, oldest first: a look at each place where a row may be."""
    found: list[Rollup] = []
    starts = range(span.since, span.until, span.period.value)
    for at in range(0, len(starts), LOOK_UPS):
        some = _own.start.in_(starts[at : at + LOOK_UPS])
        found += _read(connection, decoder, [_own.period == CODES[span.period], some, _own.endpoint == endpoint])
    return found


def of_endpoints(connection: Connection, decoder: Decoder, span: Span, endpoints: Sequence[int]) -> list[Rollup]:
    """Some endpoints' roll-ups of a span, oldest first."""
    starts = range(span.since, span.until, span.period.value)
    wanted = [_own.period == CODES[span.period], _own.start.in_(starts), _own.endpoint.in_(endpoints)]
    return _read(connection, decoder, wanted)


def window(connection: Connection, decoder: Decoder, endpoint: int, since: int, until: int) -> list[Rollup]:
    """The fewest roll-ups that together are what an endpoint did from `since` to `until`."""
    reached = marks(connection)
    spans = cover(since, until, hours_until=reached[Mark.HOURS], days_until=reached[Mark.DAYS])
    return [rollup for span in spans for rollup in of_endpoint(connection, decoder, span, endpoint)]


def tallies(connection: Connection, since: int, endpoint: int | None) -> list[Tally]:
    """Hours from `since` on, oldest first; those that are not merged yet are the sum of their five minutes."""
    merged = marks(connection)[Mark.HOURS]
    found = _tallies(connection, Period.HOUR, since, merged, endpoint)
    return found + _tallies(connection, Period.FIVE_MINUTES, max(since, merged), None, endpoint)


def endpoints(connection: Connection, span: Span) -> list[int]:
    """Which endpoints have roll-ups in a span: it reads them all."""
    within = (_own.period == CODES[span.period], _own.start >= span.since, _own.start < span.until)
    return sorted(connection.scalars(select(_own.endpoint).where(*within).distinct()))


def oldest(connection: Connection, period: Period, since: int = 0) -> int | None:
    """When the oldest roll-up of a length starts that starts from `since` on."""
    start: int | None = connection.scalar(
        select(func.min(_own.start)).where(_own.period == CODES[period], _own.start >= since)
    )
    return start


def _row(rollup: Rollup, location: int) -> tuple[Any, ...]:
    total = rollup.phases.get("total", _NO_LATENCY)
    return (
        CODES[rollup.period],
        rollup.start,
        rollup.endpoint,
        location,
        CARRIERS.index(rollup.connection),
        rollup.up,
        rollup.degraded,
        rollup.down,
        rollup.unknown,
        rollup.maintenance,
        total.count,
        total.sum,
        total.max,
        encode_phases(rollup.phases) if rollup.phases else None,
    )


def _read(connection: Connection, decoder: Decoder, wanted: Sequence[ColumnElement[bool]]) -> list[Rollup]:
    order = (_own.start, _own.endpoint, _own.location, _own.connection)
    rows = connection.execute(select(_table).where(*wanted).order_by(*order)).all()
    locations = decoder.locations(connection, {row.location for row in rows})
    return [_rollup(row, locations) for row in rows]


def _rollup(row: Row[Any], locations: Mapping[int, str]) -> Rollup:
    period, start, endpoint, location, carrier, up, degraded, down, unknown, maintenance, *_, phases = tuple(row)
    return Rollup(
        period=PERIODS[period],
        start=start,
        endpoint=endpoint,
        location=locations[location],
        connection=CARRIERS[carrier],
        up=up,
        degraded=degraded,
        down=down,
        unknown=unknown,
        maintenance=maintenance,
        phases={} if phases is None else decode_phases(phases),
    )


def _ends(connection: Connection, period: Period, since: int, until: int | None) -> tuple[int | None, int]:
    """The first start from `since` on and the end of the last below `until`, of anybody's."""
    bounds = [_own.period == CODES[period], _own.start >= since]
    if until is not None:
        bounds.append(_own.start < until)
    first: int | None = connection.scalar(select(func.min(_own.start)).where(*bounds))
    last: int | None = connection.scalar(select(func.max(_own.start)).where(*bounds))
    return first, (last or 0) + period.value


def _tallies(
    connection: Connection, period: Period, since: int, until: int | None, endpoint: int | None
) -> list[Tally]:
    first, end = _ends(connection, period, since, until)
    if first is None:
        return []
    # The start itself where it can be: rows that come in the order of their groups need not be sorted.
    hour = _own.start if period is Period.HOUR else _own.start - _own.start % Period.HOUR.value
    starts: ColumnElement[bool] = _own.start.between(first, end - 1)
    if endpoint is not None:
        starts = _own.start.in_(range(first, end, period.value)) & (_own.endpoint == endpoint)
    statement = (
        select(hour, _own.endpoint, *_sums())
        .where(_own.period == CODES[period], starts)
        .group_by(hour, _own.endpoint)
        .order_by(hour, _own.endpoint)
    )
    return [_tally(row) for row in connection.execute(statement).all()]


def _sums() -> list[ColumnElement[Any]]:
    counts = [func.sum(column) for column in (_own.up, _own.degraded, _own.down, _own.unknown)]
    latencies = []
    for code in (CARRIERS.index(Carrier.WARM), CARRIERS.index(Carrier.COLD)):
        own = _own.connection == code
        for total, column in ((func.sum, _own.count), (func.sum, _own.sum), (func.max, _own.max)):
            latencies.append(func.coalesce(total(column).filter(own), 0))
    return [*counts, *latencies]


def _tally(row: Row[Any]) -> Tally:
    hour, endpoint, up, degraded, down, unknown, warm, warm_sum, warm_max, cold, cold_sum, cold_max = tuple(row)
    return Tally(
        endpoint=endpoint,
        hour=hour,
        up=up,
        degraded=degraded,
        down=down,
        unknown=unknown,
        warm=warm,
        warm_sum=int(warm_sum) / 1e3,
        warm_max=warm_max / 1e3,
        cold=cold,
        cold_sum=int(cold_sum) / 1e3,
        cold_max=cold_max / 1e3,
    )
