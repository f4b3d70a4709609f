"""How far one attempt at a connection has come: its phase, what each phase cost, whom it has reached."""

from collections.abc import Callable
from typing import Protocol

from milkrun.client.dial.certificate import Witness
from milkrun.client.dial.connect import Connected
from milkrun.client.errors import RequestError
from milkrun.client.facts import ConnectionFacts, ProxyFacts
from milkrun.client.timings import Timings


class Observer(Protocol):
    """Who wants to know of each phase as it happens; `at` in clock seconds."""

    def entered(self, phase: str, at: float) -> None:
        """A phase begins."""

    def left(self, phase: str, at: float, error: BaseException | None) -> None:
        """A phase is over, by this error or, with None, because it was all done."""


class Progress:
    """One attempt.

    Attributes:
        phase: of `Timings`; the one it is in, or was in last.
        connected: what it has reached.
        proxy: the proxy it has reached.
        witness: of the TLS handshake it does.
    """

    def __init__(self, timings: Timings, now: Callable[[], float], observer: Observer | None = None) -> None:
        self.phase = "dns"
        self.connected: Connected | None = None
        self.proxy: ProxyFacts | None = None
        self.witness = Witness()
        self._timings = timings
        self._now = now
        self._observer = observer

    def timed(self, phase: str) -> "_Phase":
        """Count what happens inside its `with` as this phase's time, also if it fails."""
        return _Phase(self, phase)

    def enter(self, phase: str) -> float:
        """A phase begins, at the clock seconds returned."""
        self.phase = phase
        started = self._now()
        if self._observer is not None:
            self._observer.entered(phase, started)
        return started

    def leave(self, phase: str, started: float, error: BaseException | None) -> None:
        """A phase that `started` then is over, by this error, if any."""
        ended = self._now()
        setattr(self._timings, phase, getattr(self._timings, phase) + ended - started)
        if self._observer is not None:
            self._observer.left(phase, ended, error)

    def evidence(self, error: RequestError) -> RequestError:
        """The error with all that is known of the connection it struck."""
        error.timings = self._timings
        if self.connected is not None or self.proxy is not None:
            error.connection = ConnectionFacts(
                reused=False,
                age=0.0,
                uses=0,
                peer=None if self.connected is None else self.connected.peer,
                address=None if self.connected is None else self.connected.address,
                tls=self.witness.facts(),
                proxy=self.proxy,
            )
        return error


class _Phase:
    """One phase of an attempt: a third of the calls of `contextlib.contextmanager`, three times a connection."""

    __slots__ = ("_phase", "_progress", "_started")

    def __init__(self, progress: Progress, phase: str) -> None:
        self._progress = progress
        self._phase = phase

    def __enter__(self) -> None:
        self._started = self._progress.enter(self._phase)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._progress.leave(self._phase, self._started, error)
