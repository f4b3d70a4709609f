"""What the rules say when a letter is about to go, or has gone: what is held back, and which reminders follow."""

from collections.abc import Iterable, Mapping

import msgspec

from milkrun.alerting.draft import channels_of, message_id
from milkrun.core.alert import Message, Purpose, Route
from milkrun.core.timing import after_quiet, due

Routes = Mapping[str, Route]


def held_back(messages: tuple[Message, ...], routes: Routes, now: int) -> dict[str, int]:
    """Messages, by id, that fell into quiet hours while they waited, and when these end (epoch ms)."""
    held: dict[str, int] = {}
    for message in messages:
        route = routes.get(message.route)
        if route is not None and route.quiet is not None:
            until = after_quiet(route.quiet, message.subject.severity, now)
            if until > now:
                held[message.id] = until
    return held


def longest_wait(routes: Iterable[Route], channel: str) -> float:
    """Seconds that a channel's messages wait for others: the most that any of its routes allows."""
    return max((route.wait for route in routes if channel in channels_of(route)), default=0) / 1_000


def reminders(messages: tuple[Message, ...], routes: Routes, now: int) -> list[Message]:
    """One for each incident that was told of by a route that reminds."""
    last = {(message.incident, message.route): message for message in messages}
    found = [_reminder(message, routes.get(message.route), now) for message in last.values()]
    return [message for message in found if message is not None]


def _reminder(message: Message, route: Route | None, now: int) -> Message | None:
    if route is None or not route.repeat or message.purpose is Purpose.RESOLVE:
        return None
    time = now + route.repeat
    return msgspec.structs.replace(
        message,
        id=message_id(message.incident, message.route, message.channel, Purpose.REPEAT, now),
        purpose=Purpose.REPEAT,
        created=now,
        due=due(route, message.subject.severity, time),
        firm=time,
    )
