"""One exchange in pieces, from its request's first byte until its connection is given back, which happens once."""

import asyncio
from collections.abc import Callable

from milkrun.client.errors import RequestError
from milkrun.client.exchange.exchange import Divisible, Exchange, OpenExchange
from milkrun.client.exchange.inflow import Inflow
from milkrun.client.exchange.link import Closed
from milkrun.client.exchange.trip import Trip
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.exchange.upload import Upload
from milkrun.client.facts import ConnectionFacts
from milkrun.client.headers import Headers, RawPairs
from milkrun.client.http1.wire import Received
from milkrun.client.request import PreparedRequest

_CONTINUE = b"100"


class Flight:
    """An exchange in pieces.

    Args:
        connection: what the pool gave for it.
        give_back: called once, when nothing more will come of it, with whether the connection may be kept.

    Attributes:
        interim: heads of interim responses, as they came: status and fields.
    """

    def __init__(
        self,
        connection: Exchange,
        request: PreparedRequest,
        trip: Trip,
        *,
        give_back: Callable[[bool], None],
        clock: Callable[[], float],
    ) -> None:
        self.request = request
        self.trip = trip
        self.interim: list[tuple[int, Headers]] = []
        self._given = connection
        self._give_back = give_back
        self._clock = clock
        self._inflow = Inflow(self._ended)
        self._upload = Upload(request) if request.streamed else None
        self._pump: asyncio.Task[None] | None = None
        self._exchange: OpenExchange
        self._facts: ConnectionFacts
        self._tunnel: Tunnel | None = None
        self._has_begun = self._is_over = False

    def __repr__(self) -> str:
        state = "handed over" if self._tunnel else "over" if self._is_over else "under way"
        return f"<Flight of {self.request!r}: {state}, {self._inflow!r}>"

    def take_over(self, connection: Divisible, data: bytes) -> None:
        """Go on with an exchange of the connection that was begun as a whole one, of whose response this has come."""
        self._has_begun = True
        self._exchange = connection.take_over(self.request, self.trip, self._inflow, self._hear_interim, data)

    async def open(self) -> Received:
        """Send the request, unless an exchange was taken over, and return the response's head when it is there.

        Content may still be on its way then.

        Raises:
            RequestError: what became of it; what the content's source raises is raised as it is.
        """
        if not self._has_begun:
            self._begin()
        exchange = self._exchange
        received = await self._opening(exchange, self._pump)
        self.trip.opened()
        self._facts = exchange.facts(self.trip.begun)
        if self._pump is not None:
            self._pump.add_done_callback(self._pumped)
        return received

    @property
    def exchange(self) -> OpenExchange:
        """What is under way."""
        return self._exchange

    @property
    def facts(self) -> ConnectionFacts:
        """What is known of the connection, once the head is there."""
        return self._facts

    @property
    def is_repeatable(self) -> bool:
        """Whether nothing of the content was used up so far."""
        return self.request.is_replayable or self._upload is None or not self._upload.begun

    @property
    def is_over(self) -> bool:
        """Whether the connection was given back."""
        return self._is_over

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._inflow.complete

    @property
    def trailers(self) -> RawPairs:
        """The trailer fields, once the body has arrived."""
        return self._inflow.trailers

    async def read(self, patience: float) -> bytes:
        """The next piece of the body, b"" at its end; `patience`: seconds until it must come."""
        try:
            return await self._inflow.read(patience)
        except RequestError as err:
            self.trip.explain(err, self._clock())
            raise

    def interrupt(self) -> None:
        """Let a reader who waits go: the response was closed meanwhile."""
        self._inflow.interrupt()

    def hand_over(self) -> Tunnel:
        """The connection itself."""
        if self._tunnel is None:
            self._tunnel = self._exchange.hand_over()
            self.trip.closed(self._clock(), None)  # what follows is no HTTP
        return self._tunnel

    def stop_upload(self) -> None:
        """Send no more of the content."""
        if self._pump is not None:
            self._pump.cancel()

    def cut(self) -> None:
        """Be done with it at once. Harmless when it is over."""
        self.stop_upload()
        if self._tunnel is not None:
            self._tunnel.close()
        elif not self._is_over:
            self._exchange.abandon(Closed.CANCELLED)
        self._ended(False)

    def _begin(self) -> None:
        self._has_begun = True
        self.trip.begin(self._clock(), shared=self._given.shared)
        self._exchange = exchange = self._given.open(self.request, self.trip, self._inflow, self._hear_interim)
        if self._upload is not None:
            self._pump = asyncio.create_task(self._upload.run(exchange), name=f"upload to {self.request.url.text}")

    async def _opening(self, exchange: OpenExchange, pump: asyncio.Task[None] | None) -> Received:
        if pump is None:
            return await exchange.answer
        try:
            await asyncio.wait((exchange.answer, pump), return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()  # raises what the source has raised, be there an answer to what came before or not
            return await exchange.answer
        except BaseException:
            pump.cancel()
            raise

    def _pumped(self, pump: asyncio.Task[None]) -> None:
        error = None if pump.cancelled() else pump.exception()
        if isinstance(error, Exception) and not self._is_over:
            self._exchange.abandon(Closed.CANCELLED)
            self._inflow.fail(error)

    def _hear_interim(self, head: bytes) -> None:
        status = head[9:12] if head.startswith(b"HTTP/1") else head[7:10]
        self.interim.append((int(status), Headers.from_head(head)))
        if status == _CONTINUE and self._upload is not None:
            self._upload.go_ahead()

    def _ended(self, keep: bool) -> None:
        if not self._is_over:
            self._is_over = True
            if self._tunnel is None:
                self.trip.closed(self._clock(), self._inflow.error)
            self._give_back(keep)
