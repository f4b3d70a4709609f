"""Which endpoints a page lists, and in which order."""

import pytest

from milkrun.core.endpoint import Registered
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.web.entry import Entry
from milkrun.web.heat import COLUMNS, FEW_COLUMNS, heat
from milkrun.web.listing import Listing, Members, Query, anchor, by_name, listing, matching
from tests.support.scene import endpoint

GROUPS = ("core", "search")


def members(states: dict[int, Outcome] | None = None, count: int = 10) -> Members:
    entries = [Entry(Registered(id=n, revision=1, endpoint=endpoint(n, groups=GROUPS))) for n in range(count)]
    for entry in entries:
        entry.settle(EndpointState(state=(states or {}).get(entry.id, Outcome.UP), since=1))
    return by_name(entries)


def shown(found: Listing) -> list[tuple[str, list[int]]]:
    return [(group.name, [entry.id for entry in group.entries]) for group in found.groups]


def test_everything_is_listed_by_group_and_name() -> None:
    assert shown(listing(members(count=4), Query())) == [("core", [0, 2]), ("search", [1, 3])]


def test_the_group_with_the_worst_comes_first_and_its_worst_on_top() -> None:
    found = listing(members({1: Outcome.DEGRADED, 3: Outcome.DOWN, 0: Outcome.UNKNOWN}, count=4), Query())
    assert shown(found) == [("search", [3, 1]), ("core", [0, 2])]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (Query(group="search"), [1, 3]),
        (Query(group="nowhere"), []),
        (Query(state=Outcome.DOWN), [3]),
        (Query(q="LOGIN"), [2, 3]),
        (Query(q="login search"), [3]),
        (Query(q="example.org/health", state=Outcome.UP, group="core"), [0, 2]),
        (Query(q="nothing"), []),
    ],
)
def test_filters_hold_together(query: Query, ids: list[int]) -> None:
    found = listing(members({3: Outcome.DOWN}, count=4), query)
    assert sorted(entry.id for entry in found.entries()) == ids
    assert found.total == len(ids)


def test_pages_cut_through_groups_and_a_page_past_the_end_is_the_last() -> None:
    everything = members()
    pages = [listing(everything, Query(page=page), size=4) for page in (1, 2, 3, 99)]
    assert [len(page.entries()) for page in pages] == [4, 4, 2, 2]
    assert shown(pages[2]) == shown(pages[3])
    assert {entry.id for page in pages for entry in page.entries()} == set(range(10))


def test_over_several_pages_the_broken_of_all_groups_come_before_anything_that_is_up() -> None:
    found = listing(members({8: Outcome.DOWN, 9: Outcome.DEGRADED}), Query(), size=4)
    assert [entry.id for entry in found.entries()][:2] == [8, 9]
    assert [(group.name, group.first) for group in found.groups] == [("core", True), ("search", True), ("core", False)]


def test_nothing_is_one_empty_page() -> None:
    found = listing({}, Query())
    assert (found.total, found.page, found.pages, found.groups) == (0, 1, 1, ())


def test_an_anchor_is_an_id_whatever_the_group_is_called() -> None:
    assert anchor('a "b" <c>').isascii()
    assert " " not in anchor("a b")
    assert anchor("a") != anchor("b")


def test_cells_of_the_heat_map_stay_where_they_are_when_states_change() -> None:
    well = heat(matching(members(), Query()))
    ill = heat(matching(members({0: Outcome.DOWN}), Query()))
    assert [one.name for one in well] == [one.name for one in ill] == ["core", "search"]
    assert (well[0].total, well[0].columns, well[0].rows) == (5, FEW_COLUMNS, 1)
    assert ill[0].paths[Outcome.DOWN].count("M") == 1


def test_many_endpoints_make_smaller_cells() -> None:
    assert {one.columns for one in heat(members(count=500))} == {COLUMNS}
    assert heat({}) == []
