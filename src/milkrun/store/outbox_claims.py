"""Who delivers a channel's messages now, and what came of it. Functions over a Connection, in the caller's transaction.

The row of a channel is its lock: whoever changes it from free, or from a lease that is over, to his claim has it; two
cannot. Everything after that asks whether the claim is still the one: a worker that was slower than its lease changes
nothing for the next one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Row,
    Update,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import Entry, Moment
from milkrun.store import schema
from milkrun.store.incidents import add_entries
from milkrun.store.outbox import insert_reminders, message_of
from milkrun.store.outbox_protocol import Attempt, Claim, Status
from milkrun.store.texts import storable

_message = schema.message.c
_channel = schema.channel.c

_OPEN = [Status.PENDING.value, Status.CLAIMED.value]
_FREE: dict[str, Any] = {"claim": None, "lease": 0}
_NO_TROUBLE: dict[str, Any] = {**_FREE, "hold": 0, "tried": 0, "failing": None}


def next_due(connection: Connection, channel: str) -> int | None:
    """When the first message of a channel may be claimed; None where nothing waits, or the channel is disabled."""
    row = _state(connection, channel)
    if row is None or row.disabled is not None:
        return None
    waiting = and_(_message.channel == channel, _message.status.in_(_OPEN))
    first = connection.scalar(select(func.min(_message.due)).where(waiting))
    return None if first is None else max(first, row.hold, row.lease)


def end_leases(connection: Connection) -> None:
    """Nobody delivers now; what was claimed still counts as tried."""
    connection.execute(update(schema.channel).where(_channel.claim.is_not(None)).values(**_FREE))


def claim(connection: Connection, channel: str, *, now: int, lease: int, limit: int) -> Claim | None:
    """Claim what is due, oldest first."""
    token = uuid4().hex
    if not _taken(connection, channel, token, now, lease):
        return None
    messages = _marked(connection, channel, token, now, limit)
    state = _state(connection, channel)
    if not messages or state is None:
        _change_channel(connection, channel, token, **_FREE)
        return None
    return Claim(id=token, channel=channel, messages=messages, tried=state.tried, failing=state.failing)


def sent(connection: Connection, claimed: Claim, attempt: Attempt, follow: Sequence[Message]) -> None:
    """They arrived."""
    connection.execute(_of(claimed).values(status=Status.SENT.value))
    arrived = _channel.arrived + 1
    _change_channel(connection, claimed.channel, claimed.id, **_NO_TROUBLE, arrived=arrived)
    log_attempt(connection, attempt)
    add_entries(connection, [_told(message, attempt.at) for message in claimed.messages])
    insert_reminders(connection, follow)


def put_off(connection: Connection, claimed: Claim, attempt: Attempt | None, *, until: int, stale: int | None) -> None:
    """They wait, except for those that have waited for too long."""
    if stale is not None:
        connection.execute(_of(claimed).where(_message.due < stale).values(status=Status.FAILED.value, claim=None))
    tries = _message.tries + int(attempt is not None)
    connection.execute(_of(claimed).values(status=Status.PENDING.value, claim=None, tries=tries))
    trouble: dict[str, Any] = {} if attempt is None else _trouble(attempt)
    _change_channel(connection, claimed.channel, claimed.id, **_FREE, hold=until, **trouble)
    if attempt is not None:
        log_attempt(connection, attempt)


def give_up(connection: Connection, claimed: Claim, attempt: Attempt, *, disable: bool) -> None:
    """They are failed."""
    connection.execute(_of(claimed).values(status=Status.FAILED.value, claim=None, tries=_message.tries + 1))
    disabled = {"disabled": storable(attempt.error or "")} if disable else {}
    refused = _channel.refused + 1
    _change_channel(connection, claimed.channel, claimed.id, **_NO_TROUBLE, **disabled, refused=refused)
    log_attempt(connection, attempt)


def hold(connection: Connection, claimed: Claim, due: Mapping[str, int]) -> Claim | None:
    """Some of them are not due before a later time, and neither is what tells of their end."""
    held = [_holding(claimed, message, due[message.id]) for message in claimed.messages if message.id in due]
    connection.execute(_HOLD, held)
    rows = connection.execute(_claimed_by(claimed.id, claimed.channel))
    left = tuple([message_of(row) for row in rows])
    if not left:
        _change_channel(connection, claimed.channel, claimed.id, **_FREE)
        return None
    return Claim(id=claimed.id, channel=claimed.channel, messages=left, tried=claimed.tried, failing=claimed.failing)


def log_attempt(connection: Connection, attempt: Attempt) -> None:
    """Write an attempt down."""
    connection.execute(
        insert(schema.attempt).values(
            channel=attempt.channel,
            at=attempt.at,
            took=attempt.took,
            messages=attempt.messages,
            error=None if attempt.error is None else storable(attempt.error),
        )
    )


# By incident and route, so that what tells of the end of what is held back never goes before it.
_HOLD = (
    update(schema.message)
    .where(
        _message.channel == bindparam("on"),
        _message.route == bindparam("by"),
        _message.endpoint == bindparam("about"),
        _message.opened == bindparam("since"),
        _message.kind == bindparam("of"),
        _message.due < bindparam("until"),
        or_(
            _message.claim == bindparam("token"),
            and_(_message.status == Status.PENDING.value, _message.purpose == Purpose.RESOLVE.value),
        ),
    )
    .values(status=Status.PENDING.value, claim=None, due=bindparam("until"))
)


def _holding(claimed: Claim, message: Message, until: int) -> dict[str, Any]:
    key = message.incident
    return {
        "on": claimed.channel,
        "by": message.route,
        "about": key.endpoint,
        "since": key.opened,
        "of": key.kind.value,
        "until": until,
        "token": claimed.id,
    }


def _state(connection: Connection, channel: str) -> Row[Any] | None:
    return connection.execute(select(schema.channel).where(_channel.name == channel)).first()


def _taken(connection: Connection, channel: str, token: str, now: int, lease: int) -> bool:
    free = and_(
        _channel.name == channel,
        _channel.disabled.is_(None),
        _channel.hold <= now,
        or_(_channel.claim.is_(None), _channel.lease <= now),
    )
    result: CursorResult[Any] = connection.execute(
        update(schema.channel).where(free).values(claim=token, lease=now + lease)
    )
    return result.rowcount == 1


def _marked(connection: Connection, channel: str, token: str, now: int, limit: int) -> tuple[Message, ...]:
    """Mark what is due as this claim's: what was tried together alone, so that each try has the same to say.

    What a worker that died had claimed may have arrived: it counts as tried.
    """
    was_claimed = _message.status == Status.CLAIMED.value
    due = and_(_message.channel == channel, _message.status.in_(_OPEN), _message.due <= now)
    tried = and_(due, or_(_message.tries > 0, was_claimed))
    again = connection.execute(select(_message.id).where(tried).limit(1)).first() is not None
    picked = select(_message.id).where(tried if again else due).order_by(_message.seq, _message.id).limit(limit)
    statement = update(schema.message).where(_message.id.in_(picked))
    tries = _message.tries + case((was_claimed, 1), else_=0)
    connection.execute(statement.values(status=Status.CLAIMED.value, claim=token, tries=tries))
    return tuple([message_of(row) for row in connection.execute(_claimed_by(token, channel))])


def _claimed_by(token: str, channel: str) -> Any:
    mine = _is_claimed_by(token, channel)
    return select(schema.message).where(mine).order_by(_message.seq, _message.id)


def _is_claimed_by(token: str, channel: str) -> ColumnElement[bool]:
    return and_(_message.channel == channel, _message.status == Status.CLAIMED.value, _message.claim == token)


def _of(claimed: Claim) -> Update:
    return update(schema.message).where(_is_claimed_by(claimed.id, claimed.channel))


def _change_channel(connection: Connection, channel: str, token: str, **values: Any) -> None:
    mine = and_(_channel.name == channel, _channel.claim == token)
    connection.execute(update(schema.channel).where(mine).values(**values))


def _trouble(attempt: Attempt) -> dict[str, Any]:
    return {
        "tried": _channel.tried + 1,
        "failing": func.coalesce(_channel.failing, attempt.at),
        "refused": _channel.refused + 1,
    }


def _told(message: Message, at: int) -> Entry:
    moment = Moment.ESCALATED if message.purpose is Purpose.ESCALATE else Moment.NOTIFIED
    return Entry(incident=message.incident, at=at, moment=moment, text=f"{message.channel}: {message.purpose.value}")
