"""Routes: every slot once, in order, whoever comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.observation import Observation
from milkrun.monitor.route import Route, Stop
from tests.support.rounds import an_endpoint, answer, registered
from tests.support.slots import slots_between


async def nothing() -> Observation:
    return answer()


def stops(count: int, interval: int = 10_000) -> list[Stop]:
    return [Stop(registered(an_endpoint(f"core_{n}", interval=interval), id=n), nothing) for n in range(count)]


def everything(route: Route, until: int, limit: int) -> list[tuple[Stop, int]]:
    taken = []
    for _ in range(10_000):
        taken += route.take(until, limit)
        if route.position == until:
            return taken
    raise AssertionError("the route never ended")


@given(
    count=st.integers(0, 20),
    interval=st.integers(1, 50),
    began=st.integers(0, 1_000),
    length=st.integers(0, 200),
    limit=st.integers(1, 7),
)
def test_every_slot_is_handed_out_once_and_in_order(
    count: int, interval: int, began: int, length: int, limit: int
) -> None:
    route = Route(interval, began)
    members = stops(count, interval)
    route.add(members)
    taken = everything(route, began + length, limit)
    expected = {
        (stop, slot) for stop in members for slot in slots_between(began + 1, began + length + 1, stop.phase, interval)
    }
    assert len(taken) == len(expected)
    assert set(taken) == expected
    assert [slot for _, slot in taken] == sorted(slot for _, slot in taken)


def test_a_bite_never_ends_between_two_stops_of_one_slot() -> None:
    route = Route(1, 0)
    route.add(stops(5, 1))
    assert len(route.take(3, 2)) == 5


def test_a_stop_that_arrives_is_first_due_after_the_routes_position() -> None:
    route = Route(10_000, 0)
    route.take(60_000, 10)
    route.add(stops(3))
    assert 60_000 < route.next_slot() <= 70_000


def test_a_stop_that_leaves_changes_no_other_stops_slots() -> None:
    route, untouched = Route(10_000, 0), Route(10_000, 0)
    members = stops(5)
    route.add(members)
    untouched.add([stop for stop in members if stop is not members[2]])
    route.take(4_000, 10)
    untouched.take(4_000, 10)
    route.discard({members[2]})
    assert route.take(40_000, 100) == untouched.take(40_000, 100)


def test_an_empty_route_hands_out_nothing() -> None:
    route = Route(10_000, 0)
    assert route.take(5_000, 10) == []
    assert route.position == 5_000


@pytest.mark.parametrize("position", [0, 9_999, 10_000, 123_456])
def test_skipped_time_hands_out_nothing(position: int) -> None:
    route = Route(10_000, 0)
    route.add(stops(4))
    route.skip_to(position)
    assert [slot for _, slot in route.take(position, 10)] == []
    assert all(slot > position for _, slot in route.take(position + 10_000, 10))
