"""What the service makes of the airlines' answers: quotes, the cheapest first, and for each missing airline the reason.

It knows of no client: both versions of the service share it.
"""

import errno
from collections.abc import Iterator
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ValidationError

from examples.flight_prices.airlines import Airline
from milkrun.client import FanOut, Missing, Reason

Airport = Annotated[str, Path(pattern="^[A-Z]{3}$", description="as in OSL")]

WITHIN = 0.75  # seconds for all airlines together: we promise 800 ms, and 50 are for our own work
NO_DESCRIPTOR = "too many open files"


class Quote(BaseModel, frozen=True):
    """One flight, and what it costs."""

    airline: str
    flight: str
    departs: str
    price: float
    currency: str


class Prices(BaseModel, frozen=True):
    """The service's answer: it is partial where airlines are missing."""

    origin: str
    destination: str
    quotes: list[Quote]
    missing: dict[str, str]


class Refusal(Exception):  # noqa: N818  # it says what the airline did
    """An airline answered, but gave no prices."""


class _Fare(BaseModel):
    flight: str
    departs: str
    price: float


class _Fares(BaseModel):
    currency: str
    fares: list[_Fare]


def path(origin: str, destination: str) -> str:
    """Where an airline's API has its fares on a route."""
    return f"/fares/{origin}/{destination}"


def read(airline: Airline, status: int, body: bytes) -> list[Quote]:
    """The quotes in an airline's answer. Raises Refusal: it has none, and says why."""
    if status != 200:
        raise Refusal(f"answered {status}")
    try:
        told = _Fares.model_validate_json(body)
    except ValidationError as err:
        raise Refusal("answered something else than fares") from err
    return [
        Quote(airline=airline.name, flight=fare.flight, departs=fare.departs, price=fare.price, currency=told.currency)
        for fare in told.fares
    ]


def merge(origin: str, destination: str, asked: FanOut[list[Quote]]) -> Prices:
    """All quotes in one list, the cheapest first, the earlier of equally cheap ones before the later."""
    quotes = [quote for answer in asked.results.values() for quote in answer]
    return Prices(
        origin=origin,
        destination=destination,
        quotes=sorted(quotes, key=lambda quote: (quote.price, quote.departs, quote.flight)),
        missing={code: reason(missing) for code, missing in asked.missing.items()},
    )


def reason(missing: Missing) -> str:
    """Why an airline is missing, in a few words."""
    for error in _behind(missing.error):
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            return NO_DESCRIPTOR
    if isinstance(missing.error, Refusal):
        return str(missing.error)
    if missing.reason is Reason.FAILED:
        return type(missing.error).__name__
    return missing.reason.replace("-", " ")


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it came from: clients wrap the system's own into theirs, often twice."""
    if error is None:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _behind(member)
    yield from _behind(error.__cause__ or error.__context__)
