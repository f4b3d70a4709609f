"""Telegram: sendMessage of the Bot API (core.telegram.org/bots/api#sendmessage), to a chat or one of its topics."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import cast

import msgspec

from milkrun.alerting.channel import Letter, TransientError
from milkrun.alerting.channels.posting import Place, ask, judge, retry_after
from milkrun.alerting.channels.reading import read_needed, read_url
from milkrun.alerting.dialects import TELEGRAM_HTML
from milkrun.alerting.markup import write
from milkrun.alerting.render import render
from milkrun.client import Client, Response
from milkrun.config.section import Section
from milkrun.config.wall_times import read_zone

SERVICE = "Telegram"
API = "https://api.telegram.org"
LIMIT = 4_096


class TelegramOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, the bot's token being part of the URL; which chat and topic; whose wall time messages tell."""

    place: Place
    chat: str
    topic: int | None = None
    zone: tzinfo = UTC


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None


class _Answer(msgspec.Struct, frozen=True):
    parameters: _Parameters = _Parameters()


class TelegramKind:
    """Reads `token`, `id` and `topic-id`, as Gatus has them, and `api-url` for a server of one's own."""

    def read(self, section: Section) -> TelegramOptions | None:
        """As `ChannelKind`."""
        token = read_needed(section, "token", "expected the bot's token")
        chat = read_needed(section, "id", "expected the chat's id, such as -1001234567890 or @channel")
        topic = section.number("topic-id", 0, least=1) or None
        api = read_url(section, "api-url") if "api-url" in section else API
        zone = read_zone(section)
        if token is None or chat is None or api is None:
            return None
        url = f"{api.rstrip('/')}/bot{token}/sendMessage"
        return TelegramOptions(
            place=Place(service=SERVICE, url=url, secrets=(token,)), chat=chat, topic=topic, zone=zone
        )

    def open(self, options: msgspec.Struct, *, client: Client) -> "TelegramChannel":
        """As `ChannelKind`."""
        return TelegramChannel(cast("TelegramOptions", options), client)


class TelegramChannel:
    """One chat."""

    def __init__(self, options: TelegramOptions, client: Client) -> None:
        self._options = options
        self._client = client

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`."""
        content = msgspec.json.encode(compose(letter, self._options))
        response = await ask(self._client, self._options.place, content, letter=letter)
        if response.status == 429:
            raise TransientError("Telegram answered 429: too many messages", after=_wait(response, at=letter.at))
        judge(response, self._options.place, at=letter.at)


def compose(letter: Letter, options: TelegramOptions) -> Mapping[str, object]:
    """The message, within Telegram's limit."""
    topic = {} if options.topic is None else {"message_thread_id": options.topic}
    return {
        "chat_id": options.chat,
        **topic,
        "text": write(render(letter, zone=options.zone), TELEGRAM_HTML, LIMIT, measure=_units),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _units(text: str) -> int:
    """It counts in UTF-16, and after markup, which makes this count too high and never too low."""
    return len(text.encode("utf-16-le")) // 2


def _wait(response: Response, *, at: int) -> float | None:
    """Seconds; it tells them in the body, a proxy before it in a header."""
    try:
        told = msgspec.json.decode(response.body, type=_Answer).parameters.retry_after
    except msgspec.DecodeError:
        told = None
    return retry_after(response, at=at) if told is None else told


KIND = TelegramKind()
