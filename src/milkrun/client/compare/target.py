"""Whom it may be: by default only what is on the user's own machine or network, judged by each of its addresses."""

import asyncio
import socket
from collections.abc import Iterable

import msgspec

from milkrun.client.compare.plan import FAR, CompareError, Load, check_bound
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.errors import UsageError
from milkrun.client.resolve.resolver import literal_family
from milkrun.client.url import Url

# Loopback, private use (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291 2.5.6). What carriers share among their
# customers (RFC 6598) is nobody's own.
OWN_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
_DISCARD = 9


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask.

    Attributes:
        url: whole, with the credentials that it may have.
        shown: without them.
        allow: networks to connect to; None: any.
    """

    url: str
    shown: str
    allow: tuple[str, ...] | None = OWN_NETWORKS


async def addresses_of(url: Url) -> tuple[str, ...]:
    """Every address of the URL's host, by the system's resolver. Raises CompareError if there is none."""
    host, port = url.origin.host, url.origin.port
    if literal_family(host) is not None:
        return (host,)
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as err:
        raise CompareError(f"{url.text} cannot be reached: {host}: {(err.strerror or 'not found').lower()}") from err
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


def judge(url: str, parsed: Url, addresses: Iterable[str], load: Load, *, yes: bool) -> Target:
    """The target, if this load may go there. Raises UsageError, which names the address and what would allow it."""
    allow = (*OWN_NETWORKS, *filter(is_this_machines, addresses))
    policy = AddressPolicy(allow=allow)
    foreign = next((address for address in addresses if policy.verdict(address) is not None), None)
    if foreign is None:
        return Target(url=url, shown=parsed.text, allow=allow)
    if not yes:
        raise UsageError(
            f"{parsed.text} is at {foreign}, which is not on your own machine or network; "
            "this opens many connections to it: if you may do that, say --yes"
        )
    check_bound(load, FAR, f" at {foreign}, which is not on your own network")
    return Target(url=url, shown=parsed.text, allow=None)


def is_this_machines(address: str) -> bool:
    """Whether a literal address is one of this machine's interfaces', in whatever network.

    The kernel is asked from which address it would send there, for only to itself it sends from the address itself.
    Nothing is sent. (To be able to bind to it says less: some systems let anybody bind to any address.)
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, _DISCARD))
        except OSError:
            return False
        source: str = sock.getsockname()[0]
    return source == address
