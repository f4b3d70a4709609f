"""Whose outage explains whose: the graph alone, and what a pipeline makes of it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.dependencies import Dependencies, cycle
from milkrun.core.incident import Moment
from milkrun.core.outcome import Outcome
from tests.support.guarded import SLOT, Guarded, Witnesses
from tests.support.judging import result
from tests.support.rounds import an_endpoint, registered


def family(**depends_on: list[str]) -> Dependencies:
    """Endpoints by name, with ids from 1 in the order given."""
    found = Dependencies()
    for number, (name, parents) in enumerate(depends_on.items(), start=1):
        found.watch(number, name, parents, out=False)
    return found


def test_the_nearest_outage_explains() -> None:
    found = family(root=[], gateway=["root"], shop=["gateway"])
    assert found.cause(3) is None
    found.mark(1, out=True)
    assert found.cause(3) == 1
    found.mark(2, out=True)
    assert (found.cause(3), found.cause(2), found.cause(1)) == (2, 1, None)
    found.mark(2, out=False)
    assert found.cause(3) == 1


def test_all_that_depend_on_one_are_known_near_ones_first() -> None:
    found = family(root=[], gateway=["root"], shop=["gateway"], cart=["gateway", "root"])
    assert found.dependents(1) == [2, 4, 3]
    assert found.dependents(3) == found.dependents(99) == []


def test_endpoints_come_go_and_change_what_they_depend_on() -> None:
    found = family(shop=["gateway"])
    assert found.cause(1) is None, "whom it depends on is not there yet"
    found.watch(2, "gateway", (), out=True)
    assert (found.cause(1), found.key(2), found.key(None), found.key(99)) == (2, "gateway", "", "")
    found.watch(1, "shop", (), out=False)
    assert (found.cause(1), found.dependents(2)) == (None, [])
    found.watch(1, "shop", ("gateway",), out=False)
    found.forget(2)
    assert found.cause(1) is None
    found.watch(3, "gateway", (), out=True)
    assert found.cause(1) == 3


def test_a_circle_is_found_and_told_from_where_it_begins() -> None:
    assert cycle({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["b"]}) == ["b", "d"]
    assert cycle({"a": ["a"]}) == ["a"]
    assert cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": [], "e": ["gone"]}) == []


@given(links=st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), max_size=6))
def test_what_is_told_as_a_circle_is_one_and_without_one_there_is_an_order(links: dict[str, list[str]]) -> None:
    found = cycle(links)
    if found:
        assert all(after in links[before] for before, after in zip(found, [*found[1:], found[0]], strict=True))
    else:
        left = dict(links)
        while left:
            free = [name for name, parents in left.items() if not set(parents) & left.keys()]
            assert free, "somebody depends on nobody that is left"
            for name in free:
                del left[name]


class House(Guarded):
    """A gateway (1), a shop (2) that depends on it, a cart (3) that depends on the shop."""

    def __init__(self) -> None:
        super().__init__(0, reach=Witnesses())
        depends_on = {1: (), 2: ("core_h1",), 3: ("core_h2",)}
        for number, parents in depends_on.items():
            endpoint = msgspec.structs.replace(an_endpoint(f"core_h{number}"), depends_on=parents)
            self.endpoints[number] = registered(endpoint, id=number)
        self.guard.watch(list(self.endpoints.values()), SLOT)

    def down(self, number: int) -> None:
        self.settle(number, result(Outcome.DOWN))

    def parents(self) -> dict[int, int | None]:
        """Whose outage explains whose, of those that are open."""
        states = self.backlog.pending.states
        return {number: state.incident.parent for number, state in states.items() if state.incident is not None}

    def moments(self, number: int) -> list[Moment]:
        return [entry.moment for entry in self.entries() if entry.incident.endpoint == number]


def test_a_childs_outage_that_comes_later_is_explained_from_its_beginning() -> None:
    house = House()
    house.down(1)
    house.down(2)
    assert house.parents() == {1: None, 2: 1}
    assert house.moments(2) == [Moment.OPENED, Moment.EXPLAINED]
    assert [message.subject.key for message in house.told()] == ["core_h1"]


def test_a_childs_outage_that_came_first_is_explained_when_its_parents_opens_and_taken_back() -> None:
    house = House()
    house.down(3)
    house.down(2)
    assert house.parents() == {2: None, 3: 2}
    house.down(1)
    assert house.parents() == {1: None, 2: 1, 3: 2}
    assert house.moments(2) == [Moment.OPENED, Moment.EXPLAINED]
    assert [message.subject.key for message in house.told()] == ["core_h1"], "nobody was told yet of the others"
    assert sorted(each.endpoint for each in house.batch().withdrawn) == [2, 3]


def test_when_the_parent_recovers_what_still_fails_is_told_of_for_itself() -> None:
    house = House()
    for number in (1, 2):
        house.down(number)
    house.up(1)
    assert house.parents() == {2: None}
    assert house.moments(2) == [Moment.OPENED, Moment.EXPLAINED, Moment.UNEXPLAINED]
    assert [entry.text for entry in house.entries() if entry.incident.endpoint == 2][1:] == ["core_h1", "core_h1"]
    assert "core_h2" in [message.subject.key for message in house.told()]


def test_a_parent_that_is_removed_explains_nothing_any_more() -> None:
    house = House()
    for number in (1, 2):
        house.down(number)
    house.guard.retire(1, house.slot)
    assert house.parents() == {2: None}


def test_a_dependency_that_is_configured_later_explains_what_is_open() -> None:
    house = House()
    lone = registered(an_endpoint("core_h4"), id=4)
    house.endpoints[4] = lone
    house.down(1)
    house.down(4)
    assert house.parents() == {1: None, 4: None}
    changed = msgspec.structs.replace(lone.endpoint, depends_on=("core_h1",))
    house.guard.watch([registered(changed, id=4)], house.slot)
    assert house.parents() == {1: None, 4: 1}
