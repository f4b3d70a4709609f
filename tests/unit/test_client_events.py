"""An observed trip: whatever marks come, in whatever order, the account of the call is well-formed."""

import logging
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client import Client, Event, RequestError, Step
from milkrun.client.events import Hook, ObservedTrip, observed
from milkrun.client.exchange.trip import Trip
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.http1.wire import Received
from milkrun.client.response import Response
from milkrun.client.timings import Timings
from tests.support.listening import Listener

CONNECTION = ConnectionFacts(reused=False, age=0.0, uses=0, peer="127.0.0.1:80", address="127.0.0.1")
RECEIVED = Received(200, b"HTTP/1.1 200 OK\r\n\r\n", b"hi", 2, True, False, ())
RESET = RequestError("wait", "reset", "the connection was reset")


class Journey:
    """A trip that is led through its marks, each a second after the other."""

    def __init__(self, own: Hook | None = None) -> None:
        self.heard = Listener()
        self.client = Client(on_event=self.heard)
        self.request = self.client.prepare("GET", "http://example.test/", on_event=own)
        self.now = 100.0
        trip = observed(Trip(100.0, 200.0, 100.0, Timings()), self.request)
        assert isinstance(trip, ObservedTrip)
        self.trip = trip
        self.trip.departed()

    def clock(self) -> float:
        self.now += 1.0
        return self.now

    def phase(self, phase: str, error: Exception | None = None) -> None:
        with suppress(RequestError, TimeoutError), self.trip.timed(phase, self.clock):
            if error is not None:
                raise error

    def mark(self, name: str) -> None:
        setattr(self.trip, name, self.clock())

    def response(self) -> Response:
        return Response(self.request, RECEIVED, b"hi", self.trip.timings, CONNECTION, False, ())

    def conclude(self) -> None:
        self.trip.clocked(self.trip.further or self.trip.heard)
        self.trip.answered(self.response())


def test_a_request_that_goes_well_is_told_phase_by_phase() -> None:
    journey = Journey()
    for phase in ("queue", "dns", "connect", "tls"):
        journey.phase(phase)
    journey.trip.begin(journey.clock())
    for mark in ("sent", "heard", "further"):
        journey.mark(mark)
    journey.conclude()
    journey.trip.arrived(journey.clock())
    assert journey.heard.is_well_formed()
    assert journey.heard.story() == "queue dns connect tls send wait receive"
    received, end = journey.heard.events[-2:]
    assert end.answer == received.answer == AnswerFacts(status=200, version="1.1", bytes=2)
    assert end.connection == received.connection == CONNECTION
    assert received.at == journey.trip.further
    assert all(event.answer is None for event in journey.heard.events[:-2])


def test_a_response_before_the_request_was_all_sent_ends_the_sending() -> None:
    journey = Journey()
    journey.trip.begin(journey.clock())
    for mark in ("heard", "sent", "further"):
        journey.mark(mark)
    journey.conclude()
    journey.trip.arrived(journey.clock())
    assert journey.heard.is_well_formed()
    assert journey.heard.story() == "send receive"


def test_a_mark_that_comes_when_the_call_is_over_is_not_told() -> None:
    journey = Journey()
    journey.trip.begin(journey.clock())
    journey.trip.failed(journey.clock(), RESET)
    for mark in ("sent", "heard", "further"):
        journey.mark(mark)
    journey.trip.closed(journey.clock(), None)
    assert journey.heard.is_well_formed()
    assert journey.heard.story() == "send!"


def test_a_phase_that_breaks_off_says_with_what_and_so_does_the_request() -> None:
    journey = Journey()
    error = RequestError("dns", "not-found", "there is no such name")
    journey.phase("dns", error)
    journey.trip.failed(journey.clock(), error)
    assert journey.heard.story() == "dns!"
    assert [event.error for event in journey.heard.events] == [None, None, error, error]


def test_what_an_error_has_seen_is_told_with_it() -> None:
    journey = Journey()
    error = RequestError("receive", "truncated", "the body ended early")
    error.answer, error.connection = AnswerFacts(status=200, version="1.1", bytes=7), CONNECTION
    journey.trip.begin(journey.clock())
    journey.mark("heard")
    journey.trip.broken(journey.clock(), error)
    journey.trip.failed(journey.clock(), error)
    assert journey.heard.end().answer == error.answer
    assert journey.heard.end().connection == CONNECTION


