"""A year of history that ends now, made in bulk: days for a year, hours for two days, a packed day, and a raw hour.

Its results are one endpoint's over and over, so that making them takes a minute or two; how many there are, and where
they lie, is as 10,000 endpoints at 10 s would leave them after a year. Hours for a year, five minutes for a month and
packed hours for a week would be 60 GB: of some endpoints there is all of that, as by default it is kept.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Connection, update

from milkrun.core.condition import parse_condition
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.observation import Connection as Carrier
from milkrun.core.observation import Http, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import ConditionResult, Result, Trigger
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.core.rollup_bytes import encode_phases
from milkrun.core.slots import phase
from milkrun.store import rollups, schema
from milkrun.store.chunk import pack
from milkrun.store.columns import columns_of, line_of
from milkrun.store.dialect import insert_once
from milkrun.store.opening import open_database, open_store
from milkrun.store.progress import Mark, move
from milkrun.store.protocol import Batch
from milkrun.store.rows import Row, encode

INTERVAL = 10_000
HOUR, DAY, FIVE = Period.HOUR.value, Period.DAY.value, Period.FIVE_MINUTES.value

# It ends with the last whole hour, which is raw; what is before that is packed and merged. Days end with a midnight.
NOW = Period.HOUR.begin(int(time.time() * 1_000))
OPEN = NOW - HOUR
TODAY = Period.DAY.begin(OPEN)

STATUS = ConditionResult(condition="[STATUS] == 200", passed=True, shown="[STATUS] == 200")


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is: endpoints, days of day roll-ups, hours of hour roll-ups, hours that are packed.

    Of `whole` endpoints there are hours for all those days, five minutes for `month` days, packed hours for `week`.
    """

    endpoints: int = 10_000
    days: int = 365
    hours: int = 48
    packed: int = 24
    whole: int = 50
    month: int = 30
    week: int = 7


def make(path: Path, year: Year) -> list[Registered]:
    """Make such a database at `path`; its endpoints."""
    registered = asyncio.run(_begin(path, year.endpoints))
    database = open_database(path, patience=2.0)
    try:
        with database.writing.connect() as connection:
            for part in (_days, _hours, _five_minutes, _packed):
                with connection.begin():
                    part(connection, year, registered)
            _raw(connection, registered)
            with connection.begin():
                connection.execute(update(schema.endpoint).values(first=OPEN - year.week * DAY))
                for mark, to in ((Mark.PACKED, OPEN), (Mark.HOURS, OPEN), (Mark.DAYS, TODAY)):
                    move(connection, mark, to)
            database.settle(connection, patience=1.0)
    finally:
        database.release()
    return registered


def endpoint(number: int) -> Endpoint:
    """One of many, by the name that `serving.Monitored` gives it."""
    group, name = f"group-{number % 10:02}", f"service-{number:05}"
    return Endpoint(
        key=f"{group}_{name}",
        name=name,
        group=group,
        kind="http",
        target=f"https://shop.example/{number}",
        interval=INTERVAL,
        timeout=10.0,
        options=None,
        conditions=(parse_condition("[STATUS] == 200"),),
        fingerprint="1",
    )


def results(of: int, slots: range, plan: random.Random) -> Iterator[Result]:
    """What an endpoint that is up answers: one in thirty over a new connection."""
    for number, slot in enumerate(slots):
        wait, send, receive = plan.lognormvariate(-4.4, 0.3), plan.uniform(4e-5, 9e-5), plan.uniform(5e-5, 3e-4)
        cold = number % 30 == 29
        dns, connect, tls = (0.0004, plan.uniform(2e-4, 5e-4), plan.uniform(2e-3, 4e-3)) if cold else (0.0, 0.0, 0.0)
        total = dns + connect + tls + wait + send + receive + 2e-5
        yield Result(
            endpoint=of,
            revision=1,
            location="local",
            slot=slot,
            attempt=1,
            trigger=Trigger.SCHEDULE,
            started=(slot + plan.uniform(0.2, 4)) / 1_000,
            outcome=Outcome.UP,
            timings=Timings(
                queue=2e-5, dns=dns, connect=connect, tls=tls, send=send, wait=wait, receive=receive, total=total
            ),
            connection=Carrier.COLD if cold else Carrier.WARM,
            peer="10.0.0.7:443",
            lag_ms=plan.uniform(0.02, 0.4),
            http=Http(status=200, version="1.1", bytes=55),
            conditions=(STATUS,),
        )


