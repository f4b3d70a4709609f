"""A Result as a row of the `result` table and back.

Durations are rounded to whole microseconds, `started` too; everything else comes back as it was. Numbers that are
usually 0 are chosen so (`up`, `schedule`, `warm`): SQLite keeps a 0 or 1 in no bytes at all.
"""

from itertools import product
from typing import Any

from milkrun.core.observation import Connection, Http, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result, Trigger
from milkrun.store.facts import Remarks, Scene, conditions_of

OUTCOMES = (Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN)
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}

# The bits of `manner`: the connection in two, then whether it was a stale retry, whether it failed, and the trigger.
CONNECTIONS = (Connection.WARM, Connection.COLD, None)
CONNECTION_BITS = 3
STALE = 4
FAILED = 8
_TRIGGERS = (Trigger.SCHEDULE, Trigger.RETRY, Trigger.MANUAL)

MANNER_CODES = {
    (connection, stale, failed, trigger): code + STALE * stale + FAILED * failed + 2 * FAILED * cause
    for (code, connection), stale, failed, (cause, trigger) in product(
        enumerate(CONNECTIONS), (False, True), (False, True), enumerate(_TRIGGERS)
    )
}
_MANNERS = {code: manner for manner, code in MANNER_CODES.items()}

Row = tuple[Any, ...]


def encode(result: Result, location: int, scene: int, remarks: int | None, aside: str | None) -> Row:
    """The row's values in the order of the table's columns."""
    http, slot, timings = result.http, result.slot, result.timings
    # A warm check has no dns, connect or tls: to ask costs a fifth of rounding a 0.
    return (
        slot,
        result.endpoint,
        location,
        result.attempt,
        result.revision,
        OUTCOME_CODES[result.outcome],
        MANNER_CODES[result.connection, result.stale_retry, result.failure is not None, result.trigger],
        scene,
        http.bytes if http else None,
        round(result.started * 1e6) - slot * 1_000,
        round(result.lag_ms * 1e3),
        round(timings.queue * 1e6),
        round(timings.dns * 1e6) if timings.dns else 0,
        round(timings.connect * 1e6) if timings.connect else 0,
        round(timings.tls * 1e6) if timings.tls else 0,
        round(timings.send * 1e6),
        round(timings.wait * 1e6),
        round(timings.receive * 1e6),
        round(timings.total * 1e6),
        remarks,
        aside,
    )


def decode(row: Row, location: str, scene: Scene, remarks: Remarks | None) -> Result:
    """The Result that a row was made of."""
    slot, endpoint, _, attempt, revision, outcome, manner, _, size, delay, lag, *durations, _, _ = row
    connection, stale_retry, _, trigger = _MANNERS[manner]
    return Result(
        endpoint=endpoint,
        revision=revision,
        location=location,
        slot=slot,
        attempt=attempt,
        trigger=trigger,
        started=(slot * 1_000 + delay) / 1e6,
        outcome=OUTCOMES[outcome],
        timings=_timings(*durations),
        connection=connection,
        stale_retry=stale_retry,
        peer=scene.peer,
        lag_ms=lag / 1e3,
        warnings=remarks.warnings if remarks else (),
        http=_http(scene, size),
        tls=scene.tls,
        conditions=conditions_of(scene, remarks),
        failure=remarks.failure if remarks else None,
    )


def _http(scene: Scene, size: int) -> Http | None:
    if scene.status is None or scene.version is None:
        return None
    return Http(status=scene.status, version=scene.version, bytes=size)


def _timings(queue: int, dns: int, connect: int, tls: int, send: int, wait: int, receive: int, total: int) -> Timings:
    return Timings(
        queue=queue / 1e6,
        dns=dns / 1e6,
        connect=connect / 1e6,
        tls=tls / 1e6,
        send=send / 1e6,
        wait=wait / 1e6,
        receive=receive / 1e6,
        total=total / 1e6,
    )
