"""A month of a few endpoints in a store, for what reports on it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from milkrun.config.settings import Settings
from milkrun.core.endpoint import Endpoint
from milkrun.core.incident import Incident
from milkrun.core.objectives import SharedObjective
from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.core.rollup import Period, roll_up
from milkrun.core.slo import Objective
from milkrun.store.opening import open_store
from milkrun.store.protocol import Batch, Gap, Store
from tests.support.history import a_failure, a_result, an_endpoint

HOUR = 3_600_000
MONTH = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp() * 1_000)
END = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1_000)
# A slot every ten minutes is enough to count by.
INTERVAL = 600_000
# Raw results that `fill` writes, the month's last.
RESULTS = 2_000


class Lived(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint lived through: hours of the month (from, to) in which it was down or under maintenance."""

    name: str
    group: str = "core"
    down: tuple[int, int] = (0, 0)
    maintenance: tuple[int, int] = (0, 0)
    slo: Objective | None = None
    wait: float = 0.02


def month_endpoint(lived: Lived) -> Endpoint:
    endpoint = replace(an_endpoint(lived.name, interval=INTERVAL), slo=lived.slo)
    return replace(endpoint, group=lived.group, key=f"{lived.group}_{lived.name}")


def month_settings(lives: Sequence[Lived], *shared: SharedObjective) -> Settings:
    return Settings(endpoints=tuple(map(month_endpoint, lives)), slos=shared)


async def live_through(store: Store, lives: Sequence[Lived], *, end: int = END) -> None:
    """Write the month's roll-ups up to `end`, incidents and one gap of an hour, the last."""
    registered = await store.register([month_endpoint(lived) for lived in lives])
    for one, lived in zip(registered, lives, strict=True):
        results = [_result(one.id, slot, lived) for slot in range(MONTH, end - HOUR, INTERVAL)]
        incidents = [_incident(one.id, lived)] if lived.down != (0, 0) else []
        await store.write(Batch(rollups=roll_up(Period.FIVE_MINUTES, results), incidents=incidents))
    await store.write(Batch(gaps=[Gap(began=end - HOUR, ended=end, reason="Milkrun was not running")]))


async def fill(data: Path) -> None:
    """Make a data directory with the month of one endpoint, three hours of it down."""
    cart = Lived(name="cart", down=(100, 103))
    store = await open_store(data / "milkrun.db")
    await live_through(store, [cart])
    [known] = await store.register([month_endpoint(cart)])
    slots = [END - HOUR - number * INTERVAL for number in range(RESULTS)]
    await store.write(Batch(results=[a_result(known.id, slot) for slot in slots]))
    await store.close()


def _result(endpoint: int, slot: int, lived: Lived) -> Result:
    hour = (slot - MONTH) // HOUR
    if lived.down[0] <= hour < lived.down[1]:
        return a_failure(endpoint, slot)
    cold = slot % HOUR == 0
    wait = lived.wait * (1 + slot // INTERVAL % 100 / 100)
    timings = Timings(connect=0.03 if cold else 0.0, wait=wait, total=wait + (0.03 if cold else 0.0))
    connection = Connection.COLD if cold else Connection.WARM
    maintenance = lived.maintenance[0] <= hour < lived.maintenance[1]
    return a_result(endpoint, slot, timings=timings, connection=connection, maintenance=maintenance)


def _incident(endpoint: int, lived: Lived) -> Incident:
    opened, closed = (MONTH + hour * HOUR for hour in lived.down)
    return Incident(
        endpoint=endpoint,
        opened=opened,
        closed=closed,
        state=Outcome.DOWN,
        cause="connect/refused: 10.0.0.7:443 refuses connections",
        layer="connect",
    )
