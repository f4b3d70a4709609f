"""A response that came in one piece, as it came: for those who asked to read one in pieces."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from milkrun.client.facts import ConnectionFacts
from milkrun.client.http1.connection import Connection
from milkrun.client.http1.wire import Received
from milkrun.client.request import PreparedRequest
from milkrun.client.response import Opening
from milkrun.client.timings import Timings


class LandedResponse(Opening, msgspec.Struct, gc=False):
    """A whole response, its body with codings still on; its connection was given back already.

    Attributes:
        timings, connection, stale_retry, warnings: as `Response` has them.
        over: the connection itself.
    """

    request: PreparedRequest
    received: Received
    timings: Timings
    connection: ConnectionFacts
    stale_retry: bool
    warnings: tuple[str, ...]
    over: Connection
    stream_id = None

    async def raw(self) -> AsyncIterator[bytes]:
        """As `StreamedResponse` has it."""
        if self.received.body:
            yield self.received.body

    def get_extra_info(self, name: str) -> Any:
        """As `StreamedResponse` has it."""
        return self.over.get_extra_info(name)

    async def discard(self, *, within: float = 0.0) -> None:
        """Nothing is left to be discarded."""

    def cut(self) -> None:
        """The same."""

    __repr__ = Opening.__repr__
