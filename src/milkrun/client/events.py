"""The event hook: each phase of a request told as it happens, a start and a finish of each, always in pairs.

Around everything stands the phase "request". Inside it one phase is under way at a time, none begins before the one
before it has finished, and a call that comes to its end, however that is, has finished all it has started.
"""

import logging
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from typing import TypeAlias, cast

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.exchange.trip import PatientTrip, Trip
from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.response import Opening, Response

REQUEST = "request"

_log = logging.getLogger("milkrun.client")
_ids = count(1)

# What a mark of a trip means: the phases that it ends, and the one that begins with it. A response that is early
# ends `send`; that the rest of the request has gone out, too, is then no turn any more.
_TURNS = {"sent": (frozenset({"send"}), "wait"), "heard": (frozenset({"send", "wait"}), "receive")}
_TELLING = frozenset({"receive", REQUEST})  # the phases at whose end something is known of answer and connection


class Step(StrEnum):
    """The two events of a phase."""

    STARTED = "started"
    FINISHED = "finished"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event.

    Attributes:
        id: of the call that sent the request, one for all its redirects and retries; a number of this process.
        attempt: which exchange of the call it belongs to, from 1: each redirect, each retry of a stale connection and
            the second exchange of an authentication is a further one.
        request: the one under way, after a redirect the next one.
        phase: "request" for the whole, or one of `PHASES`.
        step: started or finished.
        at: clock seconds.
        shared: with `send` and what follows it, whether the connection may carry others beside it, as those of HTTP/2.
        error: with "finished", what broke the phase off; None if nothing did.
        answer, connection: with "finished" of `receive` and "request", what was seen of them, else None. The bytes of
            a body that is read in pieces are not counted.
    """

    id: int
    attempt: int
    request: PreparedRequest
    phase: str
    step: Step
    at: float
    shared: bool = False
    error: BaseException | None = None
    answer: AnswerFacts | None = None
    connection: ConnectionFacts | None = None

    def __repr__(self) -> str:
        broken = "" if self.error is None else f" by {self.error!r}"
        return f"<Event {self.id}.{self.attempt} {self.phase} {self.step}{broken} at {self.at:.6f}: {self.request!r}>"


Hook: TypeAlias = Callable[[Event], None]


class ObservedTrip(PatientTrip, kw_only=True, gc=False):
    """A trip that tells hooks of its marks.

    Attributes:
        hooks: called in the middle of things, so they must be quick and must not raise; if one does, that is logged.
        request: the one under way.
        id, attempt: see `Event`.
        under_way: the phase that has begun and is not over.
        shared: as `Event` has it.
        is_lasting: whether the call ends with the body that its caller is reading.
        latest: clock seconds of the latest event. Marks of what came in one go may be set in another order than that
            of their times; events are told in order.
    """

    hooks: tuple[Hook, ...]
    request: PreparedRequest
    id: int
    attempt: int = 1
    under_way: str | None = None
    shared: bool = False
    is_lasting: bool = False
    latest: float = 0.0

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in _TURNS and value:
            ends, begins = _TURNS[name]
            if self.under_way in ends:
                self._end(cast("float", value))
                self.entered(begins, cast("float", value))

    def begin(self, now: float, *, shared: bool = False) -> None:
        """As `Trip` has it."""
        super().begin(now, shared=shared)
        self.shared = shared
        self.entered("send", now)

    def broken(self, now: float, error: BaseException) -> None:
        """As `Trip` has it."""
        super().broken(now, error)
        self._end(now, error)

    def closed(self, now: float, error: Exception | None) -> None:
        """As `Trip` has it."""
        super().closed(now, error)
        last = self.further or self.heard or now
        self._end(last, error)
        if self.is_lasting:
            self._tell(REQUEST, Step.FINISHED, last, error)

    def entered(self, phase: str, at: float) -> None:
        """As `Trip` has it."""
        self.under_way = phase
        self._tell(phase, Step.STARTED, at)

    def left(self, phase: str, at: float, error: BaseException | None) -> None:
        """As `Trip` has it."""
        self.under_way = None
        self._tell(phase, Step.FINISHED, at, error)

    def departed(self) -> None:
        """As `Trip` has it."""
        self._tell(REQUEST, Step.STARTED, self.started)

    def retry(self) -> None:
        """As `Trip` has it."""
        super().retry()
        self.attempt += 1

    def goes_on(self, request: PreparedRequest) -> None:
        """As `Trip` has it."""
        super().goes_on(request)
        self.request = request
        self.attempt += 1

    def answered(self, response: Opening) -> None:
        """As `Trip` has it."""
        self.answer, self.connection = response.received.facts(), response.connection
        if isinstance(response, Response):
            self._end(self.further or self.heard)

    def arrived(self, at: float) -> None:
        """As `Trip` has it."""
        self._tell(REQUEST, Step.FINISHED, at)

    def lasts(self) -> None:
        """As `Trip` has it."""
        if self.under_way is None:  # the body was there at once
            self._tell(REQUEST, Step.FINISHED, self.further or self.heard)
        else:
            self.is_lasting = True

    def failed(self, at: float, error: BaseException) -> None:
        """As `Trip` has it."""
        self._end(at, error)
        self._tell(REQUEST, Step.FINISHED, at, error)

    def _end(self, at: float, error: BaseException | None = None) -> None:
        if isinstance(error, RequestError):
            self.answer, self.connection = error.answer or self.answer, error.connection or self.connection
        if self.under_way is not None:
            self.left(self.under_way, at, error)

    def _tell(self, phase: str, step: Step, at: float, error: BaseException | None = None) -> None:
        self.latest = max(at, self.latest)
        is_telling = step is Step.FINISHED and phase in _TELLING
        event = Event(
            id=self.id,
            attempt=self.attempt,
            request=self.request,
            phase=phase,
            step=step,
            at=self.latest,
            shared=self.shared,
            error=error,
            answer=self.answer if is_telling else None,
            connection=self.connection if is_telling else None,
        )
        for hook in self.hooks:
            try:
                hook(event)
            except Exception:  # noqa: BLE001  # the hook is not ours, and the request is not its
                _log.exception("an event hook failed at %s %s", phase, step)


def observed(trip: Trip, request: PreparedRequest) -> Trip:
    """The trip that a call makes with this request: one that tells its hooks, if it has any."""
    hooks = request.options.hooks
    if not hooks:
        return trip
    timeouts = trip.timeouts if isinstance(trip, PatientTrip) else None
    return ObservedTrip(
        trip.started, trip.deadline, trip.begun, trip.timings,
        timeouts=timeouts, hooks=hooks, request=request, id=next(_ids),
    )  # fmt: skip
