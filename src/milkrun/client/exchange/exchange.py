"""One request and its response on a connection: what the client holds while it waits, whatever the connection speaks.

An HTTP/1.1 connection is itself the exchange it carries, one after the other; one of HTTP/2 hands out a stream each.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.facts import ConnectionFacts
from milkrun.client.http1.wire import Received
from milkrun.client.request import PreparedRequest


class Exchange(Protocol):
    """One request and its response.

    Attributes:
        shared: whether the connection carries others beside it.
        gap, survived: seconds the connection was idle before this exchange, and before the one before; infinite if it
            was not.
        uses: exchanges begun on the connection, up to and with this one once it has started.
        patience: seconds that the connection may be idle.
        ended: why it, or its connection, was ended; None while it is open.
        unheeded: whether the server has said that it did not process the request, so that it may be sent again
            whatever its method (RFC 9113 8.7).
    """

    patience: float

    @property
    def uses(self) -> int:
        """See above."""

    @property
    def gap(self) -> float:
        """See above."""

    @property
    def survived(self) -> float:
        """See above."""

    @property
    def shared(self) -> bool:
        """See above."""

    @property
    def ended(self) -> Closed | None:
        """See above."""

    @property
    def unheeded(self) -> bool:
        """See above."""

    def start(self, request: PreparedRequest, trip: Trip) -> asyncio.Future[Received]:
        """Send a request; the future brings the whole response, or a RequestError."""

    def open(
        self, request: PreparedRequest, trip: Trip, inflow: Inflow, on_interim: Callable[[bytes], None]
    ) -> "OpenExchange":
        """Send a request in pieces: content that is streamed follows by `write`, the body goes into the inflow.

        `on_interim` is called with the head of each interim (1xx) response.
        """

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` is to know of its connection."""

    def abandon(self, reason: Closed) -> None:
        """Give the exchange up at once, whatever is in flight."""


class OpenExchange(Protocol):
    """An exchange in pieces.

    Attributes:
        answer: brings the opening of the response, its head, as soon as that is there; or a RequestError. What goes
            wrong later, the inflow tells.
    """

    answer: asyncio.Future[Received]

    @property
    def shared(self) -> bool:
        """As `Exchange` has it."""

    @property
    def uses(self) -> int:
        """As `Exchange` has it."""

    @property
    def gap(self) -> float:
        """As `Exchange` has it."""

    @property
    def survived(self) -> float:
        """As `Exchange` has it."""

    @property
    def unheeded(self) -> bool:
        """As `Exchange` has it."""

    async def write(self, piece: bytes) -> bool:
        """Send a piece of the content once there is room for it; False: the exchange is over, nobody wants more."""

    def end_content(self) -> None:
        """The content was all written."""

    def facts(self, begun: float) -> ConnectionFacts:
        """As `Exchange` has it."""

    def abandon(self, reason: Closed) -> None:
        """As `Exchange` has it."""

    def hand_over(self) -> Tunnel:
        """The stream itself, after a response that hands it over (RFC 9110 7.8, 9.3.6)."""
