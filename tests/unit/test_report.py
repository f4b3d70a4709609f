"""A report's lines: what is counted, held to its target, and told of incidents and latencies."""

import pytest
from msgspec.structs import replace

from milkrun.core.incident import Incident, Kind
from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Outcome
from milkrun.core.report import Account, Incidents, Line, account, line
from milkrun.core.result import Result
from milkrun.core.rollup import Period, roll_up
from milkrun.core.slo import HOUR, Counts, Objective
from tests.support.history import START, a_failure, a_result, an_incident

UNTIL = START + 10 * HOUR


def counted(*results: Result, incidents: tuple[Incident, ...] = (), expected: float = 10) -> Account:
    rollups = roll_up(Period.HOUR, results)
    return account(rollups, key="core_a", name="a", group="core", incidents=incidents, expected=expected)


def judged(*accounts: Account, objective: Objective | None = None) -> Line:
    return line(accounts, key="k", name="n", group="g", objective=objective, since=START, until=UNTIL)


def spell(opened: float, closed: float | None, **changes: object) -> Incident:
    """An outage from one hour to another."""
    ends = None if closed is None else START + int(closed * HOUR)
    usual = {"opened": START + int(opened * HOUR), "closed": ends, "state": Outcome.DOWN, "layer": "connect"}
    return replace(an_incident(1), **usual | changes)


@pytest.mark.parametrize(("target", "met"), [(0.5, True), (0.75, True), (0.76, False)])
def test_a_target_is_met_or_missed(target: float, met: bool) -> None:
    results = [a_result(slot=START + number) for number in range(3)]
    assert judged(counted(*results, a_failure()), objective=Objective(target=target)).met is met


def test_without_a_target_or_events_there_is_no_verdict() -> None:
    assert judged(counted(a_result())).met is None
    unknown = counted(a_result(outcome=Outcome.UNKNOWN))
    assert judged(unknown, objective=Objective(target=0.9)).met is None


def test_the_budget_is_of_the_time_that_was_checked() -> None:
    results = [a_result(slot=START + number) for number in range(5)]
    found = judged(counted(*results), objective=Objective(target=0.9))
    assert found.covered == 0.5
    assert found.budget is not None
    assert (found.budget.allowed, found.budget.spent) == (HOUR // 2, 0)


def test_more_slots_than_expected_are_all_of_them() -> None:
    assert judged(counted(a_result(), expected=0.1)).covered == 1.0
    assert judged().covered == 0.0


def test_several_together_add_up() -> None:
    some = [a_result(slot=START + number, timings=Timings(total=0.01)) for number in range(60)]
    others = [a_result(slot=START + number, timings=Timings(total=0.1)) for number in range(40)]
    found = judged(counted(*some, expected=100), counted(*others, a_failure(), expected=100))
    assert found.counts == Counts(up=100, down=1)
    assert found.covered == pytest.approx(101 / 200)
    assert found.warm is not None
    assert found.warm.checks == 100
    assert (found.warm.p50, found.warm.p99) == pytest.approx((10, 100), rel=0.01)
    assert found.cold is None


def test_warm_and_cold_latencies_stand_apart() -> None:
    cold = a_result(connection=Connection.COLD, timings=Timings(connect=0.05, total=0.2))
    found = judged(counted(a_result(timings=Timings(total=0.01)), cold))
    assert found.warm is not None
    assert found.cold is not None
    assert (found.warm.p95, found.cold.p95) == (10, 200)


def test_incidents_are_counted_by_layer_with_their_downtime_and_repair() -> None:
    incidents = (spell(1, 2), spell(3, 6), spell(7, 8, layer="wait"), spell(8, 9, state=Outcome.DEGRADED, layer=""))
    assert judged(counted(a_result(), incidents=incidents)).incidents == Incidents(
        count=4,
        open=0,
        downtime=5 * HOUR,
        longest=3 * HOUR,
        repair=round(1.5 * HOUR),
        layers={"connect": 2, "wait": 1, "unknown": 1},
    )


def test_only_the_part_of_an_incident_in_that_time_is_its_downtime() -> None:
    incidents = (spell(-5, 1), spell(9, None), spell(8, 30))
    found = judged(counted(a_result(), incidents=incidents)).incidents
    assert (found.downtime, found.longest, found.open) == (4 * HOUR, 2 * HOUR, 2)
    assert found.repair == 6 * HOUR


def test_what_is_no_outage_is_no_incident_of_a_report() -> None:
    found = judged(counted(a_result(), incidents=(spell(1, 2, kind=Kind.CERTIFICATE),))).incidents
    assert found == Incidents()
