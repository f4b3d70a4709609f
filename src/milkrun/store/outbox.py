"""What comes into the outbox, and what is taken back. Functions over a Connection, in the caller's transaction.

Each is a fixed number of statements, however many messages there are. A message that has just come in is NEW, for
other rows to be judged by it, until its transaction ends.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from milkrun.core.alert import Message, Purpose, Subject
from milkrun.core.incident import IncidentKey, Kind, Moment
from milkrun.store import schema
from milkrun.store.dialect import insert_once
from milkrun.store.outbox_protocol import Status
from milkrun.store.texts import json_text, storable

# No Status: outside of the transaction that writes it nobody ever sees it.
_NEW = "new"

# Keys in one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
_KEYS = 5_000

_message = schema.message.c
_WAITING = and_(_message.status == Status.PENDING.value, _message.tries == 0)


def insert_messages(connection: Connection, messages: Sequence[Message]) -> None:
    """Put messages in, each once. What tells of an end takes back what nobody has to be told of any more.

    A RESOLVE goes to channels to which something of its incident was, or may have been, sent, or is going to be: what
    waits past its `firm` time stays. It goes after that, however early it is due itself.
    """
    if not messages:
        return
    _insert(connection, messages)
    channels = {message.channel for message in messages}
    if any(message.purpose is Purpose.RESOLVE for message in messages):
        _take_back(connection, channels)
        _leave_out(connection, channels)
        _after_what_they_end(connection, channels)
    if any(message.purpose is Purpose.ESCALATE for message in messages):
        _spare(connection, channels)
    _settle(connection, channels)


def insert_reminders(connection: Connection, messages: Sequence[Message]) -> None:
    """Put reminders in, where there is still something to be reminded of, and no other reminder waits."""
    if not messages:
        return
    _insert(connection, messages)
    channels = {message.channel for message in messages}
    earlier = schema.message.alias()
    other = and_(
        earlier.c.status == Status.PENDING.value, earlier.c.purpose == Purpose.REPEAT.value, _is_of_same(earlier)
    )
    ended = and_(earlier.c.purpose == Purpose.RESOLVE.value, _is_of_same(earlier))
    needless = or_(exists().where(or_(other, ended)), _acknowledged(), _explained())
    connection.execute(delete(schema.message).where(_is_new(channels), needless))
    _settle(connection, channels)


def withdraw(connection: Connection, incidents: Sequence[IncidentKey]) -> None:
    """Take back what waits for these incidents and was never tried."""
    of = tuple_(_message.endpoint, _message.opened, _message.kind)
    for start in range(0, len(incidents), _KEYS):
        keys = [(key.endpoint, key.opened, key.kind.value) for key in incidents[start : start + _KEYS]]
        statement = update(schema.message).where(_WAITING, of.in_(keys))
        connection.execute(statement.values(status=Status.WITHDRAWN.value))


def stand_down(connection: Connection, incident: IncidentKey) -> None:
    """Take back the reminders and escalations of an incident that somebody is on."""
    pressing = _message.purpose.in_([Purpose.REPEAT.value, Purpose.ESCALATE.value])
    here = is_about(incident)
    connection.execute(update(schema.message).where(_WAITING, pressing, here).values(status=Status.WITHDRAWN.value))


def is_about(incident: IncidentKey) -> ColumnElement[bool]:
    """Whether a message is about an incident."""
    return and_(
        _message.endpoint == incident.endpoint, _message.opened == incident.opened, _message.kind == incident.kind.value
    )


def message_of(row: Row[Any]) -> Message:
    """The message that a row was made of."""
    return Message(
        id=row.id,
        channel=row.channel,
        route=row.route,
        purpose=Purpose(row.purpose),
        incident=IncidentKey(row.endpoint, row.opened, Kind(row.kind)),
        created=row.created,
        due=row.due,
        firm=row.firm,
        subject=msgspec.json.decode(row.content, type=Subject),
        tells=row.tells,
    )


def _insert(connection: Connection, messages: Iterable[Message]) -> None:
    newest = connection.scalar(select(func.max(_message.seq))) or 0
    rows = [_row(message, seq) for message, seq in zip(messages, count(newest + 1), strict=False)]
    insert_once(connection, schema.message, rows)


def _row(message: Message, seq: int) -> tuple[Any, ...]:
    key = message.incident
    return (
        message.id,
        seq,
        message.channel,
        message.route,
        message.purpose.value,
        key.endpoint,
        key.opened,
        key.kind.value,
        message.created,
        message.due,
        message.firm,
        message.tells,
        _NEW,
        None,
        0,
        storable(json_text(message.subject)),
    )


def _is_new(channels: Iterable[str]) -> ColumnElement[bool]:
    return and_(_message.channel.in_(sorted(channels)), _message.status == _NEW)


def _is_of_same(other: FromClause) -> ColumnElement[bool]:
    """Whether another row is about the same incident, by the same route, for the same channel."""
    return and_(
        other.c.endpoint == _message.endpoint,
        other.c.opened == _message.opened,
        other.c.kind == _message.kind,
        other.c.route == _message.route,
        other.c.channel == _message.channel,
    )


def _take_back(connection: Connection, channels: Iterable[str]) -> None:
    """Take back what an end has come for in time."""
    end = schema.message.alias()
    ended = exists().where(
        end.c.status == _NEW,
        end.c.purpose == Purpose.RESOLVE.value,
        end.c.seq > _message.seq,
        end.c.created < _message.firm,
        _is_of_same(end),
    )
    waiting = and_(
        _message.channel.in_(sorted(channels)),
        _message.status.in_([Status.PENDING.value, _NEW]),
        _message.purpose != Purpose.RESOLVE.value,
        _message.tries == 0,
    )
    connection.execute(update(schema.message).where(waiting, ended).values(status=Status.WITHDRAWN.value))


def _leave_out(connection: Connection, channels: Iterable[str]) -> None:
    """Send no end to where there was no beginning."""
    told = schema.message.alias()
    begun = exists().where(
        told.c.status != Status.WITHDRAWN.value, told.c.purpose != Purpose.RESOLVE.value, _is_of_same(told)
    )
    ends = and_(_is_new(channels), _message.purpose == Purpose.RESOLVE.value)
    needless = or_(_message.tells.is_(False), ~begun)
    connection.execute(update(schema.message).where(ends, needless).values(status=Status.WITHDRAWN.value))


def _after_what_they_end(connection: Connection, channels: Iterable[str]) -> None:
    told = schema.message.alias()
    # Said the other way round, for "is one of" would lead SQLite to read the whole queue for each.
    waiting = told.c.status.not_in(
        [Status.CLAIMED.value, Status.SENT.value, Status.WITHDRAWN.value, Status.FAILED.value]
    )
    last = select(func.max(told.c.due)).where(waiting, _is_of_same(told)).scalar_subquery()
    ends = and_(_is_new(channels), _message.purpose == Purpose.RESOLVE.value)
    later = case((last > _message.due, last), else_=_message.due)
    connection.execute(update(schema.message).where(ends).values(due=later))


def _spare(connection: Connection, channels: Iterable[str]) -> None:
    """Call nobody to what somebody is on already."""
    needless = and_(_is_new(channels), _message.purpose == Purpose.ESCALATE.value, _acknowledged())
    connection.execute(update(schema.message).where(needless).values(status=Status.WITHDRAWN.value))


def _settle(connection: Connection, channels: Iterable[str]) -> None:
    connection.execute(update(schema.message).where(_is_new(channels)).values(status=Status.PENDING.value))


def _acknowledged() -> ColumnElement[bool]:
    entry = schema.entry.c
    return exists().where(
        entry.endpoint == _message.endpoint,
        entry.opened == _message.opened,
        entry.kind == _message.kind,
        entry.moment == Moment.ACKNOWLEDGED.value,
    )


def _explained() -> ColumnElement[bool]:
    incident = schema.incident.c
    return exists().where(
        incident.endpoint == _message.endpoint,
        incident.opened == _message.opened,
        incident.kind == _message.kind,
        incident.parent.is_not(None),
    )
