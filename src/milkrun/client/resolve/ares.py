"""Resolution by c-ares: no thread per question, the record's own TTL, the hosts file included."""

from collections.abc import Sequence

import aiodns
import pycares
from pycares import errno as ares

from milkrun.client.errors import RequestError, RequestTimeoutError
from milkrun.client.resolve.resolver import Address, Found

_KINDS = {
    ares.ARES_ENOTFOUND: "not-found",
    ares.ARES_EBADNAME: "not-found",
    ares.ARES_ENODATA: "no-address",
    ares.ARES_ETIMEOUT: "timeout",
}


class AresLookup:
    """Asks through one c-ares channel; c-ares keeps answers itself, so a fresh question has a channel of its own.

    Args:
        nameservers: "ip" or "ip:port"; the system's if empty.
        timeout: seconds for the first try at a name server; the system's, or 2, if None.
        tries: how often each name server is asked; the system's, or 3, if None.
    """

    def __init__(
        self, nameservers: Sequence[str] = (), *, timeout: float | None = None, tries: int | None = None
    ) -> None:
        self._nameservers = nameservers
        self._timeout = timeout
        self._tries = tries
        self._shared: aiodns.DNSResolver | None = None

    async def ask(self, host: str, *, fresh: bool) -> Found:
        """As `Lookup.ask`."""
        try:
            return _found(await self._ask_fresh(host) if fresh else await self._ask_shared(host))
        except aiodns.error.DNSError as err:
            raise _error(host, err) from err
        except pycares.AresError as err:
            raise RequestError("dns", "server-failure", f"no name server could be asked: {err}") from err

    async def close(self) -> None:
        """As `Lookup.close`."""
        if self._shared is not None:
            await self._shared.close()
            self._shared = None

    async def _ask_shared(self, host: str) -> pycares.AddrInfoResult:
        if self._shared is None:
            self._shared = self._channel()
        return await self._shared.getaddrinfo(host)

    async def _ask_fresh(self, host: str) -> pycares.AddrInfoResult:
        async with self._channel() as channel:
            return await channel.getaddrinfo(host)

    def _channel(self) -> aiodns.DNSResolver:
        return aiodns.DNSResolver(self._nameservers, timeout=self._timeout, tries=self._tries)


def _found(result: pycares.AddrInfoResult) -> Found:
    addresses: dict[Address, None] = {(node.family, node.addr[0].decode()): None for node in result.nodes}
    return Found(addresses=tuple(addresses), ttl=min(node.ttl for node in result.nodes))


def _error(host: str, error: aiodns.error.DNSError) -> RequestError:
    number, text = error.args
    kind = _KINDS.get(number, "server-failure")
    message = f"{host}: {text.lower()}"
    return RequestTimeoutError("dns", message) if kind == "timeout" else RequestError("dns", kind, message)
