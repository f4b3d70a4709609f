"""When the next try may be: after a failure, and within a channel's rate. Rules over numbers; no I/O."""

from milkrun.config.settings import Rate

FIRST_WAIT = 5.0
LONGEST_WAIT = 900.0
# Of a wait, so much less or more: channels that failed together do not come back together.
JITTER = 0.2
# A receiver may ask for more patience than ours, but not for ever (s).
LONGEST_PATIENCE = 3_600.0
# For so long (ms) a channel may fail before what waited all that time is given up.
GIVEN_UP = 86_400_000


def next_wait(tried: int, chance: float, *, after: float | None) -> float:
    """Seconds until another try, after `tried` failures before this one; `chance` is random, 0 to below 1.

    `after` is what the receiver asked for (`Retry-After`): it is waited for at least.
    """
    wait = min(FIRST_WAIT * 2.0 ** min(tried, 30), LONGEST_WAIT)
    spread = wait * (1 + JITTER * (2 * chance - 1))
    return max(spread, min(after or 0.0, LONGEST_PATIENCE))


def given_up_before(failing: int | None, now: int) -> int | None:
    """Messages due before this (epoch ms) have waited for too long, where a channel fails since `failing`."""
    before = now - GIVEN_UP
    return before if failing is not None and failing <= before else None


class Throttle:
    """A bucket of tokens: `rate.count` letters at once, then as many a `rate.per`. Without a rate, any number."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._tokens = float(rate.count) if rate else 1.0
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a letter may go; `now` is monotonic seconds."""
        if self._rate is None:
            return 0.0
        self._fill(self._rate, now)
        return max(0.0, (1.0 - self._tokens) * self._rate.per / self._rate.count / 1_000)

    def take(self) -> None:
        """A letter goes."""
        if self._rate is not None:
            self._tokens -= 1.0

    def _fill(self, rate: Rate, now: float) -> None:
        gained = (now - self._at) * 1_000 * rate.count / rate.per
        self._tokens = min(float(rate.count), self._tokens + max(0.0, gained))
        self._at = now
