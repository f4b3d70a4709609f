"""What the page of the client says: sockets opened against requests made, and where everything went. Pure."""

import msgspec

from milkrun.web import marks
from milkrun.web.minutes import KEPT, Minutes
from milkrun.web.wire import Json

WIDTH = 720.0
HEIGHT = 120.0

POINTS = 120

REASONS = {
    "server": "closed by the other side",
    "not-kept": "the response said so",
    "failed": "an exchange failed on it",
    "timeout": "the deadline struck",
    "cancelled": "the check was cancelled",
    "max-age": "reached its maximum age",
    "max-uses": "carried as many requests as it may",
    "name": "its name leads elsewhere",
    "idle": "idle for too long",
    "fresh": "asked for, for one check",
    "budget": "the budget keeps others warm",
    "unasked": "sent what nobody asked for",
    "client": "the client was closed",
}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Requests made and sockets opened: both totals, their course on one scale, and sockets by minute."""

    requests: int
    opened: int
    per_socket: float | None
    seconds: float
    requests_line: str
    opened_line: str
    opened_bars: str
    opened_most: int


def story(client: Json, minutes: Minutes) -> Story:
    """The page's two numbers and its lines."""
    requests, opened = int(client.get("requests_total", 0)), int(client.get("opened_total", 0))
    course = minutes.course(POINTS)
    made = [reading.requests - course[0].requests for reading in course]
    dialled = [reading.opened - course[0].opened for reading in course]
    top = float(max([*made, *dialled, 1]))
    by_minute = minutes.opened()
    return Story(
        requests=requests,
        opened=opened,
        per_socket=requests / opened if opened else None,
        seconds=course[-1].at - course[0].at if course else 0.0,
        requests_line=marks.line(made, width=WIDTH, height=HEIGHT, top=top),
        opened_line=marks.line(dialled, width=WIDTH, height=HEIGHT, top=top),
        opened_bars=_bars(by_minute),
        opened_most=max(by_minute, default=0),
    )


def _bars(values: list[int]) -> str:
    """One bar a minute, newest at the right, on a 48 px scale; minutes without one leave a gap."""
    top = max([*values, 1])
    first = KEPT - len(values)
    return "".join(
        f"M{(first + n) * 4 + 2} 48v-{max(2.0, 46 * value / top):.0f}" for n, value in enumerate(values) if value
    )


def reasons(client: Json) -> list[tuple[str, int]]:
    """Why connections were closed, in words, most often first."""
    counted = client.get("closed_total", {})
    return sorted(((REASONS.get(reason, reason.replace("-", " ")), n) for reason, n in counted.items() if n), key=_most)


def _most(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]
