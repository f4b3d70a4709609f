"""What stretches of history and objectives say."""

import pytest

from milkrun.core.incident import Incident
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Latency, Period, Rollup
from milkrun.core.sketch import Sketch
from milkrun.core.slo import ALARM_WINDOWS, DAY, SHOWN_WINDOWS, Counts, Objective
from milkrun.web import history_view, objective_view

EVERY = {*ALARM_WINDOWS, *SHOWN_WINDOWS, 30 * DAY}


def rollup(
    connection: Connection | None, *milliseconds: int, start: int = 0, location: str = "local", **counts: int
) -> Rollup:
    sketch = Sketch()
    values = [value * 1_000 for value in milliseconds]
    sketch.add_all(values)
    latency = Latency(
        count=len(values), sum=sum(values), min=min(values, default=0), max=max(values, default=0), sketch=sketch
    )
    one = Rollup(
        period=Period.HOUR, start=start, endpoint=1, location=location, connection=connection, phases={"total": latency}
    )
    for name, count in counts.items():
        setattr(one, name, count)
    return one


def test_warm_and_cold_are_apart_and_locations_are_not() -> None:
    found = history_view.summed(
        [
            rollup(Connection.WARM, *range(1, 51), up=50),
            rollup(Connection.WARM, *range(51, 101), location="far", up=49, down=1),
            rollup(Connection.COLD, 400, degraded=1),
            rollup(None, unknown=2, maintenance=3),
        ]
    )
    assert found.counts == Counts(up=99, degraded=1, down=1, unknown=2, maintenance=3)
    assert (found.warm.count, found.warm.mean, found.warm.max) == (100, 50.5, 100)
    assert found.warm.p50 == pytest.approx(50, rel=0.02)
    assert found.warm.p99 == pytest.approx(99, rel=0.02)
    assert found.cold.p50 == pytest.approx(400, rel=0.02)


def test_nothing_checked_has_no_latencies_and_no_uptime() -> None:
    row = history_view.window_row("1h", history_view.summed([]))
    assert (row.uptime, row.aside, row.checks) == ("–", "", "0")
    assert row.warm == row.cold == ("–", "–", "–")


def test_a_window_says_how_much_its_uptime_leaves_out() -> None:
    row = history_view.window_row("24h", history_view.summed([rollup(None, up=968, unknown=2, maintenance=30)]))
    assert (row.name, row.uptime, row.aside) == ("24 hours", "100%", "3.0% maintenance, 0.2% unknown")


def test_the_chart_has_a_column_each_and_outages_as_spans_of_seconds() -> None:
    course = [(0, history_view.summed([rollup(Connection.WARM, 10, up=1)])), (1_000, history_view.summed([]))]
    over, still = (
        Incident(endpoint=1, opened=at, closed=closed, state=Outcome.DOWN, cause="")
        for at, closed in [(1_000, 3_000), (4_000, None)]
    )
    drawn = history_view.chart(course, [over, still], 9_000)
    assert drawn["t"] == [0, 1]
    assert drawn["warm"] == [10, None]
    assert drawn["cold99"] == [None, None]
    assert drawn["outages"] == [[1, 3], [4, 9]]


@pytest.mark.parametrize(
    ("down", "said", "mark"),
    [
        (0, "100% up of 99.9% wanted over 30 days; 43 min of downtime left of 43 min.", Outcome.UP),
        (100, "99.99% up of 99.9% wanted over 30 days; 38 min of downtime left of 43 min.", Outcome.UP),
        (2_000, "99.80% up of 99.9% wanted over 30 days; the budget is overspent by 43 min of downtime.", Outcome.DOWN),
    ],
)
def test_an_objective_says_how_much_of_its_budget_is_left(down: int, said: str, mark: Outcome) -> None:
    steady = Counts(up=1_000_000 - down, down=down)
    found = objective_view.standing(
        Objective(target=0.999), dict.fromkeys(EVERY, Counts(up=1)) | {30 * DAY: steady}, 30 * DAY
    )
    assert objective_view.headline(found) == said
    assert found.mark is mark
    assert 0 <= found.left <= 1


def test_a_budget_that_burns_too_fast_says_so() -> None:
    burning = Counts(up=950, down=50)
    found = objective_view.standing(
        Objective(target=0.999), dict.fromkeys(EVERY, burning) | {30 * DAY: Counts(up=999_900, down=100)}, 30 * DAY
    )
    assert found.mark is Outcome.DEGRADED
    assert "somebody should look now" in objective_view.warning(found)
    assert dict(found.rates)["1 h"] == pytest.approx(50)
    assert objective_view.standing_object(found)["alarm"] == "page"


def test_an_objective_of_which_nothing_is_known_says_that() -> None:
    found = objective_view.standing(Objective(target=0.99), dict.fromkeys(EVERY, Counts(unknown=3)), DAY)
    assert objective_view.headline(found) == "Nothing is known yet of 99% wanted over 30 days."
    assert (found.mark, found.left, objective_view.warning(found)) == (Outcome.UNKNOWN, 1, "")
    assert objective_view.standing_object(found)["budget"] is None
