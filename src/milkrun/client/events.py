"""The event hook: each phase of a request told as it happens, a start and a finish of each, always in pairs."""

import logging
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from typing import TypeAlias

import msgspec

from milkrun.client.facts import AnswerFacts, ConnectionFacts
from milkrun.client.request import PreparedRequest
from milkrun.client.trip import Trip

_log = logging.getLogger("milkrun.client")
_ids = count(1)


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


class ObservedTrip(Trip, gc=False):
    """A trip that tells a hook of its marks: they are set in one place each, so the phases cannot go unpaired.

    Attributes:
        hook: called in the middle of things: it must be quick and must not raise; if it does, that is logged.
        request: the one under way.
        id: see `Event`.
        open: the phase that has begun and is not over.
    """

    hook: Hook | None = None
    request: PreparedRequest | None = None
    id: int = 0
    open: str | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if isinstance(value, float) and value:
            if name == "sent" and not self.heard:
                self._turn("send", "wait", value)
            elif name == "heard":
                self._turn("wait", "receive", value)

    def begin(self, now: float) -> None:
        """As `Trip` has it."""
        super().begin(now)
        self.phase("send", now)

    def clocked(self, now: float) -> None:
        """As `Trip` has it."""
        super().clocked(now)
        if self.open is not None:
            self.phase_over(self.open, now)

    def phase(self, phase: str, at: float) -> None:
        """As `Trip` has it."""
        self.open = phase
        self.tell(phase, Step.STARTED, at)

    def phase_over(self, phase: str, at: float) -> None:
        """As `Trip` has it."""
        self.open = None
        self.tell(phase, Step.FINISHED, at)

    def tell(self, phase: str, step: Step, at: float, error: BaseException | None = None) -> None:
        """Call the hook."""
        if self.hook is None or self.request is None:
            return
        over = phase == "request" and step is Step.FINISHED
        event = Event(
            id=self.id,
            request=self.request,
            phase=phase,
            step=step,
            at=at,
            error=error,
            answer=self.answer if over else None,
            connection=self.connection if over else None,
        )
        try:
            self.hook(event)
        except Exception:
            _log.exception("the event hook failed at %s %s", phase, step)

    def _turn(self, before: str, after: str, at: float) -> None:
        if self.open is not None:  # else it came after the exchange was over
            self.phase_over(self.open if self.open != before else before, at)
            self.phase(after, at)


def next_id() -> int:
    """A number for another request."""
    return next(_ids)
