"""What is read besides raw results: states, incidents, hours' tallies, gaps, the range of what is kept."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, and_, func, select

from milkrun.core.incident import Incident
from milkrun.core.observation import Connection as Carrier
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally
from milkrun.store import schema
from milkrun.store.protocol import Gap, Page
from milkrun.store.rows import CONNECTION_BITS, CONNECTIONS, FAILED, OUTCOMES

# Hours asked for in one statement.
_HOURS = 1_000

# What `manner` keeps of an answer over such a connection.
_WARM = CONNECTIONS.index(Carrier.WARM)
_COLD = CONNECTIONS.index(Carrier.COLD)

_incident = schema.incident.c
_result = schema.result.c
_tally = schema.tally.c


def states(connection: Connection) -> dict[int, EndpointState]:
    """Each endpoint's state, with its open incident."""
    state = schema.state
    same = and_(_incident.endpoint == state.c.endpoint, _incident.opened == state.c.incident)
    open_ones = connection.execute(select(schema.incident).join(state, same))
    incidents = {row.endpoint: _incident_of(row) for row in open_ones}
    return {row.endpoint: _state_of(row, incidents) for row in connection.execute(select(state))}


def matching(endpoint: int | None, open_only: bool, states: Iterable[Outcome] | None) -> list[ColumnElement[bool]]:
    """The conditions on the incidents asked for."""
    wanted: list[ColumnElement[bool]] = []
    if endpoint is not None:
        wanted.append(_incident.endpoint == endpoint)
    if open_only:
        wanted.append(_incident.closed.is_(None))
    if states is not None:
        wanted.append(_incident.state.in_([state.value for state in states]))
    return wanted


def incidents(connection: Connection, *, wanted: list[ColumnElement[bool]], limit: int, offset: int) -> Page:
    """A page of incidents, newest first."""
    page = select(schema.incident).where(*wanted).order_by(_incident.opened.desc(), _incident.endpoint.desc())
    total = connection.scalar(select(func.count()).select_from(schema.incident).where(*wanted))
    items = tuple(_incident_of(row) for row in connection.execute(page.limit(limit).offset(offset)))
    return Page(items=items, total=total or 0)


def tallies(connection: Connection, *, since: int, endpoint: int | None) -> list[Tally]:
    """Hours from `since` on, oldest first."""
    everything = select(schema.tally).order_by(_tally.hour, _tally.endpoint)
    if endpoint is None:
        return [_tally_of(row) for row in connection.execute(everything.where(_tally.hour >= since)).mappings()]
    found: list[Tally] = []
    for hours in _hours(connection, since):
        # By name of each hour: the table has the hour first, and this is a look at each place where a row may be.
        rows = connection.execute(everything.where(_tally.hour.in_(hours), _tally.endpoint == endpoint))
        found += [_tally_of(row) for row in rows.mappings()]
    return found


def count_results(connection: Connection, *, since: int) -> list[Tally]:
    """Count raw results from slot `since` on by hour and endpoint, as `core.tally.fold` does."""
    # By what a tally tells apart, and the few groups of an endpoint added up here: each sum less that SQLite carries
    # through millions of rows is a tenth of the whole.
    answer = _result.manner.bitwise_and(CONNECTION_BITS | FAILED).label("answer")
    hour = (_result.slot - _result.slot % HOUR).label("hour")
    groups = (hour, _result.endpoint, _result.outcome, answer)
    total = _result.total
    statement = (
        select(*groups, func.count().label("results"), func.sum(total).label("sum"), func.max(total).label("most"))
        .where(_result.slot >= since)
        .group_by(*groups)
        .order_by(hour, _result.endpoint)
    )
    found: dict[tuple[int, int], Tally] = {}
    for row in connection.execute(statement):
        _add(found.setdefault((row.hour, row.endpoint), Tally(endpoint=row.endpoint, hour=row.hour)), row)
    return list(found.values())


def gaps(connection: Connection, *, since: int) -> list[Gap]:
    """Gaps that ended after `since`, oldest first."""
    gap = schema.gap
    rows = connection.execute(select(gap).where(gap.c.ended > since).order_by(gap.c.began))
    return [Gap(began=row.began, ended=row.ended, reason=row.reason) for row in rows]


def span(connection: Connection) -> tuple[int | None, int | None]:
    """The oldest and the newest slot: two looks at the table's ends, where one statement would read it all."""
    oldest = connection.scalar(select(func.min(_result.slot)))
    return oldest, connection.scalar(select(func.max(_result.slot)))


def _state_of(row: Row[Any], incidents: dict[int, Incident]) -> EndpointState:
    return EndpointState(
        state=Outcome(row.state),
        settled=Outcome(row.settled),
        since=row.since,
        worse=(row.worse_degraded, row.worse_down),
        better=(row.better_up, row.better_degraded),
        incident=incidents.get(row.endpoint),
    )


def _incident_of(row: Row[Any]) -> Incident:
    return Incident(
        endpoint=row.endpoint, opened=row.opened, closed=row.closed, state=Outcome(row.state), cause=row.cause
    )


def _tally_of(row: RowMapping) -> Tally:
    return Tally(**row)


def _hours(connection: Connection, since: int) -> Iterator[list[int]]:
    first = connection.scalar(select(func.min(_tally.hour)).where(_tally.hour >= since))
    last = connection.scalar(select(func.max(_tally.hour)))
    if first is None or last is None:
        return
    hours = range(first, last + 1, HOUR)
    for start in range(0, len(hours), _HOURS):
        yield list(hours[start : start + _HOURS])


def _add(tally: Tally, row: Row[Any]) -> None:
    outcome = OUTCOMES[row.outcome].value
    setattr(tally, outcome, getattr(tally, outcome) + row.results)
    if row.answer == _WARM:
        tally.warm += row.results
        tally.warm_sum += row.sum / 1e3
        tally.warm_max = max(tally.warm_max, row.most / 1e3)
    elif row.answer == _COLD:
        tally.cold += row.results
        tally.cold_sum += row.sum / 1e3
        tally.cold_max = max(tally.cold_max, row.most / 1e3)
