"""What `milkrun check` prints for a person."""

import io

import pytest
from rich.console import Console

from milkrun.cli.report import print_report, why
from milkrun.cli.waterfall import bar
from milkrun.core.endpoint import Endpoint
from milkrun.core.observation import Connection, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger

COLD = Timings(queue=9.0, dns=0.01, connect=0.02, tls=0.03, wait=0.03, receive=0.01, total=0.1)
WARM = Timings(send=0.001, wait=0.019, total=0.02)
REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens on 10.0.0.7:443")
FAILED = ConditionResult(condition="[STATUS] == 200", passed=False, shown="[STATUS] (500) == 200")
PASSED = ConditionResult(condition="[BODY] == ok", passed=True, shown="[BODY] == ok")


def endpoint(name: str = "checkout", group: str = "core") -> Endpoint:
    return Endpoint(
        key=f"{group}_{name}", name=name, group=group, kind="http", target="", interval=1, timeout=1, options=None
    )


def result(
    outcome: Outcome = Outcome.UP,
    timings: Timings = COLD,
    connection: Connection | None = Connection.COLD,
    failure: Failure | None = None,
    conditions: tuple[ConditionResult, ...] = (),
) -> Result:
    return Result(
        endpoint=1,
        revision=1,
        location="local",
        slot=0,
        attempt=1,
        trigger=Trigger.MANUAL,
        started=0.0,
        outcome=outcome,
        timings=timings,
        connection=connection,
        failure=failure,
        conditions=conditions,
    )


def printed(*checked: tuple[Endpoint, Result], width: int = 200, terminal: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, highlight=False)
    print_report(console, checked, seconds=1.25)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [
        (Outcome.UP, "● up"),
        (Outcome.DEGRADED, "◐ degraded"),
        (Outcome.DOWN, "▲ down"),
        (Outcome.UNKNOWN, "○ unknown"),
    ],
)
def test_every_outcome_has_a_shape_and_a_word(outcome: Outcome, mark: str) -> None:
    assert printed((endpoint(), result(outcome)))[0].startswith(mark)


def test_a_line_says_who_how_and_how_long() -> None:
    line = printed((endpoint(), result()))[0]
    assert [word in line for word in ("core/checkout", "cold", "100 ms")] == [True] * 3


def test_a_failure_says_why_on_its_own_line() -> None:
    line = printed((endpoint(), result(Outcome.DOWN, failure=REFUSED)))[0]
    assert line.endswith("connect: nobody listens on 10.0.0.7:443")


def test_failed_conditions_are_shown_with_their_values_and_passed_ones_are_not() -> None:
    assert why(result(Outcome.DOWN, conditions=(PASSED, FAILED))) == "[STATUS] (500) == 200"


def test_a_check_that_reached_nothing_has_no_connection_and_no_time() -> None:
    line = printed((endpoint(), result(Outcome.UNKNOWN, Timings(), None, REFUSED)))[0]
    assert line.split()[:5] == ["○", "unknown", "core/checkout", "none", "–"]


def test_further_rounds_stand_under_the_name_they_belong_to() -> None:
    lines = printed((endpoint(), result()), (endpoint(), result(timings=WARM, connection=Connection.WARM)))
    assert "core/checkout" in lines[0]
    assert lines[1].split()[:4] == ["●", "up", "warm", "20"]


def test_the_count_names_each_outcome_that_occurred() -> None:
    lines = printed((endpoint("a"), result()), (endpoint("b"), result(Outcome.DOWN, failure=REFUSED)))
    assert lines[-1] == "2 checks in 1.2 s: 1 up, 1 down"


def test_nothing_to_check_is_said_so() -> None:
    assert printed()[-1] == "nothing to check"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    many = [(endpoint("a-name-that-goes-on-and-on" * 2), result(Outcome.DOWN, failure=REFUSED)), (endpoint(), result())]
    assert max(map(len, printed(*many, width=width, terminal=True))) <= width


def test_a_bar_is_as_long_as_its_time_and_shows_its_phases_in_order() -> None:
    assert bar(COLD, scale=0.1, width=10).plain == "░▒▒▓▓▓███▄"
    assert len(bar(COLD, scale=0.2, width=10)) == 5


def test_waiting_for_our_own_limits_is_in_no_bar() -> None:
    assert len(bar(COLD, scale=0.1, width=10)) == 10


def test_rounding_of_many_phases_never_makes_a_bar_longer_than_its_axis() -> None:
    even = Timings(dns=1, connect=1, tls=1, send=1, wait=1, receive=1, total=6)
    assert [len(bar(even, scale=6, width=width)) for width in range(1, 30)] == list(range(1, 30))


def test_a_time_too_short_to_draw_is_still_seen() -> None:
    assert bar(WARM, scale=100.0, width=10).plain == "▏"


def test_no_time_is_no_bar() -> None:
    assert bar(Timings(), scale=0.0, width=10).plain == ""
