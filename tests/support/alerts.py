"""Messages, routes and outages with the least that a test has to say of them."""

from typing import Any

from milkrun.core.alert import Message, Purpose, Route, Subject
from milkrun.core.endpoint import Registered
from milkrun.core.incident import Incident, IncidentKey, Severity
from milkrun.core.outcome import Outcome
from tests.support.history import START, an_endpoint

KEY = IncidentKey(1, START)


def a_route(name: str = "core", **changes: Any) -> Route:
    """A route for everything to the channel `ops`, that waits for nothing."""
    usual: dict[str, Any] = {"channels": ("ops",), "wait": 0}
    return Route(name=name, **(usual | changes))


def an_outage(endpoint: int = 1, opened: int = START, **changes: Any) -> Incident:
    """An open outage that is down."""
    usual: dict[str, Any] = {"closed": None, "state": Outcome.DOWN, "cause": "connect/refused: no", "layer": "connect"}
    return Incident(endpoint=endpoint, opened=opened, **(usual | changes))


def a_subject(**changes: Any) -> Subject:
    """What a message about `core_checkout` says."""
    usual: dict[str, Any] = {
        "key": "core_checkout",
        "name": "checkout",
        "group": "core",
        "url": "https://shop.example/checkout",
        "severity": Severity.CRITICAL,
        "state": Outcome.DOWN,
        "opened": START,
        "cause": "connect/refused: no",
        "layer": "connect",
    }
    return Subject(**(usual | changes))


def a_message(purpose: Purpose = Purpose.TRIGGER, *, at: int = START, **changes: Any) -> Message:
    """A message to `ops` about the outage of endpoint 1, made, due and firm at `at`."""
    usual: dict[str, Any] = {
        "channel": "ops",
        "route": "core",
        "incident": KEY,
        "created": at,
        "due": at,
        "firm": at,
        "subject": a_subject(),
    }
    given = usual | changes
    key = given["incident"]
    named = f"{key}/{given['route']}/{given['channel']}/{purpose.value}/{given['created']}"
    return Message(**({"id": named, "purpose": purpose} | given))


def registered(number: int = 1, name: str = "checkout", **changes: Any) -> Registered:
    """An endpoint of the group `core`, with an id."""
    return Registered(id=number, revision=1, endpoint=an_endpoint(name, **changes))
