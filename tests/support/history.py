"""Results, endpoints and states with some of everything, for tests of what keeps or shows them."""

from typing import Any

from milkrun.core.condition import parse_condition
from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Incident
from milkrun.core.observation import Connection, Http, Timings, Tls
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger

# A whole hour, in epoch milliseconds.
START = 1_790_002_800_000

STATUS_OK = ConditionResult(condition="[STATUS] == 200", passed=True, shown="[STATUS] == 200")

TLS = Tls(
    version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    not_before=1_789_000_000.0,
    not_after=1_799_000_000.5,
    subject="CN=shop.example",
    issuer="CN=A Test Authority",
    names=("shop.example", "www.shop.example"),
)


def an_endpoint(name: str = "checkout", *, fingerprint: str = "first", interval: int = 10_000) -> Endpoint:
    """An endpoint of the group `core`."""
    return Endpoint(
        key=f"core_{name}",
        name=name,
        group="core",
        kind="http",
        target=f"https://shop.example/{name}",
        interval=interval,
        timeout=10.0,
        options=None,
        conditions=(parse_condition("[STATUS] == 200"),),
        fingerprint=fingerprint,
    )


def a_result(endpoint: int = 1, slot: int = START, **changes: Any) -> Result:
    """An ordinary warm check that found its target up, unless told otherwise."""
    usual: dict[str, Any] = {
        "endpoint": endpoint,
        "revision": 1,
        "location": "local",
        "slot": slot,
        "attempt": 1,
        "trigger": Trigger.SCHEDULE,
        "started": (slot * 1_000 + 3_250) / 1e6,
        "outcome": Outcome.UP,
        "timings": Timings(queue=0.0001, send=0.0001, wait=0.0121, receive=0.0003, total=0.0125),
        "connection": Connection.WARM,
        "peer": "10.0.0.7:443",
        "lag_ms": 0.2,
        "http": Http(status=200, version="1.1", bytes=55),
        "tls": TLS,
        "conditions": (STATUS_OK,),
    }
    return Result(**(usual | changes))


def a_failure(endpoint: int = 1, slot: int = START, **changes: Any) -> Result:
    """A cold check that was refused."""
    usual: dict[str, Any] = {
        "outcome": Outcome.DOWN,
        "timings": Timings(dns=0.002, connect=0.0005, total=0.0025),
        "connection": Connection.COLD,
        "peer": None,
        "http": None,
        "tls": None,
        "conditions": (),
        "failure": Failure(layer=Layer.CONNECT, kind="refused", message="10.0.0.7:443 refuses connections"),
    }
    return a_result(endpoint, slot, **(usual | changes))


def an_incident(endpoint: int = 1, opened: int = START, **changes: Any) -> Incident:
    """An open outage of an endpoint that refuses connections, unless told otherwise."""
    usual: dict[str, Any] = {
        "endpoint": endpoint,
        "opened": opened,
        "closed": None,
        "state": Outcome.DOWN,
        "cause": "connect/refused: 10.0.0.7:443 refuses connections",
        "layer": "connect",
    }
    return Incident(**(usual | changes))
