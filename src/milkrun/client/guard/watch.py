"""The count of clients by call site and of connections by origin; who churns is warned of, once."""

import threading
import time
import warnings
import weakref
from collections import Counter
from collections.abc import Callable
from types import FrameType

from milkrun.client.guard.calling import Place, place_of, trail
from milkrun.client.guard.churn import Limits, Window, forget_oldest
from milkrun.client.guard.observers import Dial
from milkrun.client.guard.report import OriginReport, Report, SiteReport
from milkrun.client.guard.words import clients_churn, site, sockets_churn


class Site:
    """What is known of a call site. It holds the code, so that the code's id stays its own."""

    __slots__ = ("code", "constructed", "dropped", "place", "what", "window")

    def __init__(self, frame: FrameType, what: str, most: int) -> None:
        self.code, self.place = frame.f_code, place_of(frame)
        self.what, self.window = what, Window(most)
        self.constructed = self.dropped = 0


class Destination:
    """What is known of an origin."""

    __slots__ = ("last", "name", "opened", "window")

    def __init__(self, name: str, last: Place, most: int) -> None:
        self.name, self.last, self.window = name, last, Window(most)
        self.opened = 0


class Sighting(weakref.ref[object]):
    """A client that is neither closed nor gone, by its id, and where it was made. It keeps no client alive."""

    __slots__ = ("key", "site")

    key: int
    site: Site


class Watch:
    """Counts, from any thread. It keeps no client alive, and remembers no more than it is told to.

    Args:
        limits: what is still quiet.
        clock: monotonic seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.RLock()  # a signal handler may construct a client while it is held
        self._sites: dict[tuple[int, int], Site] = {}
        self._origins: dict[str, Destination] = {}
        self._seen: dict[int, Sighting] = {}
        self._note_dropped = self._dropped  # bound once, not for each client

    def report(self) -> Report:
        """What has been counted up to now."""
        with self._lock:
            alive = Counter(id(seen.site) for seen in list(self._seen.values()))
            sites = [_site_report(known, alive[id(known)]) for known in self._sites.values()]
            origins = [_origin_report(known) for known in self._origins.values()]
        return Report(
            sites=tuple(sorted(sites, key=lambda one: -one.constructed)),
            origins=tuple(sorted(origins, key=lambda one: -one.opened)),
        )

    def constructed(self, client: object, what: str, frame: FrameType) -> None:
        """See `Observer`. Warns of its site, as of a line there."""
        if id(client) in self._seen:  # a class and its base may both be patched
            return
        call = (id(frame.f_code), frame.f_lasti)  # to find out the line takes longer than all the rest
        lock = self._lock
        lock.acquire()  # half of what `with` takes, and that is a tenth of all
        try:
            known = self._sites.get(call) or self._new_site(call, frame, what)
            known.constructed += 1
            churns = known.window.overflows(self._clock(), self.limits.within)
        finally:
            lock.release()
        self._seen[id(client)] = seen = Sighting(client, self._note_dropped)
        seen.key, seen.site = id(client), known
        if churns:
            _warn(clients_churn(self.limits.clients + 1, known.what, trail(frame), self.limits.within), known.place)

    def closed(self, client: object) -> None:
        """See `Observer`."""
        self._seen.pop(id(client), None)

    def setting_out(self, dial: Dial, frame: FrameType) -> None:
        """See `Observer`. What counts is what comes of it."""

    def opened(self, dial: Dial) -> None:
        """See `Observer`. Warns of the origin, as of the line that opens this connection."""
        name, place = dial.origin, dial.trail[-1]
        with self._lock:
            known = self._origins.get(name) or self._new_origin(name, place)
            known.opened += 1
            known.last = place
            churns = known.window.overflows(self._clock(), self.limits.within)
        if churns:
            _warn(sockets_churn(self.limits.sockets + 1, name, dial.trail, self.limits.within), place)

    def reached(self, dial: Dial, descriptor: int) -> None:
        """See `Observer`. Connections count when they are begun."""

    def forked(self) -> None:
        """See `Observer`."""
        self._lock = threading.RLock()

    def _dropped(self, seen: Sighting) -> None:
        """Called by a client that goes without having been closed: at any time, also within what the lock guards."""
        self._seen.pop(seen.key, None)
        with self._lock:
            seen.site.dropped += 1

    def _new_site(self, call: tuple[int, int], frame: FrameType, what: str) -> Site:
        forget_oldest(self._sites, self.limits.remembered - 1)
        site = self._sites[call] = Site(frame, what, self.limits.clients)
        return site

    def _new_origin(self, name: str, place: Place) -> Destination:
        forget_oldest(self._origins, self.limits.remembered - 1)
        origin = self._origins[name] = Destination(name, place, self.limits.sockets)
        return origin


def _warn(warning: RuntimeWarning, place: Place) -> None:
    warnings.warn_explicit(warning, type(warning), place[0], place[1])


def _site_report(known: Site, alive: int) -> SiteReport:
    return SiteReport(
        what=known.what,
        site=site(known.place),
        constructed=known.constructed,
        closed=known.constructed - known.dropped - alive,  # so a closing need not be counted
        alive=alive,
        dropped=known.dropped,
        churned=known.window.told,
    )


def _origin_report(known: Destination) -> OriginReport:
    return OriginReport(origin=known.name, opened=known.opened, site=site(known.last), churned=known.window.told)
