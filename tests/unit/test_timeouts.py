"""A time limit for each part of a request's way."""

import math

import pytest

from milkrun.client import Timeouts, Timings, UsageError

ALL = Timeouts(pool=1, connect=2, write=3, read=4)
SPENT = Timings(queue=0.25, proxy=0.1, dns=0.2, connect=0.3, tls=0.4, send=9.0, wait=9.0, receive=9.0)


@pytest.mark.parametrize(
    ("phase", "due"),
    [
        ("queue", 100.75),
        *((phase, 101.0) for phase in ("proxy", "dns", "connect", "tls")),
        ("send", 103.0),
        ("wait", 104.0),
        ("receive", 104.0),
        ("what nobody times", math.inf),
    ],
)
def test_waits_and_openings_are_limited_in_sum_and_pieces_each_on_its_own(phase: str, due: float) -> None:
    assert ALL.until(phase, 100.0, SPENT) == pytest.approx(due)


@pytest.mark.parametrize("phase", ["queue", "dns", "send", "wait", "receive"])
def test_what_is_not_limited_is_waited_for_for_ever(phase: str) -> None:
    assert Timeouts().until(phase, 100.0, SPENT) == math.inf


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan])
def test_a_limit_that_is_none_is_refused_by_its_name(seconds: float) -> None:
    with pytest.raises(UsageError, match=r"the connect timeout is .*; expected seconds, or None for no limit"):
        Timeouts(connect=seconds)