async def _begin(path: Path, endpoints: int) -> list[Registered]:
    """Register, and write one result of each kind: what they share has the ids 1 and 2."""
    store = await open_store(path)
    registered = await store.register([endpoint(number) for number in range(endpoints)])
    first = phase(registered[0].endpoint.key, INTERVAL)
    both = list(results(registered[0].id, range(OPEN + first, OPEN + first + 30 * INTERVAL, INTERVAL), _plan()))
    await store.write(Batch(results=[both[0], both[-1]]))
    await store.close()
    return registered


def _plan() -> random.Random:
    return random.Random(7)  # noqa: S311 - a plan that can be repeated, no secret


def _row(result: Result) -> Row:
    return encode(result, 1, 1 if result.connection is Carrier.WARM else 2, 0, None)


def _days(connection: Connection, year: Year, registered: list[Registered]) -> None:
    """Warm for all; cold ones are a tenth as many, for the disk's sake: the look-ups are the same."""
    model = roll_up(Period.DAY, results(1, range(TODAY, TODAY + DAY, INTERVAL), _plan()))
    _repeat(connection, model, registered, range(TODAY - year.days * DAY, TODAY, DAY), cold_every=10)


def _hours(connection: Connection, year: Year, registered: list[Registered]) -> None:
    model = roll_up(Period.HOUR, results(1, range(TODAY, TODAY + HOUR, INTERVAL), _plan()))
    recent = OPEN - year.hours * HOUR
    _repeat(connection, model, registered[: year.whole], range(TODAY - year.days * DAY, recent, HOUR))
    _repeat(connection, model, registered, range(recent, OPEN, HOUR))


def _five_minutes(connection: Connection, year: Year, registered: list[Registered]) -> None:
    model = roll_up(Period.FIVE_MINUTES, results(1, range(TODAY, TODAY + FIVE, INTERVAL), _plan()))
    _repeat(connection, model, registered[: year.whole], range(NOW - year.month * DAY, OPEN - HOUR, FIVE))
    _repeat(connection, model, registered, range(OPEN - HOUR, NOW, FIVE))


def _repeat(
    connection: Connection, model: list[Rollup], registered: list[Registered], starts: range, *, cold_every: int = 1
) -> None:
    told = [(rollup.connection is Carrier.COLD, _counts(rollup)) for rollup in model]
    for start in starts:
        rows = [
            (rollups.CODES[model[0].period], start, one.id, 1, int(cold), *counts)
            for one in registered
            for cold, counts in told
            if not cold or one.id % cold_every == 0
        ]
        insert_once(connection, schema.rollup, rows)


def _counts(rollup: Rollup) -> tuple[object, ...]:
    total = rollup.phases["total"]
    phases = encode_phases(rollup.phases)
    return rollup.up, 0, 0, 0, 0, total.count, total.sum, total.max, phases


def _packed(connection: Connection, year: Year, registered: list[Registered]) -> None:
    for hour in range(OPEN - year.week * DAY, OPEN, HOUR):
        lines = [line_of(_row(one)) for one in results(1, range(hour + 17, hour + HOUR, INTERVAL), _plan())]
        content = pack(columns_of(lines))
        whose = registered if hour >= OPEN - year.packed * HOUR else registered[: year.whole]
        insert_once(connection, schema.chunk, [(hour, one.id, len(lines), content) for one in whose])


def _raw(connection: Connection, registered: list[Registered]) -> None:
    """In the order of time, a flush of ten seconds at a time."""
    model = [_row(one)[4:] for one in results(1, range(0, HOUR, INTERVAL), _plan())]
    due = sorted((phase(one.endpoint.key, INTERVAL), one.id) for one in registered)
    for number, content in enumerate(model):
        base = OPEN + number * INTERVAL
        with connection.begin():
            rows = [(base + offset, identity, 1, 1, *content) for offset, identity in due]
            insert_once(connection, schema.result, rows)
