"""The airlines' desks, and what the flight-price service makes of what they say."""

import errno
import os

import msgspec
import pytest
from examples.flight_prices.airlines import AIRLINES, Airline, Desk, fares
from examples.flight_prices.quotes import NO_DESCRIPTOR, Quote, Refusal, merge, path, read, reason

from milkrun.client import FanOut, Missing, Reason

AIRLINE = Airline(code="QU", name="Quail", http2=False, median=0.1, sigma=0.3, handshake=0.2, patience=0.7)
ROUTE = path("OSL", "LIS")


def test_an_airline_sells_the_same_flights_whenever_it_is_asked_for_a_route() -> None:
    assert fares(AIRLINE, ROUTE) == fares(AIRLINE, ROUTE) != fares(AIRLINE, path("LIS", "OSL"))


def test_two_runs_meet_the_same_airline() -> None:
    one, other = Desk(AIRLINES[0]), Desk(AIRLINES[0])
    assert [one.answer(ROUTE, at) for at in range(20)] == [other.answer(ROUTE, at) for at in range(20)]


def test_beyond_its_limit_of_a_second_an_airline_refuses_until_time_has_passed() -> None:
    desk = Desk(msgspec.structs.replace(AIRLINE, per_second=2.0))
    assert [desk.answer(ROUTE, at).status for at in (10.0, 10.0, 10.0, 10.4, 10.5, 12.0, 12.0)] == [
        *(200, 200, 429),
        *(429, 200),
        *(200, 200),
    ]
    assert (desk.asked, desk.refused) == (7, 2)


def test_an_airline_fails_at_its_rate() -> None:
    desk = Desk(msgspec.structs.replace(AIRLINE, failing=0.25))
    failed = sum(desk.answer(ROUTE, 0.0).status == 503 for _ in range(400))
    assert 70 < failed < 130


def test_what_an_airline_sells_is_read_as_quotes_of_its_name() -> None:
    quotes = read(AIRLINE, 200, fares(AIRLINE, ROUTE))
    assert quotes
    assert {quote.airline for quote in quotes} == {"Quail"}
    assert all(quote.flight.startswith("QU") and quote.currency == "EUR" for quote in quotes)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"", "answered 503"),
        (429, b'{"error": "too many requests"}', "answered 429"),
        (200, b"<html>", "answered something else than fares"),
        (200, b'{"currency": "EUR"}', "answered something else than fares"),
    ],
)
def test_an_answer_without_prices_is_a_refusal_that_says_why(status: int, body: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        read(AIRLINE, status, body)


def quote(price: float, departs: str, flight: str = "QU1") -> Quote:
    return Quote(airline="Quail", flight=flight, departs=departs, price=price, currency="EUR")


def test_quotes_of_all_airlines_are_one_list_the_cheapest_first_then_the_earliest() -> None:
    cheap, early, late = quote(50.0, "12:00"), quote(99.9, "06:10"), quote(99.9, "21:45")
    asked = FanOut(results={"AA": [late, cheap], "BB": [early]}, missing={})
    assert merge("OSL", "LIS", asked).quotes == [cheap, early, late]


def test_a_missing_airline_is_in_the_answer_with_its_reason() -> None:
    late = Missing(reason=Reason.DEADLINE, error=None, seconds=0.75)
    prices = merge("OSL", "LIS", FanOut(results={"AA": [quote(50.0, "12:00")]}, missing={"BB": late}))
    assert prices.missing == {"BB": "deadline"}
    assert len(prices.quotes) == 1


def wrapped(error: Exception) -> Exception:
    """As a client gives it: twice in an error of its own, once with a cause, once in a group."""
    outer = ConnectionError("all attempts failed")
    outer.__cause__ = ExceptionGroup("attempts", [ValueError("another one"), error])
    outermost = RuntimeError("of the client")
    outermost.__context__ = outer
    return outermost


NONE_LEFT = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize(
    ("why", "error", "said"),
    [
        (Reason.FAILED, NONE_LEFT, NO_DESCRIPTOR),
        (Reason.FAILED, wrapped(NONE_LEFT), NO_DESCRIPTOR),
        (Reason.FAILED, wrapped(OSError(errno.ECONNREFUSED, "refused")), "RuntimeError"),
        (Reason.FAILED, Refusal("answered 503"), "answered 503"),
        (Reason.TIMED_OUT, TimeoutError(), "timed out"),
        (Reason.DEADLINE, None, "deadline"),
    ],
)
def test_the_reason_is_what_lies_behind_the_clients_error(why: Reason, error: Exception | None, said: str) -> None:
    assert reason(Missing(reason=why, error=error, seconds=0.1)) == said
