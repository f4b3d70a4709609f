"""Apprise: a hundred services more, each by a URL (appriseit.com/services), in threads: most of its plugins block.

The library takes a quarter of a second to import and reads hundreds of files for it; it is imported where a channel of
this kind is read, so that whoever has none pays nothing.
"""

import logging
import re
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import msgspec

from milkrun.alerting.channel import Letter, TransientError
from milkrun.alerting.channels.threads import AllBusyError, Threads
from milkrun.alerting.plain import line
from milkrun.alerting.render import render
from milkrun.alerting.rendered import Rendered, Tone
from milkrun.client import Client
from milkrun.config.section import Section, Words
from milkrun.probes.secrets import hidden_forms, hide

if TYPE_CHECKING:
    from apprise import Apprise

# Calls of one channel under way: one, and those that hung before it.
MOST = 4
EXPLAINED = 160

_TYPES = {Tone.DOWN: "failure", Tone.WARNING: "warning", Tone.NOTICE: "info", Tone.GOOD: "success"}
_PIECES = re.compile(r"[/:@?&=]+")


class AppriseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """URLs, each of which is a secret as a whole."""

    urls: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<AppriseOptions of {len(self.urls)}>"

    def __rich_repr__(self) -> list[tuple[str, int]]:  # else msgspec's own shows every field
        return [("urls", len(self.urls))]


class AppriseKind:
    """Reads `urls`: one, or a list."""

    def read(self, section: Section) -> AppriseOptions | None:
        """As `ChannelKind`."""
        given = section.one_or_several("urls")
        if not given:
            section.problem("urls", "expected at least one of Apprise's URLs")
            return None
        usable = [words.text for words in given if _usable(section, words)]
        return AppriseOptions(urls=tuple(usable)) if len(usable) == len(given) else None

    def open(self, options: msgspec.Struct, *, client: Client) -> "AppriseChannel":  # noqa: ARG002 - Apprise has its own
        """As `ChannelKind`."""
        return AppriseChannel(cast("AppriseOptions", options))


class AppriseChannel:
    """Services, each of which gets every letter.

    Those that got a letter are not tried again for it while another one fails, as long as Milkrun runs.
    """

    def __init__(self, options: AppriseOptions) -> None:
        self._threads = Threads(MOST, "apprise")
        self._services = [(service(url), secrets(url)) for url in options.urls]
        self._letter = ""
        self._arrived: set[int] = set()

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`. Apprise does not say whether another try can help, so every failure is worth one."""
        if letter.id != self._letter:
            self._letter, self._arrived = letter.id, set()
        rendered = render(letter)
        for index, (apprise, forms) in enumerate(self._services):
            if index not in self._arrived:
                await self._send(apprise, forms, rendered)
                self._arrived.add(index)
        self._letter = ""

    async def _send(self, apprise: "Apprise", forms: tuple[str, ...], rendered: Rendered) -> None:
        try:
            reason = await self._threads.call(lambda: notify(apprise, rendered))
        except AllBusyError:
            raise TransientError(f"Apprise hangs in {MOST} threads; no more are begun") from None
        except Exception as err:  # a plugin's own fault can be of any class
            raise TransientError(f"Apprise failed: {type(err).__name__}") from err
        if reason is not None:
            said = line(hide(forms, reason), EXPLAINED)
            raise TransientError(f"Apprise could not send it{': ' if said else ''}{said}")


def service(url: str) -> "Apprise":
    """Apprise with one service, which sends in the thread that asks it to, and keeps nothing on disk."""
    library = import_module("apprise")
    logging.getLogger("apprise").propagate = False  # its warnings become ours, without what they may quote
    asset = library.AppriseAsset(async_mode=False, service_timeout=0, storage_mode="memory")
    apprise = library.Apprise(asset=asset)
    apprise.add(url)
    return cast("Apprise", apprise)


def notify(apprise: "Apprise", rendered: Rendered) -> str | None:
    """Send, and block; None where it arrived, else what Apprise says of it."""
    with apprise.notify(
        title=rendered.title, body=rendered.text, notify_type=_TYPES[rendered.tone], body_format="text"
    ) as result:
        return None if result else " ".join(_said(entry.message for entry in result.logs()))


def secrets(url: str) -> tuple[str, ...]:
    """The URL, and each piece of it that a message might quote."""
    _, _, rest = url.partition("://")
    pieces = [piece for piece in _PIECES.split(rest) if len(piece) > 5]
    return hidden_forms([url, *pieces, *map(unquote, pieces)])


def _said(messages: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(messages))


def _usable(section: Section, words: Words) -> bool:
    if len(service(words.text)) == 1:
        return True
    section.problem_at(words, "expected one of Apprise's URLs, such as gotify://host/token")
    return False


KIND = AppriseKind()
