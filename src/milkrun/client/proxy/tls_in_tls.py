"""TLS inside the TLS to an https proxy, on asyncio's own loop: a fault of old versions, made good.

Before 3.11.8, and in 3.12.0 and 3.12.1, a session that fails inside another ends in a TypeError in the event loop, and
leaves its descriptor open (CPython issue 113214). uvloop has never had it.
"""

import asyncio
import sys
from asyncio.sslproto import _SSLProtocolTransport

from milkrun.client.dial.connect import Connected


def is_broken(version: tuple[int, int, int]) -> bool:
    """Whether this version of Python has the fault."""
    return version < (3, 11, 8) or (3, 12) <= version < (3, 12, 2)


_BROKEN = is_broken(sys.version_info[:3])


class _Mended(_SSLProtocolTransport):
    """An outer session that can be told of the inner one's failure; the reason goes no further than here."""

    def _force_close(self, _: BaseException | None) -> None:
        self.abort()


def carry(connected: Connected, *, broken: bool = _BROKEN) -> Connected:
    """The connection to an https proxy, fit to carry another session."""
    transport: asyncio.Transport = connected.transport
    if broken and type(transport) is _SSLProtocolTransport:
        transport.__class__ = _Mended
    return connected
