"""A month's report: gathered from a store, and as each of its formats."""

import asyncio
import csv
import re
from io import StringIO

import orjson
import pytest
from rich.console import Console

from milkrun.cli.month_gathering import Wanted, gather
from milkrun.cli.month_page import as_html
from milkrun.cli.month_records import COLUMNS, as_csv, as_json
from milkrun.cli.month_text import as_text, print_report
from milkrun.core.objectives import SharedObjective
from milkrun.core.report import Report
from milkrun.core.slo import Objective
from milkrun.store.memory import MemoryStore
from tests.support.monthly import END, HOUR, MONTH, Lived, live_through, month_settings

LIVES = [
    Lived(name="cart", down=(100, 103), slo=Objective(target=0.999)),
    Lived(name="login", maintenance=(10, 12), slo=Objective(target=0.99)),
    Lived(name="<search>", group="shop", down=(200, 201)),
]
CORE = SharedObjective(name="the core", objective=Objective(target=0.99), groups=("core",))
NOBODY = SharedObjective(name="nobody", objective=Objective(target=0.9), groups=("nobody",))
SLOTS = (END - HOUR - MONTH) // 600_000


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """The month, lived through once: whoever reports on it only reads."""
    lived = MemoryStore()
    asyncio.run(live_through(lived, LIVES))
    return lived


async def reported(store: MemoryStore, *groups: str, until: int = END) -> Report:
    read: list[None] = []
    wanted = Wanted(title="October 2026", zone="UTC", since=MONTH, until=until, made=END, groups=groups)
    report = await gather(store, month_settings(LIVES, CORE, NOBODY), wanted, lambda: read.append(None))
    assert len(read) == len([one for one in LIVES if not groups or one.group in groups])
    return report


async def test_endpoints_are_judged_and_what_missed_its_target_comes_first(store: MemoryStore) -> None:
    report = await reported(store)
    cart, search, login = report.endpoints
    assert [line.key for line in report.endpoints] == ["core_cart", "shop_<search>", "core_login"]
    assert [line.met for line in report.endpoints] == [False, None, True]
    assert (cart.counts.down, cart.incidents.downtime, cart.incidents.layers) == (18, 3 * HOUR, {"connect": 1})
    assert (login.counts.maintenance, login.counts.availability) == (12, 1.0)
    assert search.incidents.count == 1


async def test_groups_and_shared_objectives_are_of_all_that_is_in_them(store: MemoryStore) -> None:
    report = await reported(store)
    assert [line.name for line in report.shared] == ["the core"]
    assert report.shared[0].counts == report.groups[0].counts == report.endpoints[0].counts + report.endpoints[2].counts
    assert report.shared[0].met is True
    assert [line.name for line in report.groups] == ["core", "shop"]
    assert report.total.counts.slots == 3 * SLOTS


async def test_time_in_which_nothing_ran_is_told(store: MemoryStore) -> None:
    report = await reported(store)
    assert report.gap == HOUR
    assert report.total.covered == pytest.approx(1 - HOUR / (END - MONTH))


async def test_a_report_is_confined_to_groups(store: MemoryStore) -> None:
    report = await reported(store, "shop")
    assert [line.key for line in report.endpoints] == ["shop_<search>"]
    assert report.shared == ()


async def test_a_shared_objective_is_left_out_where_only_a_part_of_it_is_reported_on() -> None:
    whole = SharedObjective(name="all", objective=Objective(target=0.9), groups=("*",))
    store = MemoryStore()
    await live_through(store, LIVES[1:])
    wanted = Wanted(title="x", zone="UTC", since=MONTH, until=END, made=END, groups=("core",))
    report = await gather(store, month_settings(LIVES[1:], CORE, whole), wanted, lambda: None)
    assert [line.name for line in report.shared] == ["the core"]


async def test_a_month_so_far_has_the_five_minutes_that_are_not_over(store: MemoryStore) -> None:
    whole, part = await reported(store, until=MONTH + HOUR + 1), await reported(store, until=MONTH + HOUR)
    assert (whole.total.counts.slots, part.total.counts.slots) == (7 * len(LIVES), 6 * len(LIVES))


