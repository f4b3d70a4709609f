"""The Live seam: what the monitor tells whoever watches, as values that may cross threads and processes.

The monitor publishes from the check loop; a subscriber listens on a loop of its own, in another thread if it
likes. A subscriber that falls behind loses nothing silently: its queue is bounded, and when it overflows the
queue is replaced by one `Lost` event, upon which the subscriber asks for a new snapshot.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from milkrun.core.endpoint import Registered
from milkrun.core.result import Result
from milkrun.core.state import EndpointState, StateChange


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """Results just written, with the state changes among them.

    `stored` is False while the store is failing: the results are shown, and the changes are held back until
    they are committed.
    """

    results: tuple[Result, ...]
    states: dict[int, EndpointState]
    changes: tuple[StateChange, ...]
    stored: bool


class EndpointsChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Endpoints that came, changed (same id) or went."""

    registered: tuple[Registered, ...]
    removed: tuple[int, ...]


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """How Milkrun itself is doing, once a second: the bodies of /api/v1/client and /api/v1/schedule, and storage.

    `storage` has `bytes`, `pending` (results held), `dropped_total` and `error` (one line or None).
    """

    at: float
    client: dict[str, Any]
    schedule: dict[str, Any]
    storage: dict[str, Any]


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The subscriber fell behind by this many events; take a new snapshot."""

    events: int


Event = Committed | EndpointsChanged | Vitals | Lost


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything stands at the moment of subscribing; the events that follow begin just after it."""

    registered: tuple[Registered, ...]
    states: dict[int, EndpointState]
    vitals: Vitals | None


class Subscription(Protocol):
    """One watcher's view."""

    def snapshot(self) -> Snapshot:
        """Where everything stands now; events before it are discarded. Callable from the watcher's thread."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events in order, until the hub closes."""


class Live(Protocol):
    """The seam itself."""

    def publish(self, event: Committed | EndpointsChanged | Vitals) -> None:
        """Tell every subscriber. Called on the check loop; never blocks, never raises for a slow subscriber."""

    def subscribe(self) -> AbstractContextManager[Subscription]:
        """Watch from the calling thread's running loop."""

    def close(self) -> None:
        """End every subscription."""
