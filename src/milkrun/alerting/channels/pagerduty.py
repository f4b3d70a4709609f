"""PagerDuty: Events API v2 (developer.pagerduty.com/docs/events-api-v2-overview), an alert for each incident."""

from collections.abc import Mapping
from typing import cast

import msgspec

from milkrun.alerting.channel import Letter
from milkrun.alerting.channels.one_by_one import MOST, OneByOne
from milkrun.alerting.channels.posting import Place, post
from milkrun.alerting.channels.reading import read_needed, read_url
from milkrun.alerting.plain import line
from milkrun.alerting.render import render
from milkrun.alerting.spans import iso
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import Severity

SERVICE = "PagerDuty"
API = "https://events.pagerduty.com"
SUMMARY = 1_024

_SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.NOTICE: "info"}


class PagerDutyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and the integration's key, which is in every event."""

    place: Place
    key: str

    def __repr__(self) -> str:
        return f"PagerDutyOptions(place={self.place!r}, key=<hidden>)"

    def __rich_repr__(self) -> list[tuple[str, object]]:  # else msgspec's own shows every field
        return [("place", self.place)]


class PagerDutyKind:
    """Reads `integration-key`, as Gatus has it, and `api-url`, which is another one in the EU."""

    def read(self, section: Section) -> PagerDutyOptions | None:
        """As `ChannelKind`."""
        key = read_needed(section, "integration-key", "expected the key of an Events API v2 integration")
        api = read_url(section, "api-url") if "api-url" in section else API
        if key is None or api is None:
            return None
        place = Place(service=SERVICE, url=f"{api.rstrip('/')}/v2/enqueue", secrets=(key,))
        return PagerDutyOptions(place=place, key=key)

    def open(self, options: msgspec.Struct, *, client: Client) -> "PagerDutyChannel":
        """As `ChannelKind`."""
        return PagerDutyChannel(cast("PagerDutyOptions", options), client)


class PagerDutyChannel:
    """One integration."""

    most = MOST

    def __init__(self, options: PagerDutyOptions, client: Client) -> None:
        self._options = options
        self._client = client
        self._one_by_one = OneByOne()

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""

        async def send(message: Message) -> None:
            content = msgspec.json.encode(event(message, letter, self._options.key))
            await post(self._client, self._options.place, content, letter=letter, key=message.id)

        await self._one_by_one.deliver(letter, send)


def event(message: Message, letter: Letter, key: str) -> Mapping[str, object]:
    """One event. Whatever comes after an incident's first one is joined to it by the incident's key."""
    resolves = message.purpose is Purpose.RESOLVE
    told = {"routing_key": key, "event_action": "resolve" if resolves else "trigger"}
    told["dedup_key"] = str(message.incident)
    return told if resolves else {**told, "payload": _payload(message, letter), **_links(message, letter)}


def _payload(message: Message, letter: Letter) -> Mapping[str, object]:
    subject = message.subject
    alone = render(msgspec.structs.replace(letter, messages=(message,)))
    return {
        "summary": line(alone.title, SUMMARY),
        "source": subject.url or subject.key or "milkrun",
        "severity": "info" if message.purpose is Purpose.TEST else _SEVERITIES[subject.severity],
        "timestamp": iso(subject.opened),
        "component": subject.name,
        "group": subject.group,
        "class": subject.layer or subject.kind.value,
        "custom_details": {
            "cause": subject.cause,
            "endpoint": subject.key,
            "tags": list(subject.tags),
            "description": subject.description,
        },
    }


def _links(message: Message, letter: Letter) -> Mapping[str, object]:
    found = {"Incident": letter.incident_urls.get(message.id), "Acknowledge": letter.ack_urls.get(message.id)}
    links = [{"href": url, "text": words} for words, url in found.items() if url]
    client = {"client": "Milkrun", "client_url": letter.dashboard} if letter.dashboard else {"client": "Milkrun"}
    return {**client, "links": links}


KIND = PagerDutyKind()
