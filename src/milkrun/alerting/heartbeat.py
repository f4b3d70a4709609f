"""The dead man's switch: somebody else's URL is visited for as long as Milkrun really checks, so that silence tells."""

from collections.abc import Callable

import msgspec
import structlog

from milkrun.client import Client, RequestError
from milkrun.clock import Clock
from milkrun.config.settings import HeartbeatSettings
from milkrun.store.outbox_protocol import Attempt, Outbox
from milkrun.store.protocol import StoreError

log = structlog.get_logger(__name__)

# What its attempts are listed under, beside those of channels.
HEARTBEAT = "heartbeat"
# The check loop says each second how it is. One that has said nothing for so long (s) stands still.
SILENT = 30.0


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """How the check loop was at `at` (monotonic seconds).

    `due`: slots that were due since the start; `done`: those that have an outcome; `error`: why nothing can be stored.
    `watching`: whether there is any endpoint.
    """

    at: float
    due: int
    done: int
    error: str | None
    watching: bool = True


def why_not(before: Pulse, now: Pulse, at: float) -> str | None:
    """Why Milkrun is not really checking at `at`, one sentence; None if it is, or if nothing was due."""
    if at - now.at > SILENT:
        return "the checks stand still"
    if now.error is not None:
        return f"results cannot be stored: {now.error}"
    if not now.watching:
        return "no endpoint is watched"
    if now.done == before.done and now.due > now.done:
        return "checks are due, and none has ended since the last heartbeat"
    return None


class Heartbeat:
    """Visits the URL every interval, unless there is a reason not to. `pulse` tells how the check loop is."""

    def __init__(
        self, settings: HeartbeatSettings, *, client: Client, outbox: Outbox, clock: Clock, pulse: Callable[[], Pulse]
    ) -> None:
        self._settings = settings
        self._client = client
        self._outbox = outbox
        self._clock = clock
        self._pulse = pulse
        self._error: str | None = "not tried yet"

    async def run(self) -> None:
        """Beat until cancelled."""
        before = self._pulse()
        while True:
            await self._clock.sleep_until(self._clock.now() + self._settings.interval)
            began, now = self._clock.now(), self._pulse()
            reason = why_not(before, now, began)
            await self._tell(reason if reason is not None else await self._visit(), began)
            before = now

    async def _visit(self) -> str | None:
        try:
            response = await self._client.get(self._settings.url, timeout=self._settings.timeout)
        except RequestError as err:
            # Not its text: the URL in it is a secret.
            return f"not heard: {err.layer}/{err.kind}"
        return None if response.status < 400 else f"not heard: HTTP {response.status}"

    async def _tell(self, error: str | None, began: float) -> None:
        """Write down what came of it, where that is news."""
        if error == self._error:
            return
        if error is not None:
            log.warning("no heartbeat", reason=error)
        self._error = error
        at, took = int(self._clock.wall() * 1_000), self._clock.now() - began
        try:
            await self._outbox.record(Attempt(channel=HEARTBEAT, at=at, took=took, messages=0, error=error))
        except StoreError as err:
            log.warning("a heartbeat is not written down", reason=str(err))
