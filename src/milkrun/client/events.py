"""The event hook: each phase of a request told as it happens, a start and a finish of each, always in pairs."""

import logging
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from typing import TypeAlias, cast

import msgspec

from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.response import Opening
from milkrun.client.trip import Trip

_log = logging.getLogger("milkrun.client")
_ids = count(1)


# Which phase begins with which mark of a trip; the one before it ends.
_TURNS = {"sent": "wait", "heard": "receive"}


class Step(StrEnum):
    """The two events of a phase."""

    STARTED = "started"
    FINISHED = "finished"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event.

    Attributes:
        id: of the call that sent the request, one for all its redirects and retries; a number of this process.
        request: the one under way, after a redirect the next one.
        phase: "request" for the whole, or one of `PHASES`.
        step: started or finished.
        at: clock seconds.
        error: with "request finished", what it ended in; else None.
        answer, connection: with "request finished", what was seen of them, else None.
    """

    id: int
    request: PreparedRequest
    phase: str
    step: Step
    at: float
    error: BaseException | None = None
    answer: AnswerFacts | None = None
    connection: ConnectionFacts | None = None


Hook: TypeAlias = Callable[[Event], None]


class ObservedTrip(Trip, kw_only=True, gc=False):
    """A trip that tells a hook of its marks. They are set in one place each, so that no phase goes unpaired.

    Attributes:
        hook: called in the middle of things, so it must be quick and must not raise; if it does, that is logged.
        request: the one under way.
        id: see `Event`.
        under_way: the phase that has begun and is not over.
        is_lasting: whether the call ends with the body that its caller is reading.
    """

    hook: Hook
    request: PreparedRequest
    id: int = 0
    under_way: str | None = None
    is_lasting: bool = False

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in _TURNS and value and self.under_way is not None:
            at = cast("float", value)
            self.left(self.under_way, at)
            self.entered(_TURNS[name], at)

    def begin(self, now: float) -> None:
        """As `Trip` has it."""
        super().begin(now)
        self.entered("send", now)

    def clocked(self, now: float) -> None:
        """As `Trip` has it."""
        super().clocked(now)
        self._end(now)

    def closed(self, now: float) -> None:
        """As `Trip` has it."""
        super().closed(now)
        self._end(now)
        if self.is_lasting:
            self._tell("request", Step.FINISHED, now)

    def entered(self, phase: str, at: float) -> None:
        """As `Trip` has it."""
        self.under_way = phase
        self._tell(phase, Step.STARTED, at)

    def left(self, phase: str, at: float) -> None:
        """As `Trip` has it."""
        self.under_way = None
        self._tell(phase, Step.FINISHED, at)

    def departed(self) -> None:
        """As `Trip` has it."""
        self._tell("request", Step.STARTED, self.started)

    def goes_to(self, request: PreparedRequest) -> None:
        """As `Trip` has it."""
        self.request = request

    def arrived(self, at: float, response: Opening) -> None:
        """As `Trip` has it."""
        self._know(response)
        self._tell("request", Step.FINISHED, at)

    def lasts(self, response: Opening) -> None:
        """As `Trip` has it."""
        self._know(response)
        if self.under_way is None:  # the body was there at once
            self._tell("request", Step.FINISHED, self.further or self.heard)
        else:
            self.is_lasting = True

    def failed(self, at: float, error: BaseException) -> None:
        """As `Trip` has it."""
        self._end(at)
        self._tell("request", Step.FINISHED, at, error)

    def _end(self, at: float) -> None:
        if self.under_way is not None:
            self.left(self.under_way, at)

    def _know(self, response: Opening) -> None:
        self.answer, self.connection = response.received.facts(), response.connection

    def _tell(self, phase: str, step: Step, at: float, error: BaseException | None = None) -> None:
        is_over = phase == "request" and step is Step.FINISHED
        event = Event(
            id=self.id,
            request=self.request,
            phase=phase,
            step=step,
            at=at,
            error=error,
            answer=self.answer if is_over else None,
            connection=self.connection if is_over else None,
        )
        try:
            self.hook(event)
        except Exception:  # noqa: BLE001  # the hook is not ours, and the request is not its
            _log.exception("the event hook failed at %s %s", phase, step)


def next_id() -> int:
    """A number for another request."""
    return next(_ids)
