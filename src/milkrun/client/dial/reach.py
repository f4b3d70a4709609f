"""From an origin and a route to a connection that stands: by its addresses, or by a unix socket."""

import msgspec

from milkrun.client.dial.connect import Connected, connect, connect_unix
from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.progress import Progress
from milkrun.client.dial.route import Route
from milkrun.client.resolve.resolver import Answer
from milkrun.client.resolve.resolvers import Resolvers
from milkrun.client.url import Origin


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to reach somebody.

    Attributes:
        resolvers: names to addresses.
        policy: which addresses may be connected to; None: all.
        keepalive: how the kernel watches the connection; None: not at all.
    """

    resolvers: Resolvers
    policy: AddressPolicy | None = None
    keepalive: KeepAlive | None = None

    async def find(self, origin: Origin, route: Route, progress: Progress, *, fresh_dns: bool) -> Answer:
        """Where the origin is. Raises RequestError of layer dns, or OwnError."""
        with progress.timed("dns"):
            return await self.resolvers.resolve(origin, route, fresh=fresh_dns)

    async def reach(
        self, origin: Origin, route: Route, progress: Progress, *, fresh_dns: bool, answer: Answer | None = None
    ) -> Connected:
        """Connect to whoever listens at the origin, or at the route's unix socket; nothing is read yet.

        `answer`: where the origin is, if that was found already.

        Raises:
            RequestError: layers dns and connect; connect/denied: the policy forbids every address.
            OwnError: self/descriptors, self/ports, or self/network if the local address is not this machine's.
        """
        if route.unix_socket is not None:
            with progress.timed("connect"):
                return await connect_unix(route.unix_socket)
        if answer is None:
            answer = await self.find(origin, route, progress, fresh_dns=fresh_dns)
        with progress.timed("connect"):
            addresses = answer.addresses if self.policy is None else self.policy.screen(answer.addresses)
            connected = await connect(addresses, origin.port, local=route.local_address)
        if self.keepalive is not None:
            self.keepalive.watch(connected.transport)
        return connected
