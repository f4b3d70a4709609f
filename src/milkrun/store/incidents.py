"""Incidents as rows, with their timeline and evidence."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Table, and_, func, select, tuple_

from milkrun.core.incident import Entry, Exhibit, Incident, IncidentKey, Kind, Moment
from milkrun.core.outcome import Outcome
from milkrun.store import schema
from milkrun.store.dialect import insert_once, put
from milkrun.store.protocol import Case, Page
from milkrun.store.texts import json_text, storable

_incident = schema.incident.c
_entry = schema.entry.c

_MOMENTS = {moment: place for place, moment in enumerate(Moment)}


def put_incidents(connection: Connection, incidents: Iterable[Incident]) -> None:
    """Write incidents, each in the place of what was known of it."""
    put(connection, schema.incident, [_incident_row(one) for one in incidents])


def add_entries(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add lines to timelines; one that is there already is not there twice."""
    insert_once(connection, schema.entry, [_entry_row(one) for one in entries])


def keep_exhibits(connection: Connection, exhibits: Iterable[Exhibit]) -> None:
    """Keep evidence: an incident's first exhibit stands."""
    insert_once(connection, schema.exhibit, [(*_key(one.incident), json_text(one)) for one in exhibits])


def matching(
    *,
    endpoint: int | None,
    open_only: bool,
    closed_only: bool,
    states: Iterable[Outcome] | None,
    kinds: Iterable[Kind] | None,
    during: tuple[int, int] | None = None,
) -> list[ColumnElement[bool]]:
    """The conditions on the incidents asked for."""
    wanted: list[ColumnElement[bool]] = []
    if endpoint is not None:
        wanted.append(_incident.endpoint == endpoint)
    if open_only:
        wanted.append(_incident.closed.is_(None))
    if closed_only:
        wanted.append(_incident.closed.is_not(None))
    if states is not None:
        wanted.append(_incident.state.in_([state.value for state in states]))
    if kinds is not None:
        wanted.append(_incident.kind.in_([kind.value for kind in kinds]))
    if during is not None:
        since, until = during
        wanted += [_incident.opened < until, _incident.closed.is_(None) | (_incident.closed > since)]
    return wanted


def page(connection: Connection, *, wanted: list[ColumnElement[bool]], limit: int, offset: int) -> Page:
    """A page of incidents, newest first."""
    order = _incident.opened.desc(), _incident.endpoint.desc(), _incident.kind.desc()
    statement = select(schema.incident).where(*wanted).order_by(*order).limit(limit).offset(offset)
    total = connection.scalar(select(func.count()).select_from(schema.incident).where(*wanted))
    items = tuple(_incident_of(row) for row in connection.execute(statement).mappings())
    return Page(items=items, total=total or 0, acknowledged=_acknowledged(connection, [one.key for one in items]))


def case(connection: Connection, *, key: IncidentKey) -> Case | None:
    """All that is known of one incident."""
    found = connection.execute(select(schema.incident).where(_is(schema.incident, key))).mappings().first()
    if found is None:
        return None
    timeline = connection.execute(select(schema.entry).where(_is(schema.entry, key)).order_by(_entry.at, _entry.mark))
    evidence: str | None = connection.scalar(select(schema.exhibit.c.content).where(_is(schema.exhibit, key)))
    return Case(
        incident=_incident_of(found),
        entries=tuple(sorted(map(_entry_of, timeline), key=_order)),
        exhibit=None if evidence is None else msgspec.json.decode(evidence, type=Exhibit),
    )


def _acknowledged(connection: Connection, keys: Sequence[IncidentKey]) -> dict[IncidentKey, str]:
    """Who first said to be on it, of those incidents where somebody did."""
    here = tuple_(_entry.endpoint, _entry.opened, _entry.kind).in_([_key(key) for key in keys])
    said = select(schema.entry).where(_entry.moment == Moment.ACKNOWLEDGED.value, here).order_by(_entry.at.desc())
    return {entry.incident: entry.by for entry in map(_entry_of, connection.execute(said))} if keys else {}


def _is(table: Table, key: IncidentKey) -> ColumnElement[bool]:
    own = table.c
    return and_(own.endpoint == key.endpoint, own.opened == key.opened, own.kind == key.kind.value)


def _key(key: IncidentKey) -> tuple[int, int, str]:
    return key.endpoint, key.opened, key.kind.value


def _incident_row(one: Incident) -> tuple[Any, ...]:
    cause = storable(one.cause)
    return *_key(one.key), one.closed, one.state.value, cause, one.layer, one.parent, one.flapping


def _incident_of(row: RowMapping) -> Incident:
    return Incident(**dict(row) | {"kind": Kind(row["kind"]), "state": Outcome(row["state"])})


def _order(entry: Entry) -> tuple[int, int]:
    """Of one moment's entries, what opens an incident stands first and what ends it last."""
    return entry.at, _MOMENTS[entry.moment]


def _entry_row(one: Entry) -> tuple[Any, ...]:
    text, by = storable(one.text), storable(one.by)
    mark = hashlib.blake2b(f"{by}\0{text}".encode(), digest_size=8).digest()
    return *_key(one.incident), one.at, one.moment.value, int.from_bytes(mark, signed=True), text, by


def _entry_of(row: Row[Any]) -> Entry:
    key = IncidentKey(row.endpoint, row.opened, Kind(row.kind))
    return Entry(incident=key, at=row.at, moment=Moment(row.moment), text=row.text, by=row.by)
