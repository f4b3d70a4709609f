"""Chat rooms that take a message at a URL of their own: Slack's, Discord's and Teams' incoming webhooks."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, cast

import msgspec

from milkrun.alerting.channel import Letter
from milkrun.alerting.channels.posting import Place, post
from milkrun.alerting.channels.reading import read_url
from milkrun.alerting.render import render
from milkrun.alerting.rendered import Rendered
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.config.wall_times import read_zone

Payload = dict[str, Any]


class HookOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The hook's URL, which is a secret; whose wall time messages tell; `content`: words of the user's before each."""

    url: str
    zone: tzinfo = UTC
    content: str = ""

    def __repr__(self) -> str:
        return f"<HookOptions {self.zone}>"  # whoever knows the URL can post to it

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("zone", str(self.zone))]


class HookKind:
    """A service with such hooks.

    Args:
        service: what it is called in errors.
        compose: makes the JSON of a rendered letter, within the service's limits.
        has_content: whether `message-content` is a key of it.
    """

    def __init__(
        self, service: str, compose: Callable[[Rendered, HookOptions], Payload], *, has_content: bool = False
    ) -> None:
        self._service = service
        self._compose = compose
        self._has_content = has_content

    def read(self, section: Section) -> HookOptions | None:
        """As `ChannelKind`."""
        url, zone = read_url(section, "webhook-url"), read_zone(section)
        content = section.text("message-content") if self._has_content else ""
        return None if url is None else HookOptions(url=url, zone=zone, content=content)

    def open(self, options: msgspec.Struct, *, client: Client) -> "HookChannel":
        """As `ChannelKind`."""
        return HookChannel(self._service, self._compose, cast("HookOptions", options), client)


class HookChannel:
    """One room."""

    def __init__(
        self, service: str, compose: Callable[[Rendered, HookOptions], Payload], options: HookOptions, client: Client
    ) -> None:
        self._place = Place(service=service, url=options.url)
        self._compose = compose
        self._options = options
        self._client = client

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""
        payload = self._compose(render(letter, zone=self._options.zone), self._options)
        await post(self._client, self._place, msgspec.json.encode(payload), letter=letter)
