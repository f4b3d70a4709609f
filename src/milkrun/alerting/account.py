"""A letter as data, for programs: the JSON body of a webhook, and what its templates see. Pure.

The shape is documented in docs/channels.md; keys are added to it, never changed.
"""

from datetime import UTC, tzinfo
from typing import Any

from milkrun.alerting.channel import Letter
from milkrun.alerting.render import render
from milkrun.alerting.sentences import item_of
from milkrun.alerting.spans import iso
from milkrun.core.alert import Message

PAGE = 500  # incidents a request: some 500 kB at most of them have long causes
VERSION = 1


def accounts(letter: Letter, *, zone: tzinfo = UTC) -> list[dict[str, Any]]:
    """One for each 500 of its messages, in order; `title` and `text` are of the whole letter."""
    rendered = render(letter, zone=zone)
    parts = [letter.messages[start : start + PAGE] for start in range(0, len(letter.messages), PAGE)]
    return [
        {
            "version": VERSION,
            "id": letter.id,
            "part": number,
            "parts": len(parts),
            "sent_at": iso(letter.at),
            "title": rendered.title,
            "text": rendered.text,
            "dashboard": letter.dashboard,
            "incidents": [incident(message, letter, zone) for message in part],
        }
        for number, part in enumerate(parts, 1)
    ]


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
        "cause": subject.cause,
        "layer": subject.layer,
        "opened": iso(subject.opened),
        "closed": None if subject.closed is None else iso(subject.closed),
        "endpoint": {
            "key": subject.key,
            "name": subject.name,
            "group": subject.group,
            "url": subject.url,
            "tags": list(subject.tags),
        },
        "route": message.route,
        "description": subject.description,
        "url": letter.incident_urls.get(message.id),
        "ack_url": letter.ack_urls.get(message.id),
    }
