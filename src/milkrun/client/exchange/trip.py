"""What accumulates while one request is on its way: over redirects, and over the retry of a stale connection."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.response import Hop, Opening
from milkrun.client.timeouts import Timeouts, TimeoutTypes
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
        is_coded: whether the response is here, and its body's content codings are still to be undone.
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
    is_coded: bool = False

    def until(self, phase: str, now: float) -> float:  # noqa: ARG002  # one deadline holds for all phases
        """When a wait is over that begins now, in this phase or, with another word, in none that is timed."""
        return self.deadline

    def begin(self, now: float, *, shared: bool = False) -> None:  # noqa: ARG002  # of interest to observers
        """Another exchange begins: of the next hop, or of the second try; `shared`: on a connection with others."""
        self.begun = now
        self.sent = self.heard = self.further = 0.0

    @contextmanager
    def timed(self, phase: str, clock: Callable[[], float]) -> Iterator[None]:
        """Count what happens inside as this phase's time, also if it fails."""
        started = clock()
        self.entered(phase, started)
        try:
            yield
        except BaseException as err:
            self._count(phase, started, clock(), err)
            raise
        self._count(phase, started, clock(), None)

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

    def broken(self, now: float, error: BaseException) -> None:  # noqa: ARG002  # of interest to observers
        """The exchange has failed, or was given up: count what it took until `now`."""
        self.clocked(now)

    def retry(self) -> None:
        """The exchange that failed is repeated on another connection."""
        self.stale_retry = True

    def goes_on(self, request: PreparedRequest) -> None:  # noqa: ARG002  # of interest to observers
        """Another exchange follows, with this request: of the next hop, or the second to authenticate."""
        self.connection = self.answer = None  # what is known was of the last one

    def opened(self) -> None:
        """The head of a response is there whose body is read in pieces: count what the exchange took so far."""
        timings = self.timings
        sent = self.sent or self.heard
        timings.send += sent - self.begun
        if self.heard > sent:
            timings.wait += self.heard - sent

    def closed(self, now: float, error: Exception | None) -> None:  # noqa: ARG002  # of interest to observers
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

    def left(self, phase: str, at: float, error: BaseException | None) -> None:
        """A phase is over, by this error or, with None, because it was all done."""

    def departed(self) -> None:
        """The call begins."""

    def answered(self, response: Opening) -> None:
        """An exchange has brought this response: whole, or one whose body is still to be read."""

    def arrived(self, at: float) -> None:
        """The call has brought its response, whole."""

    def lasts(self) -> None:
        """The call has brought the response answered last; it is over when its body is."""

    def failed(self, at: float, error: BaseException) -> None:
        """The call ends in an error."""

    def _count(self, phase: str, started: float, ended: float, error: BaseException | None) -> None:
        setattr(self.timings, phase, getattr(self.timings, phase) + ended - started)
        self.left(phase, ended, error)


class PatientTrip(Trip, kw_only=True, gc=False):
    """A trip that may have a time limit for each phase in its deadline's stead.

    Attributes:
        timeouts: None: the deadline holds.
    """

    timeouts: Timeouts | None = None

    def until(self, phase: str, now: float) -> float:
        """As `Trip` has it."""
        return self.deadline if self.timeouts is None else self.timeouts.until(phase, now, self.timings)


def departing(timeout: TimeoutTypes, now: float) -> Trip:
    """The trip of a call that begins now and has so long, or so long for each of its parts."""
    if isinstance(timeout, Timeouts):
        return PatientTrip(now, math.inf, now, Timings(), timeouts=timeout)
    return Trip(now, math.inf if timeout is None else now + timeout, now, Timings())
