"""Who is asked for a name: the client's own resolver, or one for each list of name servers that a route brings."""

import math
import socket

from milkrun.client.dial.route import DIRECT, Route
from milkrun.client.errors import RequestError
from milkrun.client.resolve.ares import AresLookup
from milkrun.client.resolve.resolver import Address, Answer, CachingResolver, Resolver
from milkrun.client.url import Origin

_FAMILIES = {"ipv4": (socket.AF_INET, "IPv4"), "ipv6": (socket.AF_INET6, "IPv6")}


class Resolvers:
    """Resolves origins by their routes.

    Args:
        own: the client's resolver; its owner closes it.
    """

    def __init__(self, own: Resolver) -> None:
        self._own = own
        self._others: dict[tuple[str, ...], Resolver] = {}

    async def resolve(self, origin: Origin, route: Route = DIRECT, *, fresh: bool = False) -> Answer:
        """The addresses a route leads to, at least one. Raises RequestError of layer dns, or OwnError.

        What a route gives instead of an answer is good for ever; `fresh` asks past every cache.
        """
        if not route.key:
            return await self._own.resolve(origin.host, fresh=fresh)
        given = route.override(origin.host, origin.port)
        if given:
            answer = Answer(addresses=tuple(map(_address, given)), ttl=math.inf, cached=True)
        else:
            answer = await self._asked(route.nameservers).resolve(origin.host, fresh=fresh)
        return answer if route.family == "any" else _of_family(answer, route, origin.host)

    async def close(self) -> None:
        """Close those that routes brought."""
        others, self._others = self._others, {}
        for resolver in others.values():
            await resolver.close()

    def _asked(self, nameservers: tuple[str, ...]) -> Resolver:
        if not nameservers:
            return self._own
        resolver = self._others.get(nameservers)
        if resolver is None:
            resolver = self._others[nameservers] = CachingResolver(AresLookup(nameservers))
        return resolver


def _address(literal: str) -> Address:
    return socket.AF_INET6 if ":" in literal else socket.AF_INET, literal


def _of_family(answer: Answer, route: Route, host: str) -> Answer:
    family, name = _FAMILIES[route.family]
    left = tuple(address for address in answer.addresses if address[0] == family)
    if not left:
        raise RequestError("dns", "no-address", f"{host} has no {name} address")
    return Answer(addresses=left, ttl=answer.ttl, cached=answer.cached)