async def test_a_month_that_nobody_lived_through_has_no_lines() -> None:
    store = MemoryStore()
    await live_through(store, LIVES[:1])
    wanted = Wanted(title="x", zone="UTC", since=END + HOUR, until=END + 2 * HOUR, made=END)
    assert (await gather(store, month_settings(LIVES), wanted, lambda: None)).endpoints == ()


async def test_in_a_terminal_it_is_a_sentence_and_a_table(store: MemoryStore) -> None:
    text = as_text(await reported(store)).decode()
    first, scope, gap, *_ = text.splitlines()
    assert first == "October 2026: 3 endpoints, 99.82% available; 2 incidents; 1 of 2 targets missed."
    assert scope.startswith("1 Oct 2026 00:00 to 1 Nov 2026 00:00, UTC. Not counted: 0 unknown, 12 under maintenance")
    assert gap == "Milkrun was not running for 1 h of it."
    cart = next(line for line in text.splitlines() if "core/cart" in line)
    assert re.match(r"▲  core/cart +99\.59% +99\.9% +2 h 15 min over +3 h +3 h +1 +3 h", cart)
    assert cart.endswith("1 connect")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
async def test_no_terminal_is_too_narrow_for_the_verdict(store: MemoryStore, width: int) -> None:
    text = StringIO()
    print_report(Console(file=text, width=width), await reported(store))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith(("▲", "●", "◐")) for line in lines) == 6


async def test_as_csv_it_has_a_row_for_each_line(store: MemoryStore) -> None:
    rows = list(csv.DictReader(StringIO(as_csv(await reported(store)).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["kind"] for row in rows] == ["total", "objective", "group", "group", "endpoint", "endpoint", "endpoint"]
    cart = rows[4]
    assert (cart["key"], cart["met"], cart["layers"], cart["downtime_ms"]) == (
        "core_cart",
        "False",
        "connect=1",
        str(3 * HOUR),
    )
    assert (rows[5]["target"], rows[5]["met"]) == ("", "")


async def test_a_name_is_one_line_in_a_terminal_and_no_formula_in_a_spreadsheet() -> None:
    lives = [Lived(name="=1+1", group="@a\n\tb"), Lived(name='a,"b"', group="-c")]
    store = MemoryStore()
    await live_through(store, lives)
    wanted = Wanted(title="October 2026", zone="UTC", since=MONTH, until=END, made=END)
    report = await gather(store, month_settings(lives), wanted, lambda: None)
    rows = list(csv.DictReader(StringIO(as_csv(report).decode(), newline="")))
    assert {(row["group"], row["name"]) for row in rows[-2:]} == {("'@a\n\tb", "'=1+1"), ("'-c", 'a,"b"')}
    assert any(line.startswith("●  @a b/=1+1 ") for line in as_text(report).decode().splitlines())


async def test_as_json_it_is_one_object(store: MemoryStore) -> None:
    found = orjson.loads(as_json(await reported(store)))
    assert (found["since"], found["until"]) == ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert found["not_running_ms"] == HOUR
    cart, search, _ = found["endpoints"]
    assert cart["budget"]["left_ms"] == cart["budget"]["allowed_ms"] - cart["budget"]["spent_ms"] < 0
    assert cart["layers"] == {"connect": 1}
    assert cart["latency"]["warm"]["p99_ms"] > cart["latency"]["warm"]["p50_ms"]
    assert search["budget"] is None


async def test_as_a_page_it_needs_nothing_else_and_escapes_what_it_is_given(store: MemoryStore) -> None:
    page = as_html(await reported(store)).decode()
    assert "<script" not in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert "shop/&lt;search&gt;" in page
    assert "&lt;small" not in page
    assert page.count("<tr class=") == 3 + 6  # three heads of tables, six lines
    for shown in (
        "October 2026",
        "99.82%",
        "2 h 15 min over",
        "12 under maintenance",
        "Milkrun was not running for 1 h",
    ):
        assert shown in page
