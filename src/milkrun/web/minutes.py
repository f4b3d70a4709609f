"""How the client did minute by minute, from the totals that come once a second: what its page draws."""

from collections import deque

import msgspec

from milkrun.monitor.live import Vitals

KEPT = 180
READ_EVERY = 5  # seconds between the readings that the line is drawn from


class Minute(msgspec.Struct, kw_only=True):
    """Totals as they stood at the end of one minute (epoch minutes), and what that minute added to them."""

    minute: int
    requests: int
    opened: int
    made: int = 0
    dialled: int = 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Totals at one moment, epoch seconds."""

    at: float
    requests: int
    opened: int


class Minutes:
    """The last three hours. Totals that fall are a new client's: counting starts anew from them."""

    def __init__(self) -> None:
        self.kept: deque[Minute] = deque(maxlen=KEPT)
        self.readings: deque[Reading] = deque(maxlen=KEPT * 60 // READ_EVERY)

    def add(self, vitals: Vitals) -> None:
        """Take one reading."""
        requests = int(vitals.client.get("requests_total", 0))
        opened = int(vitals.client.get("opened_total", 0))
        if self.readings and requests < self.readings[-1].requests:
            self.readings.clear()
        if not self.readings or vitals.at >= self.readings[-1].at + READ_EVERY:
            self.readings.append(Reading(at=vitals.at, requests=requests, opened=opened))
        self._count(int(vitals.at // 60), requests, opened)

    def _count(self, minute: int, requests: int, opened: int) -> None:
        last = self.kept[-1] if self.kept else None
        if last is None or last.minute != minute:
            self.kept.append(Minute(minute=minute, requests=requests, opened=opened))
        now = self.kept[-1]
        if last is not None and requests >= last.requests and opened >= last.opened:
            now.made += requests - last.requests
            now.dialled += opened - last.opened
        now.requests, now.opened = requests, opened

    def opened(self) -> list[int]:
        """Connections opened in each minute, oldest first."""
        return [minute.dialled for minute in self.kept]

    def course(self, points: int) -> list[Reading]:
        """At most about `points` readings of the whole time kept, the newest among them."""
        step = -(-len(self.readings) // points) if self.readings else 1
        return list(self.readings)[::-1][::step][::-1]
