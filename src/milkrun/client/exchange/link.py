"""A connection as its pool sees it, whatever it speaks: its age, its idleness, its end, and whom it tells of them."""

import asyncio
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar, Protocol, cast

from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.facts import ConnectionFacts, ProxyFacts, TlsFacts

_UNWANTED = -1.0  # as the time at which a connection is too old: before any clock began


class Closed(StrEnum):
    """Why a connection was closed: the keys of `closed_total`."""

    SERVER = "server"  # the server closed it while it was idle
    NOT_KEPT = "not-kept"  # the response said that it would be closed, or did not say where it ends
    FAILED = "failed"  # an exchange failed on it
    TIMEOUT = "timeout"  # the deadline struck during an exchange
    CANCELLED = "cancelled"  # the caller went away during an exchange
    MAX_AGE = "max-age"
    MAX_USES = "max-uses"
    IDLE = "idle"
    FRESH = "fresh"  # its one request asked for a connection of its own
    NAME = "name"  # the name does not lead to its peer any more
    BUDGET = "budget"  # the budget keeps others warm
    UNASKED = "unasked"  # the server sent what nobody asked for
    CLIENT = "client"  # the client was closed


class Owner(Protocol):
    """Who a connection belongs to."""

    def expired(self, connection: "Link", now: float) -> None:
        """Its time as an idle connection is over."""

    def ending(self, connection: "Link") -> None:
        """It is being closed: its descriptor soon will be."""

    def spoilt(self, connection: "Link", reason: Closed) -> None:
        """It can serve no further exchange."""

    def settled(self, connection: "Link") -> None:
        """It knows by now how many exchanges it may carry at once."""

    def vacated(self, connection: "Link") -> None:
        """The last of its exchanges, of which it may carry several at once, is over."""

    def lost(self, connection: "Link") -> None:
        """Its descriptor is closed."""


class Link(asyncio.Protocol):
    """What every kind of connection has in common.

    Attributes:
        shared: whether it carries several exchanges at once.
        key: what it is pooled by.
        created, returned: clock seconds of its birth and of the end of its last exchange.
        uses: exchanges begun.
        patience: seconds that it may be idle.
        gap, survived: seconds it was idle before its last exchange, and before the one before; infinite if it was not.
        jitter: 0.9 to 1: the part of any maximum age that it may reach, so that connections made together do not
            all end together.
        retires: clock seconds at which it is too old, by the client's maximum age; before `created`: at once.
        peer, address, tls, proxy: as `ConnectionFacts` has them.
        beneath: what TLS writes to, None without TLS.
        is_idle: whether it carries nothing and waits for the next exchange.
        due, watched: see `deadlines`; while idle, the time to expire.
        ended: why it was closed; None while it is open.
        lost: whether its descriptor is closed.
    """

    __slots__ = ("_clock", "_deadlines", "_loop", "_transport", "address", "beneath", "created", "due", "ended", "gap",
                 "is_idle", "jitter", "key", "lost", "owner", "patience", "peer", "proxy", "retires", "returned",
                 "survived", "tls", "uses", "watched")  # fmt: skip

    shared: ClassVar[bool]

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        clock: Callable[[], float],
        patience: float,
        jitter: float,
    ) -> None:
        self._loop = loop
        self._deadlines = deadlines
        self._clock = clock
        self._transport: asyncio.Transport  # from connection_made on, before which nobody has the connection
        self.owner: Owner | None = None
        self.key = ""
        self.peer: str | None = None
        self.address: str | None = None
        self.tls: TlsFacts | None = None
        self.proxy: ProxyFacts | None = None
        self.beneath: asyncio.Transport | None = None
        self.created = self.returned = clock()
        self.uses = 0
        self.gap = self.survived = math.inf
        self.patience = patience
        self.jitter = jitter
        self.retires = math.inf
        self.is_idle = False
        self.due = self.watched = math.inf
        self.ended: Closed | None = None
        self.lost = False

    def __repr__(self) -> str:
        where = f"{self.key.partition(' ')[0] or 'nowhere'} ({self.peer})"  # the key's other parts may name files
        age = f"{self._clock() - self.created:.1f} s old"
        return f"<{type(self).__name__} to {where}: {self._state()}, {age}, {self.uses} uses>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = cast("asyncio.Transport", transport)
        self.created = self._clock()

    def facts(self, begun: float) -> ConnectionFacts:
        """What the exchange that has `begun` last is to know of its connection."""
        return ConnectionFacts(
            reused=self.uses > 1,
            age=begun - self.created,
            uses=self.uses - 1,
            peer=self.peer,
            address=self.address,
            tls=self.tls,
            proxy=self.proxy,
        )

    def get_extra_info(self, name: str) -> Any:
        """What its transport knows, by asyncio's names."""
        return self._transport.get_extra_info(name)

    def rest(self, now: float, max_age: float | None) -> None:
        """Be idle, for as long as patience lasts, or until the connection is too old."""
        self.is_idle = True
        self.returned = now
        due = now + self.patience
        retires = self.retires if max_age is None else self.too_old_at(max_age)
        if due > retires:
            due = retires
        self.due = due
        if due < self.watched:
            self._deadlines.watch(self)

    def too_old_at(self, max_age: float | None) -> float:
        """Clock seconds at which it is too old for a request that allows this age; None: the client's default."""
        if max_age is None or self.retires < self.created:  # nobody wants it any more
            return self.retires
        return self.created + max_age * self.jitter

    def disown(self) -> None:
        """Its name leads elsewhere by now: be too old, whatever its age."""
        self.retires = _UNWANTED

    def why_expired(self, now: float) -> Closed:
        """Why its time as an idle connection is over."""
        if self.retires == _UNWANTED:
            return Closed.NAME
        return Closed.IDLE if now - self.returned >= self.patience else Closed.MAX_AGE

    def why_spent(self, max_age: float | None, max_uses: int, now: float) -> Closed | None:
        """Why it should carry no further exchange, for which it may have this age and number of uses; None: it may."""
        if self.retires == _UNWANTED or (self.is_idle and now >= self.due):
            return self.why_expired(now)
        if now >= self.too_old_at(max_age):
            return Closed.MAX_AGE
        return Closed.MAX_USES if self.uses >= max_uses else None

    def close(self, reason: Closed) -> None:
        """Close in good order: carry nothing new, and end once what is carried has ended."""
        self._end(reason)
        self._transport.close()  # over TLS that takes up to a second if the peer is silent

    def abandon(self, reason: Closed) -> None:
        """Close at once, whatever is in flight."""
        self._end(reason)
        self._transport.abort()

    def dismiss(self, error: Exception) -> None:
        """The owner closes: whoever waits for something from this connection gets the error; close at once."""
        raise NotImplementedError

    def strike(self, now: float) -> None:
        """Its time has come: see `deadlines`."""
        raise NotImplementedError

    def _state(self) -> str:
        """What it does, in a word or two."""
        if self.ended is not None:
            return f"{'closed' if self.lost else 'closing'} ({self.ended})"
        return f"idle for {self._clock() - self.returned:.1f} s" if self.is_idle else "in use"

    def _end(self, reason: Closed) -> None:
        self.due = math.inf
        self._deadlines.forget(self)
        if self.ended is None:
            self.ended = reason
            if self.owner is not None:
                self.owner.ending(self)
