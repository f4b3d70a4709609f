"""A report is the same from every Store, and whatever length of roll-ups it is read from."""

import pytest

from milkrun.cli.month_gathering import Wanted, gather
from milkrun.core.rollup import FIVE_MINUTES_MS
from milkrun.core.slo import Objective
from milkrun.store.protocol import Keep, Store
from tests.support.database import ENDLESS
from tests.support.monthly import HOUR, MONTH, Lived, live_through, month_settings

LIVES = [
    Lived(name="cart", down=(50, 53), slo=Objective(target=0.999)),
    Lived(name="login", group="shop", maintenance=(10, 12), wait=0.2),
]
# Four days, so that most of it is of whole ones.
HOURS = 96
END = MONTH + HOURS * HOUR
FOREVER = Keep(results=END, five_minutes=END, hours=END, days=END, incidents=END, max_bytes=ENDLESS)
# Bites of upkeep that this takes at most.
BITES = 1_000


async def _made_longer(store: Store, now: int) -> None:
    for _ in range(BITES):
        if not (await store.upkeep(now, FOREVER)).more:
            return
    raise AssertionError("upkeep never came to an end")


@pytest.mark.parametrize("longer", [pytest.param(False, id="five minutes"), pytest.param(True, id="days")])
async def test_a_report_says_what_happened(store: Store, longer: bool) -> None:
    await live_through(store, LIVES, end=END)
    if longer:
        await _made_longer(store, END + HOUR + FIVE_MINUTES_MS)
    wanted = Wanted(title="The first days of October", zone="UTC", since=MONTH, until=END, made=END)
    report = await gather(store, month_settings(LIVES), wanted, lambda: None)
    cart, login = report.endpoints
    assert (cart.counts.up, cart.counts.down, cart.met) == ((HOURS - 1) * 6 - 18, 18, False)
    assert (cart.incidents.count, cart.incidents.downtime) == (1, 3 * HOUR)
    assert (login.counts.up, login.counts.maintenance) == ((HOURS - 1) * 6 - 12, 12)
    assert report.gap == HOUR
    assert cart.warm is not None
    assert login.warm is not None
    assert (cart.warm.p99, login.warm.p99) == pytest.approx((39.7, 397), rel=0.02)
