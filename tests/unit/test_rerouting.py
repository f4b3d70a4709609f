"""What the monitor asks of the planner besides each change: when routes change, and when an endpoint goes."""

import pytest

from milkrun.alerting.planner import Planner
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.monitor.backlog import Backlog
from milkrun.monitor.standing import Standing
from tests.support.alerts import a_route, an_outage, registered
from tests.support.history import START, a_failure

DOWN = EndpointState(
    state=Outcome.DOWN, settled=Outcome.DOWN, since=START, worse=(1, 1), location="local", incident=an_outage()
)
UP = EndpointState(state=Outcome.UP, settled=Outcome.UP, since=START, better=(1, 1), location="local")


class Scene:
    """One endpoint in a state, under routes that may change."""

    def __init__(self, state: EndpointState) -> None:
        self.backlog = Backlog()
        self.planner = Planner((), {})
        self.standing = Standing(states={1: state}, backlog=self.backlog, planner=self.planner)
        self.standing.watch([registered()], START)

    def told(self) -> list[tuple[str, int]]:
        return [(message.purpose.value, message.created) for message in self.backlog.pending.messages.values()]


@pytest.mark.parametrize(("state", "told"), [(DOWN, [("trigger", START + 9)]), (UP, [])])
def test_a_new_route_is_told_of_what_lasts_already_and_once(state: EndpointState, told: list[tuple[str, int]]) -> None:
    scene = Scene(state)
    assert not scene.standing.reroute(START)
    scene.planner.use([a_route()])
    assert scene.standing.reroute(START + 9) is bool(told)
    assert not scene.standing.reroute(START + 10)
    assert scene.told() == told


def test_a_new_route_has_its_streaks_counted_from_then_on() -> None:
    scene = Scene(DOWN)
    scene.planner.use([a_route(failure=2)])
    assert not scene.standing.reroute(START + 1)
    assert scene.standing.settle(registered(), a_failure(1, START + 10), None)
    assert scene.told() == [("trigger", START + 10)]


def test_an_endpoint_that_goes_ends_what_was_told_of_it_without_any_streak() -> None:
    scene = Scene(DOWN)
    scene.planner.use([a_route(success=3)])
    scene.standing.reroute(START + 1)
    scene.standing.retire(1, START + 20)
    assert scene.told() == [("trigger", START + 1), ("resolve", START + 20)]
