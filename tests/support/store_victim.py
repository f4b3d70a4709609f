"""A process that writes flush after flush until it is killed, saying after each that it was committed.

Flush n has a result of slot START + n for each endpoint, a streak of n, five minutes in which n were up, and in every
third an incident opened, with its evidence, its message and what was told, that the next one closes: whatever is found
afterwards must be of one flush.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from milkrun.core.alert import Firing
from milkrun.core.incident import Entry, Exhibit, Incident, Moment
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import FIVE_MINUTES_MS, Period, Rollup
from milkrun.core.state import EndpointState
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch
from tests.support.alerts import a_message
from tests.support.history import START, a_failure, a_result, an_endpoint, an_incident

ENDPOINTS = 20


def flush_of(number: int, endpoints: list[int]) -> Batch:
    """The flush that every reader of the wreck expects under this number."""
    phase = number % 3
    whose = endpoints[0]
    batch = Batch(
        results=[(a_failure if phase == 1 else a_result)(endpoint, START + number) for endpoint in endpoints],
        states={whose: _state(number, whose)},
        rollups=[_five_minutes(number, whose)],
    )
    if phase == 1:
        _open(batch, incident_of(number, whose))
    elif phase == 2:
        _close(batch, incident_of(number, whose))
    return batch


def incident_of(number: int, endpoint: int) -> Incident:
    """The incident that a flush opens or closes."""
    phase = number % 3
    return an_incident(endpoint, START + number - phase + 1, closed=START + number if phase == 2 else None)


def _state(number: int, endpoint: int) -> EndpointState:
    is_down = number % 3 == 1
    return EndpointState(
        state=Outcome.DOWN if is_down else Outcome.UP,
        settled=Outcome.DOWN if is_down else Outcome.UP,
        since=START + number,
        worse=(number, number),
        incident=incident_of(number, endpoint) if is_down else None,
    )


def _five_minutes(number: int, endpoint: int) -> Rollup:
    start = START + number * FIVE_MINUTES_MS
    return Rollup(
        period=Period.FIVE_MINUTES,
        start=start,
        endpoint=endpoint,
        location="local",
        connection=Connection.WARM,
        up=number,
    )


def _open(batch: Batch, incident: Incident) -> None:
    message = a_message(at=incident.opened, incident=incident.key)
    told = Firing(
        endpoint=incident.endpoint, route="core", channels=("ops",), incident=incident, subject=message.subject
    )
    batch.incidents = [incident]
    batch.entries = [Entry(incident=incident.key, at=incident.opened, moment=Moment.OPENED, text=incident.cause)]
    batch.exhibits = [Exhibit(incident=incident.key, result=batch.results[0], body="refused")]
    batch.messages = [message]
    batch.firings = {(incident.endpoint, "core"): told}


def _close(batch: Batch, incident: Incident) -> None:
    assert incident.closed is not None
    batch.incidents = [incident]
    batch.entries = [Entry(incident=incident.key, at=incident.closed, moment=Moment.RESOLVED)]
    batch.firings = {(incident.endpoint, "core"): None}


async def _main(where: Path | str) -> None:
    store = await open_store(where)
    registered = await store.register([an_endpoint(str(number)) for number in range(ENDPOINTS)])
    endpoints = [one.id for one in registered]
    newest = (await store.storage()).newest
    for number in itertools.count(0 if newest is None else newest + 1 - START):
        await store.write(flush_of(number, endpoints))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])))
