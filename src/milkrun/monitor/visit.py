"""One check under way, and the Result it comes to. No I/O."""

from collections.abc import Sequence

import msgspec

from milkrun.core.evaluate import evaluate
from milkrun.core.masking import without
from milkrun.core.observation import Observation, Timings
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger
from milkrun.monitor.route import Stop
from milkrun.probes.secrets import secrets_of_options

_NO_TIMINGS = Timings()


class Visit:
    """Which slot of which endpoint is answered for, and at which attempt it is."""

    __slots__ = ("attempt", "location", "registered", "slot", "stop", "trigger")

    def __init__(self, stop: Stop, slot: int, trigger: Trigger, location: str) -> None:
        self.stop = stop
        self.registered = stop.registered
        self.slot = slot
        self.trigger = trigger
        self.location = location
        self.attempt = 1

    def repeat(self) -> None:
        """Go on to the next attempt."""
        self.attempt += 1
        self.trigger = Trigger.RETRY

    def judge(self, seen: Observation) -> Result:
        """What this attempt came to."""
        registered = self.registered
        verdict = evaluate(seen, registered.endpoint.conditions, registered.endpoint.degraded)
        # What few have comes afterwards: from the sixteenth argument on CPython makes a dictionary of them first.
        result = Result(
            endpoint=registered.id,
            revision=registered.revision,
            location=self.location,
            slot=self.slot,
            attempt=self.attempt,
            trigger=self.trigger,
            started=seen.started,
            outcome=verdict.outcome,
            timings=seen.timings,
            connection=seen.connection,
            peer=seen.peer,
            lag_ms=seen.lag * 1_000,
            http=seen.http,
            tls=seen.tls,
            conditions=verdict.conditions if verdict.outcome is Outcome.UP else self._shown(verdict.conditions),
        )
        maintenance = self._maintenance()
        if not (seen.stale_retry or seen.warnings or verdict.failure or maintenance):
            return result
        return msgspec.structs.replace(
            result,
            stale_retry=seen.stale_retry,
            warnings=seen.warnings,
            failure=verdict.failure,
            maintenance=maintenance,
        )

    def overrun(self, at: float, why: str) -> Result:
        """The outcome of a slot that was skipped at `at` (epoch seconds)."""
        return self._unknown(at, failure=Failure(layer=Layer.SELF, kind="overrun", message=why))

    def broken(self, at: float, error: BaseException) -> Result:
        """The outcome of a check whose probe raised: a bug of Milkrun's, for which there is no word of failure."""
        return self._unknown(at, warnings=(f"the check broke off: {type(error).__name__}: {error}",))

    def _shown(self, conditions: Sequence[ConditionResult]) -> tuple[ConditionResult, ...]:
        """The same without the endpoint's own secrets, which a server may send back."""
        forms = secrets_of_options(self.registered.endpoint.options)
        return tuple(
            [
                each if each.passed else msgspec.structs.replace(each, shown=without(forms, each.shown))
                for each in conditions
            ]
        )

    def _unknown(self, at: float, *, failure: Failure | None = None, warnings: tuple[str, ...] = ()) -> Result:
        return Result(
            endpoint=self.registered.id,
            revision=self.registered.revision,
            location=self.location,
            slot=self.slot,
            attempt=self.attempt,
            trigger=self.trigger,
            started=at,
            outcome=Outcome.UNKNOWN,
            timings=_NO_TIMINGS,
            failure=failure,
            warnings=warnings,
            maintenance=self._maintenance(),
        )

    def _maintenance(self) -> bool:
        """Whether the slot falls in a maintenance window."""
        calendar = self.stop.calendar
        return calendar is not None and calendar.covers(self.slot)
