"""What the page of the client says: sockets opened against requests made, and where everything went. Pure."""

import msgspec

from milkrun.web import marks
from milkrun.web.minutes import Minutes
from milkrun.web.wire import Json

WIDTH = 720.0
HEIGHT = 120.0

REASONS = {
    "idle": "idle too long",
    "max-age": "reached its maximum age",
    "age": "reached its maximum age",
    "peer": "closed by the other side",
    "server": "closed by the other side",
    "error": "after an error",
    "budget": "beyond the budget of descriptors",
    "cancelled": "the check was cancelled",
    "shutdown": "Milkrun stopped",
}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Requests and sockets over the last minutes, both as running totals on one scale, and sockets by minute."""

    requests: int
    opened: int
    per_socket: float | None
    minutes: int
    requests_line: str
    opened_line: str
    opened_bars: str
    opened_most: int
    made_most: int


def story(client: Json, minutes: Minutes) -> Story:
    """The page's two numbers and its lines."""
    requests, opened = int(client.get("requests_total", 0)), int(client.get("opened_total", 0))
    made, dialled = _running(minutes.requests()), _running(minutes.opened())
    top = float(max([*made, *dialled, 1]))
    by_minute = minutes.opened()
    return Story(
        requests=requests,
        opened=opened,
        per_socket=requests / opened if opened else None,
        minutes=len(by_minute),
        requests_line=marks.line(made, width=WIDTH, height=HEIGHT, top=top),
        opened_line=marks.line(dialled, width=WIDTH, height=HEIGHT, top=top),
        opened_bars=_bars(by_minute),
        opened_most=max(by_minute, default=0),
        made_most=max(made, default=0),
    )


def _running(values: list[int]) -> list[int]:
    total, sums = 0, [0] if values else []
    for value in values:
        total += value
        sums.append(total)
    return sums


def _bars(values: list[int]) -> str:
    """One bar a minute, newest at the right, on a 48 px scale; minutes without one leave a gap."""
    top = max([*values, 1])
    first = 180 - len(values)
    return "".join(
        f"M{(first + n) * 4 + 2} 48v-{max(2.0, 46 * value / top):.0f}" for n, value in enumerate(values) if value
    )


def reasons(client: Json) -> list[tuple[str, int]]:
    """Why connections were closed, in words, most often first."""
    counted = client.get("closed_total", {})
    return sorted(((REASONS.get(reason, reason.replace("-", " ")), n) for reason, n in counted.items() if n), key=_most)


def _most(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]
