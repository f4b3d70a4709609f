"""The users, in a process of their own: each comes when it is time, on a connection of its own, and waits so long.

Run as `python -m examples.flight_prices.load URL`, with the plan as JSON on standard input; what became of each user
goes to standard output as JSON. The load is open: that answers are late keeps nobody from coming, as in life.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle

import msgspec
import uvloop

from examples.flight_prices.plan import PATIENCE, Plan
from examples.flight_prices.quotes import Prices
from milkrun.client import Client, Limits, RequestError, Response, raise_limit

ROUTES = ("OSL/LIS", "BER/ATH", "CDG/KEF", "VIE/DUB", "WAW/MAD", "HEL/ROM", "ZRH/EDI", "PRG/BCN")
_MOST = 10_000  # users at once: more than the plan has, so that nothing but the service holds anybody up


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one user.

    Attributes:
        at: when the user came, in seconds from the start.
        seconds: from then until the answer or the end of it.
        status: of the answer; 0 if there was none.
        failure: why there was none.
        quotes: how many the answer had.
        missing: airlines that it lacked, by reason.
    """

    at: float
    seconds: float
    status: int = 0
    failure: str = ""
    quotes: int = 0
    missing: dict[str, int] = {}

    @property
    def answered(self) -> bool:
        """Whether there were prices in time for a user who is still there."""
        return self.status == 200


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """All users, and when the first one came, on the system's monotonic clock."""

    begun: float
    visits: Sequence[Visit]


async def come(url: str, plan: Plan) -> Visits:
    """Send every user of the plan."""
    limits = Limits(total=_MOST, per_origin=_MOST, handshakes=_MOST)
    begun = time.monotonic()

    async def visit(at: float, route: str) -> Visit:
        try:
            response = await client.get(f"{url}/prices/{route}", fresh=True, timeout=PATIENCE)
        except RequestError as err:
            return Visit(at=at, seconds=time.monotonic() - begun - at, failure=f"{err.layer}/{err.kind}")
        return _seen(at, time.monotonic() - begun - at, response)

    async with Client(limits=limits) as client, asyncio.TaskGroup() as group:
        visits = []
        for at, route in zip(plan.arrivals(), cycle(ROUTES), strict=False):
            await asyncio.sleep(begun + at - time.monotonic())
            visits.append(group.create_task(visit(at, route)))
    return Visits(begun=begun, visits=[visit.result() for visit in visits])


def _seen(at: float, seconds: float, response: Response) -> Visit:
    if response.status not in {200, 503}:
        return Visit(at=at, seconds=seconds, status=response.status, failure=f"answered {response.status}")
    prices = Prices.model_validate_json(response.body)
    return Visit(
        at=at,
        seconds=seconds,
        status=response.status,
        failure="" if response.status == 200 else "no airline's prices",
        quotes=len(prices.quotes),
        missing=dict(Counter(prices.missing.values())),
    )


def main() -> None:
    """Read the plan, send the users, write what became of them."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    raise_limit()
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(come(sys.argv[1], plan))))


if __name__ == "__main__":
    main()
