"""What accumulates while one request is on its way: over redirects, and over the retry of a stale connection."""

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.facts import ConnectionFacts
from milkrun.client.response import Hop
from milkrun.client.timings import Timings


class Trip(msgspec.Struct, gc=False):
    """One call of `send`.

    Attributes:
        started, deadline: clock seconds.
        timings: the phases so far, all hops together.
        stale_retry: a hop had to be sent again on a fresh connection.
        warnings: of all hops.
        history: the redirects followed.
        connection, status: of the present hop, as far as it is known.
    """

    started: float
    deadline: float
    timings: Timings
    stale_retry: bool = False
    warnings: tuple[str, ...] = ()
    history: tuple[Hop, ...] = ()
    connection: ConnectionFacts | None = None
    status: int | None = None

    def explain(self, error: RequestError, now: float) -> None:
        """Add to an error all that is known of the request it ended."""
        self.timings.total = now - self.started - self.timings.queue
        error.timings = self.timings
        error.connection = error.connection or self.connection
        error.status = error.status or self.status
        error.stale_retry = self.stale_retry
        error.warnings = self.warnings + error.warnings
