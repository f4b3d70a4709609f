"""A letter as data, for programs: the JSON body of a webhook, and what its templates see. Pure.

The shape is documented in docs/channels.md; keys are added to it, never changed.
"""

from datetime import UTC, tzinfo
from typing import Any

from milkrun.alerting.channel import Letter
from milkrun.alerting.plain import shorten
from milkrun.alerting.render import render
from milkrun.alerting.sentences import item_of
from milkrun.alerting.spans import iso
from milkrun.core.alert import Message, Purpose, Subject
from milkrun.core.incident import IncidentKey, Severity
from milkrun.core.outcome import Outcome

WHOLE = (
    500  # incidents told in full; with the keys of 10,000 others a letter stays below a megabyte, servers' usual limit
)
TEXT = 1_000  # characters of any text: conditions may quote bodies
VERSION = 1


def account(letter: Letter, *, zone: tzinfo = UTC) -> dict[str, Any]:
    """The letter, as one request: its first messages in full, and of the others purpose and incident, in order."""
    rendered = render(letter, zone=zone)
    return {
        "version": VERSION,
        "id": letter.id,
        "sent_at": iso(letter.at),
        "title": rendered.title,
        "text": rendered.text,
        "dashboard": letter.dashboard,
        "count": len(letter.messages),
        "incidents": [incident(message, letter, zone) for message in letter.messages[:WHOLE]],
        "others": [[message.purpose.value, str(message.incident)] for message in letter.messages[WHOLE:]],
    }


def example() -> dict[str, Any]:
    """The account of an invented outage with everything that one can have: to try a template with."""
    key = IncidentKey(1, 0)
    subject = Subject(
        key="core_checkout",
        name="checkout",
        group="core",
        url="https://shop.example/checkout",
        tags=("prod",),
        severity=Severity.CRITICAL,
        state=Outcome.DOWN,
        opened=0,
        cause="connect/refused: nobody listens at 192.0.2.1:443",
        layer="connect",
    )
    message = Message(
        id=f"{key}/core/hook/trigger/0",
        channel="hook",
        route="core",
        purpose=Purpose.TRIGGER,
        incident=key,
        created=0,
        due=0,
        firm=0,
        subject=subject,
    )
    link = {message.id: "https://status.example/incidents/1"}
    letter = Letter(
        id="1", at=180_000, messages=(message,), dashboard="https://status.example", incident_urls=link, ack_urls=link
    )
    return account(letter)


def incident(message: Message, letter: Letter, zone: tzinfo) -> dict[str, Any]:
    """One message as data; times are RFC 3339."""
    subject = message.subject
    item = item_of(message, at=letter.at, zone=zone, links=())
    return {
        "id": message.id,
        "incident": str(message.incident),
        "purpose": message.purpose.value,
        "kind": subject.kind.value,
        "severity": subject.severity.value,
        "state": subject.state.value,
        "summary": f"{item.mark} {item.headline}",
        "cause": shorten(subject.cause, TEXT),
        "layer": subject.layer,
        "opened": iso(subject.opened),
        "closed": None if subject.closed is None else iso(subject.closed),
        "endpoint": {
            "key": subject.key,
            "name": shorten(subject.name, TEXT),
            "group": shorten(subject.group, TEXT),
            "url": shorten(subject.url, TEXT),
            "tags": list(subject.tags),
        },
        "route": message.route,
        "description": shorten(subject.description, TEXT),
        "url": letter.incident_urls.get(message.id),
        "ack_url": letter.ack_urls.get(message.id),
    }
