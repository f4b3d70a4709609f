"""One request and its response on a connection: what the client holds while it waits, whatever the connection speaks.

An HTTP/1.1 connection is itself the exchange it carries, one after the other; one of HTTP/2 hands out a stream each.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.facts import ConnectionFacts
from milkrun.client.http1.wire import Received
from milkrun.client.request import PreparedRequest


class Underway(Protocol):
    """What is asked of an exchange, whether its messages are whole or in pieces."""

    @property
    def shared(self) -> bool:
        """Whether the connection carries others beside it."""

    @property
    def uses(self) -> int:
        """Exchanges begun on the connection, up to and with this one once it has started."""

    @property
    def gap(self) -> float:
        """Seconds the connection was idle before this exchange, infinite if it was not."""

    @property
    def survived(self) -> float:
        """The same of the exchange before."""

    @property
    def unheeded(self) -> bool:
        """Whether the server has said that it did not process the request.

        Then it may be sent again, whatever its method (RFC 9113 8.7).
        """

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` is to know of its connection."""

    def abandon(self, reason: Closed) -> None:
        """Give the exchange up at once, whatever is in flight."""


class Exchange(Underway, Protocol):
    """One request and its response.

    Attributes:
        patience: seconds that the connection may be idle.
    """

    patience: float

    @property
    def ended(self) -> Closed | None:
        """Why it, or its connection, was ended; None while it is open."""

    def start(self, request: PreparedRequest, trip: Trip) -> asyncio.Future[Received]:
        """Send a request; the future brings the whole response, or a RequestError."""

    def open(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None]
    ) -> "OpenExchange":
        """Send a request in pieces: content that is streamed follows by `write`, the body goes into the inflow.

        `on_interim` is called with the head of each interim (1xx) response.
        """


class OpenExchange(Underway, Protocol):
    """An exchange in pieces.

    Attributes:
        answer: brings the opening of the response, its head, as soon as that is there; or a RequestError. What goes
            wrong later, the inflow tells.
    """

    answer: asyncio.Future[Received]

    @property
    def stream_id(self) -> int | None:
        """The number of its stream on a connection that has such (RFC 9113 5.1.1)."""

    def get_extra_info(self, name: str) -> Any:
        """What the connection's transport knows, by asyncio's names."""

    async def write(self, piece: bytes) -> bool:
        """Send a piece of the content once there is room for it; False: the exchange is over, nobody wants more."""

    def end_content(self) -> None:
        """The content was all written."""

    def hand_over(self) -> Tunnel:
        """The stream itself, after a response that hands it over (RFC 9110 7.8, 9.3.6)."""


class Divisible(Protocol):
    """A connection whose exchange, begun as a whole one, may go on in pieces."""

    def take_over(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None], data: bytes
    ) -> OpenExchange:
        """Go on with the exchange in pieces, of whose response this has come so far."""
