"""How the client did minute by minute, from the totals that come once a second: what its page draws."""

from collections import deque

import msgspec

from milkrun.monitor.live import Vitals

KEPT = 180


class Minute(msgspec.Struct, kw_only=True):
    """Totals as they stood at the end of one minute (epoch minutes), and what that minute added to them."""

    minute: int
    requests: int
    opened: int
    made: int = 0
    dialled: int = 0


class Minutes:
    """The last three hours. Totals that fall are a new client's: counting starts anew from them."""

    def __init__(self) -> None:
        self.kept: deque[Minute] = deque(maxlen=KEPT)

    def add(self, vitals: Vitals) -> None:
        """Take one reading."""
        minute = int(vitals.at // 60)
        requests = int(vitals.client.get("requests_total", 0))
        opened = int(vitals.client.get("opened_total", 0))
        last = self.kept[-1] if self.kept else None
        if last is None or last.minute != minute:
            self.kept.append(Minute(minute=minute, requests=requests, opened=opened))
        now = self.kept[-1]
        if last is not None and requests >= last.requests and opened >= last.opened:
            now.made += requests - last.requests
            now.dialled += opened - last.opened
        now.requests, now.opened = requests, opened

    def requests(self) -> list[int]:
        """Requests made in each minute, oldest first."""
        return [minute.made for minute in self.kept]

    def opened(self) -> list[int]:
        """Connections opened in each minute, oldest first."""
        return [minute.dialled for minute in self.kept]
