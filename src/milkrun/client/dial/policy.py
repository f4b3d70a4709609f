"""Which addresses may be connected to: what keeps a service that fetches its users' URLs out of its own network.

It is asked of the literal address just before a socket is connected to it, so that neither a redirect nor a name that
leads elsewhere at the second question (DNS rebinding) gets around it.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from milkrun.client.errors import RequestError, UsageError
from milkrun.client.resolve.resolver import Address

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 2.1
# The unspecified address is this machine itself to a connecting socket.
_UNSPECIFIED: dict[IPAddress, IPAddress] = {
    ipaddress.IPv4Address("0.0.0.0"): ipaddress.IPv4Address("127.0.0.1"),  # noqa: S104  # judged, not bound
    ipaddress.IPv6Address("::"): ipaddress.IPv6Address("::1"),
}
# All there is, of which IANA's registries of special-purpose addresses (RFC 6890) take the following away.
_ROUTABLE = ("0.0.0.0/0", "2000::/3", str(_NAT64))
_SPECIAL = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)


class AddressPolicy:
    """Allowed and denied networks. Unix sockets have no address, so they are not judged.

    An address that only wraps another (IPv4-mapped, NAT64, 6to4, the unspecified ones) is judged by both: what is
    denied is denied in any disguise.

    Args:
        allow: if there are any, nothing else is connected to.
        deny: never connected to, whether allowed or not.

    Raises:
        UsageError: for what is no network, such as "10.0.0.1/8", whose address has bits that the mask leaves out.
    """

    def __init__(self, *, allow: Iterable[str | Network] = (), deny: Iterable[str | Network] = ()) -> None:
        self.allow = tuple(map(_network, allow))
        self.deny = tuple(map(_network, deny))

    def __repr__(self) -> str:
        return f"AddressPolicy(allow={[*map(str, self.allow)]}, deny={[*map(str, self.deny)]})"

    @classmethod
    def public(cls, *, deny: Iterable[str | Network] = ()) -> "AddressPolicy":
        """Only what is routed on the public internet, and of that nothing in `deny`."""
        return cls(allow=_ROUTABLE, deny=(*_SPECIAL, *deny))

    def verdict(self, address: str) -> str | None:
        """The rule that forbids a literal address, in words; None if it may be connected to."""
        forms = (*_forms(ipaddress.ip_address(address)),)
        for network in self.deny:
            if any(form in network for form in forms):
                return f"{network} is denied"
        if not self.allow or any(form in network for network in self.allow for form in forms):
            return None
        return "it is in none of the allowed networks"

    def screen(self, addresses: Sequence[Address]) -> Sequence[Address]:
        """Those that may be connected to. Raises RequestError connect/denied if that is none."""
        verdicts = [self.verdict(address) for _, address in addresses]
        left = [address for address, verdict in zip(addresses, verdicts, strict=True) if verdict is None]
        if not left:
            told = "; ".join(f"{address}: {verdict}" for (_, address), verdict in zip(addresses, verdicts, strict=True))
            raise RequestError("connect", "denied", f"the address policy forbids the connection: {told}")
        return left


def _network(network: str | Network) -> Network:
    try:
        return ipaddress.ip_network(network)
    except ValueError as err:
        raise UsageError(f"{err}; expected an address, or a network such as 10.0.0.0/8") from err


def _forms(address: IPAddress) -> Iterator[IPAddress]:
    """An address, and what a packet to it reaches in the end."""
    form: IPAddress | None = address
    while form is not None:
        yield form
        form = _wrapped(form)


def _wrapped(address: IPAddress) -> IPAddress | None:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is not None:
            return embedded
    return _UNSPECIFIED.get(address)
