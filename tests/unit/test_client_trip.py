"""A trip's clock: each exchange's phases, added up."""

from milkrun.client.errors import RequestError
from milkrun.client.exchange.trip import Trip
from milkrun.client.facts import AnswerFacts
from milkrun.client.timings import Timings

MOVED = AnswerFacts(status=302, version="1.1", bytes=0)
FOUND = AnswerFacts(status=200, version="1.1", bytes=9)


def trip() -> Trip:
    return Trip(started=100.0, deadline=110.0, begun=100.0, timings=Timings())


def phases(one: Trip) -> tuple[float, float, float]:
    return one.timings.send, one.timings.wait, one.timings.receive


def test_an_exchange_is_sending_then_waiting_then_receiving() -> None:
    one = trip()
    one.sent, one.heard = 101.0, 103.0
    one.clocked(107.0)
    assert phases(one) == (1.0, 2.0, 4.0)


def test_an_exchange_that_ended_while_it_was_sent_has_no_other_phase() -> None:
    one = trip()
    one.clocked(104.0)
    assert phases(one) == (4.0, 0.0, 0.0)


def test_a_response_before_the_request_was_all_sent_was_not_waited_for() -> None:
    one = trip()
    one.sent, one.heard = 104.0, 102.0
    one.clocked(105.0)
    assert one.timings.wait == 0.0


def test_the_next_exchange_adds_its_own_phases_and_none_of_the_last_ones() -> None:
    one = trip()
    one.sent, one.heard, one.further = 101.0, 102.0, 103.0
    one.clocked(103.0)
    one.begin(105.0)
    assert (one.sent, one.heard, one.further) == (0.0, 0.0, 0.0)
    one.sent = 106.0
    one.clocked(109.0)
    assert phases(one) == (2.0, 4.0, 1.0)


def test_an_error_is_told_what_was_seen_on_the_whole_trip() -> None:
    one = trip()
    one.timings.queue = 1.0
    one.warnings, one.answer, one.stale_retry = ("of an earlier hop",), MOVED, True
    error = RequestError("receive", "truncated", "the body ended early")
    error.warnings = ("of the last hop",)
    one.explain(error, 104.0)
    assert error.timings is one.timings
    assert error.timings.total == 3.0
    assert list(error.warnings) == ["of an earlier hop", "of the last hop"]
    assert (error.answer, error.stale_retry) == (MOVED, True)


def test_what_an_error_knows_itself_is_not_replaced() -> None:
    one = trip()
    one.answer = MOVED
    error = RequestError("receive", "truncated", "the body ended early")
    error.answer = FOUND
    one.explain(error, 104.0)
    assert error.answer is FOUND
