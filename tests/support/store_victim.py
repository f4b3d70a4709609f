"""A process that writes flush after flush until it is killed, saying after each that it was committed.

Flush n has a result of slot START + n for each endpoint, a streak of n, and in every third an incident opened that the
next one closes: whatever is found afterwards must be of one flush.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Batch
from milkrun.store.sqlite import open_sqlite
from tests.support.history import START, a_failure, a_result, an_endpoint

ENDPOINTS = 20


def flush_of(number: int, endpoints: list[int]) -> Batch:
    """The flush that every reader of the wreck expects under this number."""
    phase = number % 3
    incident = None
    if phase:
        closed = START + number if phase == 2 else None
        opened = START + number - phase + 1
        incident = Incident(endpoint=endpoints[0], opened=opened, closed=closed, state=Outcome.DOWN, cause="refused")
    state = EndpointState(
        state=Outcome.DOWN if phase == 1 else Outcome.UP,
        settled=Outcome.DOWN if phase == 1 else Outcome.UP,
        since=START + number,
        worse=(number, number),
        incident=incident if phase == 1 else None,
    )
    make = a_failure if phase == 1 else a_result
    return Batch(
        results=[make(endpoint, START + number) for endpoint in endpoints],
        states={endpoints[0]: state},
        incidents=() if incident is None else (incident,),
    )


async def _main(path: Path) -> None:
    store = await open_sqlite(path)
    registered = await store.register([an_endpoint(str(number)) for number in range(ENDPOINTS)])
    endpoints = [one.id for one in registered]
    newest = (await store.storage()).newest
    for number in itertools.count(0 if newest is None else newest + 1 - START):
        await store.write(flush_of(number, endpoints))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
