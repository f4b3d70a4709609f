"""A database as the first version left it, with some of everything, and what a store must make of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine, text

from milkrun.core.incident import Incident
from milkrun.core.observation import Connection as Carrier
from milkrun.core.observation import Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import Result
from milkrun.core.state import EndpointState
from milkrun.core.tally import HOUR, Tally
from milkrun.store.migrate import step_up
from milkrun.store.protocol import Gap
from tests.support.history import START, TLS, a_failure, a_result, an_incident

SLOTS = [START + 7_777, START + 17_777]

REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="10.0.0.7:443 refuses connections")

RESULTS: list[Result] = [
    a_result(1, SLOTS[0]),
    a_failure(1, SLOTS[1], failure=REFUSED, timings=Timings(dns=0.002, connect=0.0005, total=0.0025)),
]

CLOSED = an_incident(1, START, closed=START + 5_000, state=Outcome.DEGRADED, cause="[RESPONSE_TIME] (12) < 10")
OPEN = an_incident(1, SLOTS[1], cause=f"connect/refused: {REFUSED.message}")
INCIDENTS: list[Incident] = [OPEN, msgspec.structs.replace(CLOSED, layer="condition")]

STATES = {
    1: EndpointState(
        state=Outcome.UNKNOWN, settled=Outcome.DOWN, since=SLOTS[1], worse=(2, 1), better=(0, 0), incident=OPEN
    ),
    2: EndpointState(state=Outcome.UP, settled=Outcome.UP, since=START, better=(1, 1)),
}

TALLIES = [
    Tally(endpoint=1, hour=START - HOUR, up=300, down=60, warm=290, warm_sum=3_500.5, warm_max=20.25, cold=10),
    Tally(endpoint=2, hour=START - HOUR, degraded=3, unknown=1),
    Tally(endpoint=1, hour=START, up=1, down=1, warm=1, warm_sum=12.5, warm_max=12.5),
]
TALLIES[0].cold_sum, TALLIES[0].cold_max = 900.0, 150.0

GAPS = [Gap(began=START - 90_000, ended=START - 60_000, reason="not running")]


@contextmanager
def connected(where: Path | str) -> Iterator[Connection]:
    """A transaction on a database, past the store."""
    if isinstance(where, Path):
        where.parent.mkdir(exist_ok=True)
        engine = create_engine(f"sqlite:///{where}")
    else:
        engine = create_engine(where.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def write_first(where: Path | str) -> None:
    """Make the first version's tables and fill them."""
    with connected(where) as connection:
        step_up(connection, "0001")
        if isinstance(where, str):
            connection.execute(text("CREATE TABLE result_all PARTITION OF result DEFAULT"))
        for table, rows in _contents().items():
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                places = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)  # noqa: S608
        if isinstance(where, str):
            for table in ("endpoint", "location", "fact"):
                connection.execute(text(f"SELECT setval('{table}_id_seq', 10)"))  # where its own ids would be


def _contents() -> dict[str, list[dict[str, Any]]]:
    return {
        "endpoint": [
            {"id": number, "key": f"core_page-{number - 1}", "revision": 1, "fingerprint": "first", "first": first}
            for number, first in ((1, SLOTS[0]), (2, None))
        ],
        "revision": [_revision(number) for number in (1, 2)],
        "location": [{"id": 1, "name": "local"}],
        "fact": _facts(),
        "result": _results(),
        "state": [_state(endpoint, state) for endpoint, state in STATES.items()],
        "incident": [_incident(incident) for incident in INCIDENTS],
        "tally": [msgspec.structs.asdict(tally) for tally in TALLIES],
        "gap": [msgspec.structs.asdict(gap) for gap in GAPS],
    }


def _revision(number: int) -> dict[str, Any]:
    return {
        "endpoint": number,
        "revision": 1,
        "name": f"page-{number - 1}",
        "group": "core",
        "kind": "http",
        "target": f"https://shop.example/page-{number - 1}",
        "interval": 10_000,
        "conditions": '["[STATUS] == 200"]',
        "degraded": "[]",
    }


def _facts() -> list[dict[str, Any]]:
    answered = {
        "peer": "10.0.0.7:443",
        "tls": msgspec.to_builtins(TLS),
        "version": "1.1",
        "status": 200,
        "conditions": ["[STATUS] == 200"],
    }
    contents = [answered, {}, [msgspec.to_builtins(REFUSED)]]
    return [
        {"id": number, "digest": bytes([number]), "until": START + HOUR, "content": json.dumps(content)}
        for number, content in enumerate(contents, start=1)
    ]


def _results() -> list[dict[str, Any]]:
    return [
        _result(RESULTS[0], scene=1, manner=0, size=55, remarks=None),
        _result(RESULTS[1], scene=2, manner=1 + 8, size=None, remarks=3),
    ]


def _result(one: Result, *, scene: int, manner: int, size: int | None, remarks: int | None) -> dict[str, Any]:
    timings = {name: round(value * 1e6) for name, value in msgspec.structs.asdict(one.timings).items()}
    assert one.connection in set(Carrier)
    return {
        "slot": one.slot,
        "endpoint": one.endpoint,
        "location": 1,
        "attempt": 1,
        "revision": 1,
        "outcome": [Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN].index(one.outcome),
        "manner": manner,
        "scene": scene,
        "size": size,
        "delay": round(one.started * 1e6) - one.slot * 1_000,
        "lag": round(one.lag_ms * 1e3),
        **timings,
        "remarks": remarks,
        "aside": None,
    }


def _state(endpoint: int, state: EndpointState) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "state": state.state.value,
        "settled": state.settled.value,
        "since": state.since,
        "worse_degraded": state.worse[0],
        "worse_down": state.worse[1],
        "better_up": state.better[0],
        "better_degraded": state.better[1],
        "incident": state.incident.opened if state.incident else None,
    }


def _incident(incident: Incident) -> dict[str, Any]:
    own = ("endpoint", "opened", "closed", "cause")
    return {**{name: getattr(incident, name) for name in own}, "state": incident.state.value}
