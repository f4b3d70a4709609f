"""What accumulates while one request is on its way: over redirects, and over the retry of a stale connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.response import Hop, Opening
from milkrun.client.timings import Timings


class Trip(msgspec.Struct, gc=False):
    """One call of `send`.

    Attributes:
        started, deadline: clock seconds.
        timings: the phases so far, all hops together.
        stale_retry: a hop had to be sent again on a fresh connection.
        warnings: of all hops.
        history: the redirects followed.
        connection, answer: of the present hop, as far as it is known.
        begun, sent, heard, further: clock seconds of the present exchange: its begin, the request all sent, the first
            piece of the response, the latest further one; 0.0: not yet. They are here and not the connection's,
            because what is made anew for each request is in the processor's cache.
    """

    started: float
    deadline: float
    begun: float
    timings: Timings
    stale_retry: bool = False
    warnings: tuple[str, ...] = ()
    history: tuple[Hop, ...] = ()
    connection: ConnectionFacts | None = None
    answer: AnswerFacts | None = None
    sent: float = 0.0
    heard: float = 0.0
    further: float = 0.0

    def begin(self, now: float) -> None:
        """Another exchange begins: of the next hop, or of the second try."""
        self.begun = now
        self.sent = self.heard = self.further = 0.0

    @contextmanager
    def timed(self, phase: str, clock: Callable[[], float]) -> Iterator[None]:
        """Count what happens inside as this phase's time, also if it fails."""
        started = clock()
        self.entered(phase, started)
        try:
            yield
        finally:
            ended = clock()
            setattr(self.timings, phase, getattr(self.timings, phase) + ended - started)
            self.left(phase, ended)

    @contextmanager
    def aside(self, clock: Callable[[], float]) -> Iterator[None]:
        """What happens inside is no business of the target's: it counts as `queue`, and puts the deadline off."""
        started = clock()
        with self.timed("queue", clock):
            yield
        self.deadline += clock() - started

    def clocked(self, now: float) -> None:
        """Add to the timings what the exchange took until `now`."""
        timings = self.timings
        sent = self.sent or now
        heard = self.heard or now
        timings.send += sent - self.begun
        if heard > sent:  # an early response may come before the request is all sent
            timings.wait += heard - sent
        timings.receive += now - heard

    def opened(self) -> None:
        """The head of a response is there whose body is read in pieces: count what the exchange took so far."""
        timings = self.timings
        sent = self.sent or self.heard
        timings.send += sent - self.begun
        if self.heard > sent:
            timings.wait += self.heard - sent

    def closed(self, now: float) -> None:
        """Such a body has ended, or will not be read on."""
        last = self.further or self.heard or now
        self.timings.receive += last - (self.heard or now)
        self.timings.total = last - self.started - self.timings.queue

    def explain(self, error: RequestError, now: float) -> None:
        """Add to an error all that is known of the request it ended."""
        self.timings.total = now - self.started - self.timings.queue
        error.timings = self.timings
        error.connection = error.connection or self.connection
        error.answer = error.answer or self.answer
        error.stale_retry = self.stale_retry
        error.warnings = self.warnings + error.warnings

    # What follows is of interest to observers only: see `events`.

    def entered(self, phase: str, at: float) -> None:
        """A phase begins."""

    def left(self, phase: str, at: float) -> None:
        """A phase is over."""

    def departed(self) -> None:
        """The call begins."""

    def goes_to(self, request: PreparedRequest) -> None:
        """A redirect is followed by this request."""

    def arrived(self, at: float, response: Opening) -> None:
        """The call has brought this response, whole."""

    def lasts(self, response: Opening) -> None:
        """The call has brought this response; it is over when its body is."""

    def failed(self, at: float, error: BaseException) -> None:
        """The call ends in an error."""
