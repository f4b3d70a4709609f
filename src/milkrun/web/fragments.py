"""Fragments of a page for its stream: htmx partials that swap in place, sent only when they read differently."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Annotated

from fastapi import Header

from milkrun.web.site import Site
from milkrun.web.sse import BEAT, BEAT_EVERY, RETRY, message

Fragment = tuple[str, str]  # a CSS selector, and what goes there
LastEventId = Annotated[str, Header(alias="last-event-id", max_length=100)]


def partial(target: str, html: str, swap: str = "outerMorph") -> str:
    """One fragment and where it goes."""
    return f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>'


class Sent:
    """What a stream has sent, by target."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def changed(self, fragments: Iterable[Fragment]) -> str:
        """The partials of what is new."""
        parts = []
        for target, html in fragments:
            if self._last.get(target) != html:
                self._last[target] = html
                parts.append(partial(target, html))
        return "".join(parts)


async def ticking(site: Site, tick: float, look: Callable[[], bytes]) -> AsyncIterator[bytes]:
    """Look once a tick and send what there is to say; a beat after long silence; the end when the server stops."""
    yield RETRY
    quiet = 0.0
    while not await site.pause(tick):
        said = look()
        quiet = 0.0 if said else quiet + tick
        if quiet >= BEAT_EVERY:
            quiet, said = 0.0, BEAT
        if said:
            yield said


def partials(html: str, number: int) -> bytes:
    """Partials as one message; nothing for nothing."""
    return message(html, number=number) if html else b""


def resumed(last_event_id: str, since: int, newest: int) -> int:
    """From which change on a stream tells: where it broke off, else where its page was made.

    A number from before a restart is larger than any of ours; then everything is told.
    """
    number = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 20 else since
    return number if number <= newest else 0
