"""Resolution by the system's getaddrinfo, for nsswitch and mDNS.

It has threads of its own, so that a name that hangs holds up nobody but other names.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from milkrun.client.errors import RequestError
from milkrun.client.resolve.resolver import Address, Found

GetAddrInfo: TypeAlias = Callable[[bytes, None, int, int], list[tuple[Any, ...]]]

_KINDS: dict[int | None, str] = {
    socket.EAI_NONAME: "not-found",
    socket.EAI_NODATA: "no-address",
    socket.EAI_ADDRFAMILY: "no-address",
}


class SystemLookup:
    """Asks getaddrinfo, which tells no TTL and keeps nothing itself.

    Args:
        threads: questions at once, the others wait.
        getaddrinfo: as `socket.getaddrinfo`.
    """

    def __init__(self, *, threads: int = 16, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
        self._getaddrinfo = getaddrinfo
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="milkrun-resolve")

    async def ask(self, host: str, *, fresh: bool) -> Found:  # noqa: ARG002  # there is no cache to ask past
        """As `Lookup.ask`."""
        loop = asyncio.get_running_loop()
        try:
            # Bytes: for text, Python would apply the old IDNA of 2003 to a name that is an A-label already.
            infos = await loop.run_in_executor(
                self._threads, self._getaddrinfo, host.encode("ascii"), None, socket.AF_UNSPEC, socket.SOCK_STREAM
            )
        except socket.gaierror as err:
            kind = _KINDS.get(err.errno, "server-failure")
            raise RequestError("dns", kind, f"{host}: {(err.strerror or 'failed').lower()}") from err
        addresses: dict[Address, None] = {(info[0], info[4][0]): None for info in infos}
        return Found(addresses=tuple(addresses))

    async def close(self) -> None:
        """As `Lookup.close`: a thread inside getaddrinfo cannot be stopped, so it is left to end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