def test_nothing_is_told_where_no_hook_is() -> None:
    trip = Trip(100.0, 200.0, 100.0, Timings())
    assert observed(trip, Client().prepare("GET", "http://example.test/")) is trip


def test_the_clients_hook_and_the_requests_are_both_told_and_neither_may_break_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def clumsy(event: Event) -> None:
        seen.append(event.phase)
        raise LookupError(event.phase)

    seen: list[str] = []
    with caplog.at_level(logging.ERROR, "milkrun.client"):
        journey = Journey(clumsy)
        journey.phase("dns")
        journey.trip.arrived(journey.clock())
    assert seen == [event.phase for event in journey.heard.events]
    assert journey.heard.is_well_formed()
    assert [record.message for record in caplog.records] == [
        "an event hook failed at request started",
        "an event hook failed at dns started",
        "an event hook failed at dns finished",
        "an event hook failed at request finished",
    ]


MARKS = st.lists(st.sampled_from(["sent", "heard", "further"]), max_size=6)
BEFORE = st.lists(st.tuples(st.sampled_from(["queue", "proxy", "dns", "connect", "tls"]), st.booleans()), max_size=4)
ENDS = st.sampled_from(["concluded", "broken", "body ended", "body failed", "given up", None])
ATTEMPTS = st.lists(st.tuples(BEFORE, MARKS, ENDS, MARKS, st.sampled_from(["retry", "goes on"])), max_size=4)
OUTCOMES = st.sampled_from(["arrived", "lasts", "failed"])


@given(attempts=ATTEMPTS, outcome=OUTCOMES, late=MARKS)
def test_any_order_of_marks_makes_a_well_formed_account(
    attempts: list[tuple[list[tuple[str, bool]], list[str], str | None, list[str], str]], outcome: str, late: list[str]
) -> None:
    journey = Journey()
    for before, marks, end, late_marks, onward in attempts:
        lead(journey, before, marks, end)
        for mark in late_marks if end is not None else ():
            journey.mark(mark)
        if journey.trip.under_way is not None:
            break  # a call that is cancelled in the middle of an exchange makes no other
        if onward == "retry":
            journey.trip.retry()
        else:
            journey.trip.goes_on(journey.request)
    finish(journey, outcome)
    for mark in late:
        journey.mark(mark)
    journey.trip.closed(journey.clock(), None)
    assert journey.heard.is_well_formed()


def lead(journey: Journey, before: list[tuple[str, bool]], marks: list[str], end: str | None) -> None:
    for phase, fails in before:
        journey.phase(phase, TimeoutError() if fails else None)
    journey.trip.begin(journey.clock())
    for mark in marks:
        journey.mark(mark)
    if end == "concluded" and journey.trip.heard:
        journey.conclude()
    elif end == "broken":
        journey.trip.broken(journey.clock(), RESET)
    elif end is not None:
        journey.trip.closed(journey.clock(), RESET if end == "body failed" else None)


def finish(journey: Journey, outcome: str) -> None:
    under_way = journey.trip.under_way is not None
    if outcome == "arrived" and not under_way:
        journey.trip.arrived(journey.clock())
    elif outcome == "lasts" and journey.trip.heard:
        journey.trip.lasts()
    else:
        journey.trip.failed(journey.clock(), RESET)


def test_events_are_told_in_the_order_of_their_times_even_if_marks_are_not_set_so() -> None:
    journey = Journey()
    journey.trip.begin(101.0)
    journey.trip.sent = 103.0  # of content let out by what came with the response, and
    journey.trip.heard = 102.0  # heard in one go with it
    journey.conclude()
    journey.trip.arrived(104.0)
    assert journey.heard.is_well_formed()
    assert [event.at for event in journey.heard.events] == [100.0, 101.0, 103.0, 103.0, 103.0, 103.0, 103.0, 104.0]


def test_events_can_be_told_apart_by_call() -> None:
    first, second = Journey(), Journey()
    assert first.heard.events[0].id != second.heard.events[0].id
    assert first.heard.events[0].step is Step.STARTED


def test_what_was_seen_of_one_exchange_is_not_told_of_the_next() -> None:
    journey = Journey()
    journey.trip.begin(journey.clock())
    journey.mark("heard")
    journey.conclude()
    journey.trip.goes_on(journey.request)
    journey.phase("dns", TimeoutError())
    journey.trip.failed(journey.clock(), TimeoutError())
    assert (journey.heard.end().attempt, journey.heard.end().answer, journey.heard.end().connection) == (2, None, None)
