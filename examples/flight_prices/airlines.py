"""The ten airlines: how each one's API behaves, as numbers. Their server plays them, the arithmetic uses them."""

import json
import os
from random import Random

import msgspec


class Airline(msgspec.Struct, frozen=True, kw_only=True):
    """One airline and its API. Times are seconds, shares from 0 to 1.

    Attributes:
        code, name: what passengers know it by.
        http2: it speaks HTTP/2; else HTTP/1.1.
        median, sigma: of the lognormal time that it takes for an answer.
        handshake: what it takes for a new connection's TLS handshake.
        failing: the share of requests it answers with 503.
        per_second: the requests a second beyond which it answers 429; None: it has no such limit.
        patience: how long we wait for it.
    """

    code: str
    name: str
    http2: bool
    median: float
    sigma: float
    handshake: float
    failing: float = 0.0
    per_second: float | None = None
    patience: float


# Those with HTTP/1.1 are near, some behind a front that is slow with new connections. Those with HTTP/2 are on other
# continents: an answer takes a round trip of 150 ms and a bit, and before the first one a connection takes three such
# (TCP one, TLS 1.2 two).
AIRLINES = (
    Airline(code="AB", name="Albatross", http2=False, median=0.050, sigma=0.40, handshake=0.15, patience=0.5),
    Airline(
        code="CU", name="Curlew", http2=False, median=0.060, sigma=0.40, handshake=0.35, failing=0.01, patience=0.6
    ),
    Airline(
        code="DU", name="Dunlin", http2=False, median=0.040, sigma=0.50, handshake=0.15, per_second=20.0, patience=0.5
    ),
    Airline(
        code="FU", name="Fulmar", http2=False, median=0.070, sigma=0.50, handshake=0.40, failing=0.03, patience=0.6
    ),
    Airline(code="GA", name="Gannet", http2=False, median=0.050, sigma=0.40, handshake=0.25, patience=0.5),
    Airline(code="KI", name="Kittiwake", http2=True, median=0.180, sigma=0.30, handshake=0.45, patience=0.7),
    Airline(code="PE", name="Petrel", http2=True, median=0.220, sigma=0.40, handshake=0.45, failing=0.02, patience=0.7),
    Airline(code="PU", name="Puffin", http2=True, median=0.180, sigma=0.30, handshake=0.45, patience=0.7),
    Airline(code="SH", name="Shearwater", http2=True, median=0.250, sigma=0.30, handshake=0.50, patience=0.7),
    Airline(
        code="TE", name="Tern", http2=True, median=0.220, sigma=0.40, handshake=0.45, per_second=22.0, patience=0.7
    ),
)

ADDRESSES = "FLIGHT_PRICES_AIRLINES"


def addresses() -> dict[str, str]:
    """Each airline's base URL by its code, as the environment has it."""
    return msgspec.json.decode(os.environ[ADDRESSES], type=dict[str, str])


class Reply(msgspec.Struct, frozen=True):
    """What an airline says, and how many seconds it takes for it."""

    after: float
    status: int
    body: bytes


class Desk:
    """An airline at work: its dice, seeded, so that every run meets the same airline, and its count of the second."""

    def __init__(self, airline: Airline) -> None:
        self.airline = airline
        self.asked = self.refused = 0
        self._dice = Random(airline.code)  # noqa: S311 - dice for a play, not for a secret
        self._allowed = airline.per_second or 0.0
        self._counted = 0.0

    def answer(self, path: str, now: float) -> Reply:
        """The reply to a request for `/fares/FROM/TO` at `now`, monotonic seconds."""
        self.asked += 1
        after = self.airline.median * self._dice.lognormvariate(0.0, self.airline.sigma)
        if not self._admits(now):
            self.refused += 1
            return Reply(0.005, 429, b'{"error": "too many requests"}')
        if self._dice.random() < self.airline.failing:
            return Reply(after, 503, b'{"error": "reservation system unavailable"}')
        return Reply(after, 200, fares(self.airline, path))

    def _admits(self, now: float) -> bool:
        """Whether a bucket that holds a second's worth, and fills as fast, has a token left."""
        limit = self.airline.per_second
        if limit is None:
            return True
        self._allowed = min(limit, self._allowed + (now - self._counted) * limit)
        self._counted = now
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True


def fares(airline: Airline, path: str) -> bytes:
    """What the airline sells on a route: one to four flights, always the same ones, as JSON."""
    dice = Random(f"{airline.code} {path}")  # noqa: S311 - as above
    flights = [
        {
            "flight": f"{airline.code}{dice.randrange(100, 1000)}",
            "departs": f"{dice.randrange(5, 23):02}:{dice.randrange(0, 60, 5):02}",
            "price": f"{dice.randrange(39, 420)}.{dice.choice(('00', '50', '90', '99'))}",
        }
        for _ in range(dice.randrange(1, 5))
    ]
    return json.dumps({"currency": "EUR", "fares": flights}).encode()
