"""Domains whose registration ends soon: each is asked for once a day, one after the other, beside the checks."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import msgspec
import structlog

from milkrun.clock import Clock
from milkrun.core.endpoint import Registered
from milkrun.core.expiry import candidates, domain_warning, is_near
from milkrun.core.incident import Kind
from milkrun.core.slots import phase
from milkrun.monitor.notices import Notices
from milkrun.probes.rdap import RdapError, Registration

log = structlog.get_logger(__name__)

# Seconds: between two questions, at least; until a domain is asked for again, with up to a tenth more by its name;
# until one that could not be asked for is tried again; and between two looks at who is there.
BETWEEN = 2.0
AGAIN = 86_400.0
AFTER_TROUBLE = 3_600.0
LOOK = 60.0
_JITTER_MS = 8_640_000

# The registration that a host's name is under; raises RdapError.
Ask = Callable[[str], Awaitable[Registration | None]]


async def nobody_asked(host: str) -> Registration | None:  # noqa: ARG001 - the seam's shape
    """Of no host a registration is known."""
    return None


class _Watched(msgspec.Struct):
    """An endpoint whose domain is watched; `due` is when it is asked for, monotonic seconds."""

    registered: Registered
    host: str
    due: float


class Domains:
    """Watches the endpoints that ask for it."""

    def __init__(self, *, clock: Clock, ask: Ask, notices: Notices) -> None:
        self._clock = clock
        self._ask = ask
        self._notices = notices
        self._watched: dict[int, _Watched] = {}
        self._known: dict[str, tuple[Registration, float]] = {}

    def watch(self, arriving: Sequence[Registered], at: int) -> None:
        """Take endpoints up, or in another form, at `at` (epoch ms)."""
        for registered in arriving:
            host = urlsplit(registered.endpoint.target).hostname or ""
            if registered.endpoint.domain_expiry and candidates(host):
                self._watched[registered.id] = _Watched(registered, host, self._clock.now())
            else:
                self._watched.pop(registered.id, None)
                self._notices.close(registered.id, Kind.DOMAIN, at)

    def retire(self, endpoint: int) -> None:
        """Nobody watches this endpoint any more."""
        self._watched.pop(endpoint, None)

    async def run(self) -> None:
        """Ask for whatever is due, until cancelled."""
        while True:
            due = min(self._watched.values(), key=_due, default=None)
            if due is not None and due.due <= self._clock.now():
                await self._look(due)
                await self._clock.sleep_until(self._clock.now() + BETWEEN)
            else:
                await self._clock.sleep_until(self._clock.now() + LOOK)

    async def _look(self, watched: _Watched) -> None:
        try:
            registration = await self._registration(watched.host)
        except RdapError as err:
            log.warning("a domain could not be asked for", host=watched.host, reason=str(err))
            watched.due = self._clock.now() + AFTER_TROUBLE
            return
        watched.due = self._clock.now() + AGAIN + phase(watched.host, _JITTER_MS) / 1_000
        current = self._watched.get(watched.registered.id)
        if registration is not None and current is watched:
            self._judge(watched.registered, registration)

    async def _registration(self, host: str) -> Registration | None:
        """Of several hosts under one domain, one asks for all."""
        for domain in candidates(host):
            known = self._known.get(domain)
            if known is not None and self._clock.now() - known[1] < AGAIN:
                return known[0]
        found = await self._ask(host)
        if found is not None:
            self._known[found.domain] = (found, self._clock.now())
        return found

    def _judge(self, registered: Registered, found: Registration) -> None:
        now = int(self._clock.wall() * 1_000)
        if not is_near(found.ends, now, registered.endpoint.domain_expiry):
            self._notices.close(registered.id, Kind.DOMAIN, now)
        elif self._notices.get(registered.id, Kind.DOMAIN) is None:
            self._notices.open(domain_warning(registered.id, found.domain, found.ends, now))


def _due(watched: _Watched) -> float:
    return watched.due
