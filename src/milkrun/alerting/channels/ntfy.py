"""ntfy: a message as JSON (docs.ntfy.sh/publish/#publish-as-json), with buttons for the incident and its ack."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import cast

import msgspec

from milkrun.alerting.channel import Letter
from milkrun.alerting.channels.posting import JSON, Headers, Place, post
from milkrun.alerting.channels.reading import read_needed, read_url
from milkrun.alerting.dialects import PLAIN
from milkrun.alerting.markup import write
from milkrun.alerting.render import render
from milkrun.alerting.rendered import Link, Rendered, Tone
from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.config.wall_times import read_zone

SERVICE = "ntfy"
SERVER = "https://ntfy.sh"
LIMIT = 4_096  # bytes of a message; what is longer becomes an attachment, which a phone does not show

_PRIORITIES = {Tone.DOWN: 5, Tone.WARNING: 4, Tone.NOTICE: 2, Tone.GOOD: 3}
# Names of emoji that the app puts before the title.
_TAGS = {
    Tone.DOWN: "rotating_light",
    Tone.WARNING: "warning",
    Tone.NOTICE: "information_source",
    Tone.GOOD: "white_check_mark",
}


class NtfyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, the token being in a header; `priority` is 0 where the news says it, `click` "" for the incident."""

    place: Place
    topic: str
    priority: int = 0
    click: str = ""
    email: str = ""
    zone: tzinfo = UTC

    def __repr__(self) -> str:
        return f"<NtfyOptions {self.place!r}>"  # whoever knows a topic can read it and write to it

    def __rich_repr__(self) -> list[tuple[str, object]]:  # else msgspec's own shows every field
        return [("place", self.place)]


class NtfyKind:
    """Reads Gatus's keys."""

    def read(self, section: Section) -> NtfyOptions | None:
        """As `ChannelKind`."""
        topic = read_needed(section, "topic", "expected a topic")
        url = read_url(section, "url") if "url" in section else SERVER
        token, headers = section.text("token"), _headers(section)
        priority = section.number("priority", 0, least=1, most=5)
        click, email, zone = section.text("click"), section.text("email"), read_zone(section)
        if topic is None or url is None:
            return None
        place = Place(service=SERVICE, url=url, headers=headers, secrets=(token, topic))
        return NtfyOptions(place=place, topic=topic, priority=priority, click=click, email=email, zone=zone)

    def open(self, options: msgspec.Struct, *, client: Client) -> "NtfyChannel":
        """As `ChannelKind`."""
        return NtfyChannel(cast("NtfyOptions", options), client)


class NtfyChannel:
    """One topic."""

    def __init__(self, options: NtfyOptions, client: Client) -> None:
        self._options = options
        self._client = client

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""
        content = msgspec.json.encode(compose(letter, self._options))
        await post(self._client, self._options.place, content, letter=letter, headers=(JSON,))


def compose(letter: Letter, options: NtfyOptions) -> Mapping[str, object]:
    """The message. Buttons lead to pages: a link that acts by itself would act for whatever previews it."""
    rendered = render(letter, zone=options.zone)
    links = _links(rendered)
    click = options.click or (links[0].url if links else rendered.dashboard)
    return {
        "topic": options.topic,
        "title": rendered.title,
        "message": write(rendered, PLAIN, LIMIT, measure=lambda text: len(text.encode())),
        "priority": options.priority or _PRIORITIES[rendered.tone],
        "tags": [_TAGS[rendered.tone]],
        "actions": [{"action": "view", "label": link.words, "url": link.url} for link in links],
        **({"click": click} if click else {}),
        **({"email": options.email} if options.email else {}),
    }


def _links(rendered: Rendered) -> tuple[Link, ...]:
    """Of one incident its own; of several there would be too many buttons."""
    return rendered.items[0].links if len(rendered.items) == 1 and not rendered.beyond else ()


def _headers(section: Section) -> Headers:
    token = section.text("token")
    given = (
        ("Authorization", f"Bearer {token}", bool(token)),
        ("Firebase", "no", section.flag("disable-firebase", default=False)),
        ("Cache", "no", section.flag("disable-cache", default=False)),
    )
    return tuple([(name, value) for name, value, wanted in given if wanted])


KIND = NtfyKind()
