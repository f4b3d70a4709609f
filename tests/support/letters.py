"""Letters as an outbox's worker would hand them to a channel."""

from collections.abc import Sequence
from typing import Any

from milkrun.alerting.channel import Letter
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import IncidentKey
from tests.support.alerts import a_message, a_subject
from tests.support.history import START

MINUTE = 60_000
DASHBOARD = "https://status.example/incidents"


def a_letter(*messages: Message, at: int = START + 3 * MINUTE, letter: str = "letter-1", linked: bool = True) -> Letter:
    """A letter that is sent three minutes after the hour, with a link or two for each message."""
    told = messages or (a_message(),)
    return Letter(
        id=letter,
        at=at,
        messages=tuple(told),
        dashboard=DASHBOARD if linked else "",
        incident_urls={each.id: f"{DASHBOARD}/{each.incident}" for each in told} if linked else {},
        ack_urls={each.id: f"https://status.example/ack/{each.incident}?by=ops&s=0123456789" for each in told}
        if linked
        else {},
    )


def an_alert(purpose: Purpose = Purpose.TRIGGER, *, number: int = 1, lasted: int = 0, **subject: Any) -> Message:
    """A message about the incident of one endpoint; over after `lasted` ms if that is given."""
    about = a_subject(**({"opened": START, "closed": START + lasted if lasted else None} | subject))
    key = IncidentKey(number, about.opened, about.kind)
    return a_message(purpose, incident=key, subject=about)


def many(count: int, *, groups: Sequence[str] = ("core", "shop", "")) -> tuple[Message, ...]:
    """That many outages, told of together, in these groups in turn."""
    return tuple(
        an_alert(
            number=index + 1, name=f"service {index}", key=f"core_service-{index}", group=groups[index % len(groups)]
        )
        for index in range(count)
    )
