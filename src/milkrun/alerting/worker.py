"""One channel's worker: claims what is due, delivers it as one letter, and says what came of it.

It waits for three things alone: for messages to come or be due, for its own channel, for the store. So a channel that
hangs holds up nobody else. A letter is marked as sent after it arrived; who dies in between has it sent again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from milkrun.alerting.channel import Channel, Piecemeal
from milkrun.alerting.followup import Routes, held_back, longest_wait, reminders
from milkrun.alerting.gathering import Gathering
from milkrun.alerting.letters import LetterWriter
from milkrun.alerting.post import Verdict, post
from milkrun.alerting.throttle import Throttle, given_up_before, next_wait
from milkrun.clock import Clock
from milkrun.config.settings import ChannelSettings
from milkrun.store.outbox_protocol import Attempt, Claim, Outbox
from milkrun.store.protocol import StoreError

log = structlog.get_logger(__name__)

# The most messages of one letter: a text names a few of them and counts the rest.
MOST = 20_000
# How much longer (s) than a delivery may take a lease lasts: time to mark what came of it.
MARGIN = 30.0
# Seconds after which the outbox is looked into without being asked, for other processes write to it, too.
LONGEST_SLEEP = 30.0
# Another worker has the channel, or the store fails: look again so soon (s).
AGAIN = 1.0
STOPPED = "Milkrun stopped, or the channel changed, before the delivery ended"


class Worker:
    """Delivers for one channel until it is cancelled. `routes` may be replaced at any time."""

    def __init__(
        self,
        settings: ChannelSettings,
        channel: Channel,
        *,
        outbox: Outbox,
        letters: LetterWriter,
        routes: Routes,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.routes = routes
        self.delivering = False
        self._channel = channel
        self._most = channel.most if isinstance(channel, Piecemeal) else MOST
        self._outbox = outbox
        self._letters = letters
        self._clock = clock
        self._chance = chance
        self._throttle = Throttle(settings.rate)
        self._gathering = Gathering()
        self._news = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """There may be something to deliver."""
        self._gathering.hear(self._clock.now())
        self._news.set()

    def stop(self) -> None:
        """End after the delivery that goes on now, if there is one."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Deliver until stopped or cancelled. What was being delivered then is released, to be tried again."""
        failing = False
        while not self._stopping:
            self._news.clear()
            try:
                wait = await self._turn()
                failing = False
            except StoreError as err:
                if not failing:
                    log.warning("outbox out of reach", channel=self.settings.name, reason=str(err))
                wait, failing = AGAIN, True
            if wait > 0:
                await self._sleep(wait)

    async def _turn(self) -> float:
        """Deliver once if anything is due; seconds until there may be more to do."""
        name, now = self.settings.name, self._now()
        due = await self._outbox.next_due(name)
        if due is None or due > now:
            self._gathering.end()  # what it waited with may have been taken back
            return LONGEST_SLEEP if due is None else min((due - now) / 1_000, LONGEST_SLEEP)
        wait = max(self._throttle.wait(self._clock.now()), self._gathering.left(self._clock.now(), self._patience))
        if wait > 0:
            return wait
        self._gathering.end()
        lease = int((self.settings.timeout + MARGIN) * 1_000)
        claim = await self._outbox.claim(name, now=now, lease=lease, limit=self._most)
        if claim is None:
            return AGAIN
        held = held_back(claim.messages, self.routes, now)
        left = await self._outbox.hold(claim, held) if held else claim
        if left is not None:
            await self._deliver(left, now)
        return 0.0

    @property
    def _patience(self) -> float:
        return longest_wait(self.routes.values(), self.settings.name)

    async def _deliver(self, claim: Claim, now: int) -> None:
        self._throttle.take()
        self.delivering, began = True, self._clock.now()
        try:
            verdict = await post(self._channel, self._letters.write(claim, now), self.settings.timeout)
            await self._mark(claim, verdict, self._attempt(claim, now, began, verdict.error))
        except asyncio.CancelledError:
            # It may have arrived or not: whoever claims it next tries again.
            await self._outbox.put_off(claim, self._attempt(claim, now, began, STOPPED), until=self._now())
            raise
        finally:
            self.delivering = False

    async def _mark(self, claim: Claim, verdict: Verdict, attempt: Attempt) -> None:
        """Say what came of it, for as long as the lease lasts: what arrived and is not marked arrives again."""
        until = self._clock.now() + MARGIN
        while True:
            try:
                await self._verb(claim, verdict, attempt)
            except StoreError as err:
                if self._clock.now() >= until:
                    raise
                log.warning("a delivery is not marked yet", channel=claim.channel, reason=str(err))
                await self._clock.sleep_until(self._clock.now() + AGAIN)
            else:
                return

    def _verb(self, claim: Claim, verdict: Verdict, attempt: Attempt) -> Awaitable[None]:
        now = self._now()
        if verdict.error is None:
            return self._outbox.sent(claim, attempt, follow=reminders(claim.messages, self.routes, now))
        if verdict.permanent:
            log.error("channel disabled", channel=claim.channel, reason=verdict.error)
            return self._outbox.give_up(claim, attempt, disable=True)
        wait = next_wait(claim.tried, self._chance(), after=verdict.after)
        stale = given_up_before(claim.failing, now)
        log.warning("not delivered", channel=claim.channel, reason=verdict.error, again_in=round(wait))
        return self._outbox.put_off(claim, attempt, until=now + int(wait * 1_000), stale=stale)

    def _attempt(self, claim: Claim, at: int, began: float, error: str | None) -> Attempt:
        took = self._clock.now() - began
        return Attempt(channel=claim.channel, at=at, took=took, messages=len(claim.messages), error=error)

    async def _sleep(self, seconds: float) -> None:
        """Wait, or until there is news."""
        news = asyncio.ensure_future(self._news.wait())
        time = asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + seconds))
        try:
            await asyncio.wait((news, time), return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            time.cancel()

    def _now(self) -> int:
        return int(self._clock.wall() * 1_000)
