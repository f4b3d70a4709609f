"""Channels as the outbox knows them, what people do to incidents, and the key of links. Over a Connection."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from milkrun.core.alert import Firing
from milkrun.core.incident import Entry, IncidentKey, Moment
from milkrun.store import schema
from milkrun.store.dialect import insert_once
from milkrun.store.incidents import add_entries
from milkrun.store.outbox import stand_down
from milkrun.store.outbox_claims import log_attempt
from milkrun.store.outbox_protocol import Attempt, ChannelState, Status

_LINKS = "links"
_KEY_BYTES = 32
NOT_CONFIGURED = "the channel is not configured any more"

_message = schema.message.c
_channel = schema.channel.c
_attempt = schema.attempt.c
_OPEN = [Status.PENDING.value, Status.CLAIMED.value]


def configure(connection: Connection, channels: Mapping[str, str], *, now: int) -> None:
    """Know these channels, by name with a fingerprint; give up what waits for others."""
    known = {row.name: row for row in connection.execute(select(schema.channel))}
    fresh = [_fresh(name, mark) for name, mark in sorted(channels.items()) if name not in known]
    insert_once(connection, schema.channel, fresh)
    for name, mark in channels.items():
        if name in known and known[name].fingerprint != mark:
            enable(connection, name)
            connection.execute(update(schema.channel).where(_channel.name == name).values(fingerprint=mark))
    waiting = select(_message.channel, func.count().label("messages")).where(_message.status.in_(_OPEN))
    for row in connection.execute(waiting.group_by(_message.channel)).all():
        if row.channel not in channels:
            _abandon(connection, row.channel, row.messages, now)


def enable(connection: Connection, channel: str) -> None:
    """Let a channel take messages again, and give those that failed with it another chance."""
    row = connection.execute(select(schema.channel).where(_channel.name == channel)).first()
    if row is None or row.disabled is None:
        return
    failed = and_(_message.channel == channel, _message.status == Status.FAILED.value)
    connection.execute(update(schema.message).where(failed).values(status=Status.PENDING.value))
    afresh = {"disabled": None, "claim": None, "lease": 0, "hold": 0, "tried": 0, "failing": None}
    connection.execute(update(schema.channel).where(_channel.name == channel).values(**afresh))


def channels(connection: Connection) -> list[ChannelState]:
    """How every channel does, by name."""
    counts = select(_message.channel, _message.status, func.count().label("messages"))
    counts = counts.where(_message.status.in_([*_OPEN, Status.FAILED.value])).group_by(
        _message.channel, _message.status
    )
    messages = {(row.channel, row.status): row.messages for row in connection.execute(counts)}
    newest = select(func.max(_attempt.id)).group_by(_attempt.channel)
    rows = connection.execute(select(schema.attempt).where(_attempt.id.in_(newest)))
    last = {row.channel: _attempt_of(row) for row in rows}
    known = {row.name: row for row in connection.execute(select(schema.channel))}
    names = sorted(known.keys() | last.keys() | {channel for channel, _ in messages})
    return [_channel_state(name, known.get(name), messages, last.get(name)) for name in names]


def attempts(connection: Connection, channel: str, *, limit: int) -> list[Attempt]:
    """A channel's last attempts, newest first."""
    statement = select(schema.attempt).where(_attempt.channel == channel).order_by(_attempt.id.desc()).limit(limit)
    return [_attempt_of(row) for row in connection.execute(statement)]


def acknowledge(connection: Connection, incident: IncidentKey, *, by: str, at: int) -> bool:
    """Note that somebody is on it, and press nobody any more."""
    if not _is_open(connection, incident) and not _is_firing(connection, incident):
        return False
    add_entries(connection, [Entry(incident=incident, at=at, moment=Moment.ACKNOWLEDGED, by=by)])
    stand_down(connection, incident)
    return True


def note(connection: Connection, incident: IncidentKey, *, by: str, at: int, text: str) -> bool:
    """Add a person's note."""
    if connection.execute(select(schema.incident.c.opened).where(_is(incident))).first() is None:
        return False
    add_entries(connection, [Entry(incident=incident, at=at, moment=Moment.NOTE, text=text, by=by)])
    return True


def secret(connection: Connection) -> bytes:
    """The key of links; made by whoever asks first."""
    insert_once(connection, schema.secret, [(_LINKS, secrets.token_bytes(_KEY_BYTES))])
    table = schema.secret.c
    return bytes(connection.execute(select(table.content).where(table.name == _LINKS)).scalar_one())


def _fresh(name: str, fingerprint: str) -> tuple[Any, ...]:
    return name, fingerprint, None, 0, 0, 0, None, None, 0, 0


def _abandon(connection: Connection, channel: str, messages: int, now: int) -> None:
    waiting = and_(_message.channel == channel, _message.status.in_(_OPEN))
    connection.execute(update(schema.message).where(waiting).values(status=Status.FAILED.value, claim=None))
    error = NOT_CONFIGURED
    log_attempt(connection, Attempt(channel=channel, at=now, took=0.0, messages=messages, error=error))


def _channel_state(
    name: str, known: Row[Any] | None, messages: Mapping[tuple[str, str], int], last: Attempt | None
) -> ChannelState:
    return ChannelState(
        channel=name,
        pending=sum(messages.get((name, status), 0) for status in _OPEN),
        failed=messages.get((name, Status.FAILED.value), 0),
        last=last,
        disabled=None if known is None else known.disabled,
        arrived=0 if known is None else known.arrived,
        refused=0 if known is None else known.refused,
    )


def _attempt_of(row: Row[Any]) -> Attempt:
    return Attempt(channel=row.channel, at=row.at, took=row.took, messages=row.messages, error=row.error)


def _is(incident: IncidentKey) -> ColumnElement[bool]:
    table = schema.incident.c
    return and_(table.endpoint == incident.endpoint, table.opened == incident.opened, table.kind == incident.kind.value)


def _is_open(connection: Connection, incident: IncidentKey) -> bool:
    still = select(schema.incident.c.opened).where(_is(incident), schema.incident.c.closed.is_(None))
    return connection.execute(still).first() is not None


def _is_firing(connection: Connection, incident: IncidentKey) -> bool:
    """Whether a route goes on telling of it: one that came back too soon is the same to whoever was told of it."""
    told = connection.scalars(select(schema.firing.c.content).where(schema.firing.c.endpoint == incident.endpoint))
    return any(msgspec.json.decode(content, type=Firing).incident.key == incident for content in told)
