"""Opsgenie: the Alert API (docs.opsgenie.com/docs/alert-api), an alert for each incident, closed by its alias."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

import msgspec

from milkrun.alerting.channel import Letter
from milkrun.alerting.channels.one_by_one import MOST, OneByOne
from milkrun.alerting.channels.posting import Place, post
from milkrun.alerting.channels.reading import read_needed, read_url
from milkrun.alerting.plain import line, shorten
from milkrun.alerting.render import render
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import Severity

SERVICE = "Opsgenie"
API = "https://api.opsgenie.com"
# Its limits, in characters, and how many tags.
MESSAGE, DESCRIPTION, TAG, TAGS = 130, 15_000, 50, 20

_PRIORITIES = {name: name for name in ("P1", "P2", "P3", "P4", "P5")}
_BY_SEVERITY = {Severity.CRITICAL: "P1", Severity.WARNING: "P3", Severity.NOTICE: "P5"}


class OpsgenieOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, the key being in a header; `priority` is "" where each incident's severity says it."""

    place: Place
    priority: str = ""
    source: str = "milkrun"
    entity_prefix: str = ""
    alias_prefix: str = "milkrun-"
    tags: tuple[str, ...] = ()


class OpsgenieKind:
    """Reads Gatus's keys, and `api-url`, which is https://api.eu.opsgenie.com for accounts in the EU."""

    def read(self, section: Section) -> OpsgenieOptions | None:
        """As `ChannelKind`."""
        key = read_needed(section, "api-key", "expected the key of an API integration")
        api = read_url(section, "api-url") if "api-url" in section else API
        priority = section.choice("priority", _PRIORITIES, "")
        source, entity = section.text("source", "milkrun"), section.text("entity-prefix")
        alias, tags = section.text("alias-prefix", "milkrun-"), section.texts("tags")
        if key is None or api is None:
            return None
        headers = (("Authorization", f"GenieKey {key}"),)
        return OpsgenieOptions(
            place=Place(service=SERVICE, url=f"{api.rstrip('/')}/v2/alerts", headers=headers, secrets=(key,)),
            priority=priority,
            source=source,
            entity_prefix=entity,
            alias_prefix=alias,
            tags=tuple([words.text for words in tags]),
        )

    def open(self, options: msgspec.Struct, *, client: Client) -> "OpsgenieChannel":
        """As `ChannelKind`."""
        return OpsgenieChannel(cast("OpsgenieOptions", options), client)


class OpsgenieChannel:
    """One integration."""

    most = MOST

    def __init__(self, options: OpsgenieOptions, client: Client) -> None:
        self._options = options
        self._client = client
        self._one_by_one = OneByOne()

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""

        async def send(message: Message) -> None:
            place, told = request(message, letter, self._options)
            await post(self._client, place, msgspec.json.encode(told), letter=letter, key=message.id)

        await self._one_by_one.deliver(letter, send)


def request(message: Message, letter: Letter, options: OpsgenieOptions) -> tuple[Place, Mapping[str, object]]:
    """Where to, and what: a new alert, which is counted where there is one of its alias, or the end of one."""
    alias = f"{options.alias_prefix}{message.incident}"
    alone = render(msgspec.structs.replace(letter, messages=(message,)))
    if message.purpose is Purpose.RESOLVE:
        url = f"{options.place.url}/{quote(alias, safe='')}/close?identifierType=alias"
        closed = {"source": options.source, "note": alone.text}
        return msgspec.structs.replace(options.place, url=url), closed
    return options.place, {
        **_alert(message, options),
        "message": line(alone.title, MESSAGE),
        "alias": alias,
        "description": shorten(alone.text, DESCRIPTION),
    }


def _alert(message: Message, options: OpsgenieOptions) -> Mapping[str, object]:
    subject = message.subject
    return {
        "entity": f"{options.entity_prefix}{subject.key}",
        "source": options.source,
        "priority": "P5" if message.purpose is Purpose.TEST else options.priority or _BY_SEVERITY[subject.severity],
        "tags": [shorten(tag, TAG) for tag in (*options.tags, *subject.tags)][:TAGS],
        "details": {"endpoint": subject.key, "group": subject.group, "layer": subject.layer, "target": subject.url},
    }


KIND = OpsgenieKind()
