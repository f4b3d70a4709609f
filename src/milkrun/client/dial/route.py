"""The way to an origin: everything about it that a caller may choose beside the origin itself."""

import hashlib
import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.resolve.resolver import literal_family
from milkrun.client.url import parse_url

if TYPE_CHECKING:
    from milkrun.client.proxy import Proxy

Family: TypeAlias = Literal["any", "ipv4", "ipv6"]
Overrides: TypeAlias = Mapping[str, str | Iterable[str]]

_FAMILIES = ("any", "ipv4", "ipv6")
_VERSIONS: dict[int, Family] = {4: "ipv4", 6: "ipv6"}
_LONGEST_PATH = 107  # bytes that sockaddr_un has room for
_HOST_PORT = re.compile(r"(\[[^\[\]]+\]|[^\[\]:/?#@\s]+)(?::(\d{1,5}))?")
_DNS_PORT = 53


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """How an origin is reached. Made by `route`, which judges what it is made of; equal routes share connections.

    Attributes:
        proxy: through which one, if any; what else is chosen here is then about the way to the proxy.
        by_environment: it was the environment that chose the proxy, or none: for another origin it is asked again.
        unix_socket: the path of a socket to connect to, whatever the origin's name; then nothing else here matters.
        local_address: the address of this machine to connect from.
        family: the addresses that may be connected to.
        resolve: "host" or "host:port" and the addresses to use for it instead of asking, sorted.
        nameservers: whom to ask instead of the client's resolver, as "ip:port" or "[ip]:port".
        key: tells the connections of this route from those of others; "" for the default one.
    """

    proxy: "Proxy | None" = None
    by_environment: bool = False
    unix_socket: str | None = None
    local_address: str | None = None
    family: Family = "any"
    resolve: tuple[tuple[str, tuple[str, ...]], ...] = ()
    nameservers: tuple[str, ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "key", " ".join(filter(None, self._marks())))

    def override(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses to use for a host instead of asking; none: ask. An entry with the port comes first."""
        if not self.resolve:
            return ()
        known = dict(self.resolve)
        return known.get(_host_port(host, port)) or known.get(host, ())

    def _marks(self) -> tuple[str, ...]:
        return (
            f"proxy={self.proxy.key}" if self.proxy else "",
            f"unix={self.unix_socket!r}" if self.unix_socket else "",
            f"from={self.local_address}" if self.local_address else "",
            self.family if self.family != "any" else "",
            f"resolve={_digest(self.resolve)}" if self.resolve else "",
            f"dns={','.join(self.nameservers)}" if self.nameservers else "",
        )


DIRECT = Route()


def route(
    *,
    proxy: "Proxy | None" = None,
    by_environment: bool = False,
    unix_socket: str | None = None,
    local_address: str | None = None,
    family: Family = "any",
    resolve: Overrides | None = None,
    nameservers: Iterable[str] = (),
) -> Route:
    """A route, judged and brought into one form, so that equal wishes are equal routes.

    Everything is as `Route` has it, but `resolve` may map "host" or "host:port" to one address or several, and name
    servers may be written "ip", "ip:port", "[ip]" or "[ip]:port".

    Raises:
        UsageError: for what is no address, host or path; says what was expected.
    """
    if proxy is not None and unix_socket is not None:
        raise UsageError("a unix socket is reached without a proxy; give one of the two")
    local = None if local_address is None else _address(local_address, "local_address")
    return Route(
        proxy=proxy,
        by_environment=by_environment,
        unix_socket=None if unix_socket is None else _path(unix_socket),
        local_address=local,
        family=_family(family, local),
        resolve=tuple(sorted(_override(*pair) for pair in (resolve or {}).items())),
        nameservers=tuple(map(_nameserver, nameservers)),
    )


def _family(family: Family, local: str | None) -> Family:
    if family not in _FAMILIES:
        raise UsageError(f"{family!r} is no family of addresses; expected one of {', '.join(_FAMILIES)}")
    if local is None:
        return family
    bound = _VERSIONS[ipaddress.ip_address(local).version]
    if family not in ("any", bound):
        raise UsageError(f"from {local} only {bound} addresses can be reached, not {family}; leave out one of the two")
    return bound


def _path(path: str) -> str:
    if not 0 < len(path.encode()) <= _LONGEST_PATH:
        raise UsageError(f"{path!r} is no path of a unix socket; expected one of 1 to {_LONGEST_PATH} bytes")
    return path


def _override(name: str, addresses: str | Iterable[str]) -> tuple[str, tuple[str, ...]]:
    host, port = _taken_apart(name)
    given = (addresses,) if isinstance(addresses, str) else tuple(addresses)
    if not given:
        raise UsageError(f"resolve gives no address for {name!r}; expected one or several")
    return (host if port is None else _host_port(host, port)), tuple(_address(one, "resolve") for one in given)


def _taken_apart(name: str) -> tuple[str, int | None]:
    bracketed = _bracketed(name)
    match = _HOST_PORT.fullmatch(bracketed)
    if match is None:
        raise UsageError(f"{name!r} is no host to resolve; expected host, host:port or [IPv6 address]:port")
    origin = parse_url(f"http://{bracketed}").origin  # the same form of the host as in a URL
    return origin.host, origin.port if match[2] else None


def _nameserver(text: str) -> str:
    match = _HOST_PORT.fullmatch(_bracketed(text))
    if match is None or int(match[2] or _DNS_PORT) not in range(1, 65_536):
        raise UsageError(f"{text!r} is no name server; expected an address, or address:port")
    address, sign, zone = _address(match[1].strip("[]"), "nameservers").partition("%")
    return f"{_host_port(address, int(match[2] or _DNS_PORT))}{sign}{zone}"  # the interface last, as c-ares wants it


def _address(text: str, what: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as err:
        raise UsageError(f"{what}: {text!r} is no address; expected a literal IPv4 or IPv6 address") from err


def _bracketed(text: str) -> str:
    return f"[{text}]" if literal_family(text) == socket.AF_INET6 else text


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _digest(names: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return hashlib.blake2s(repr(names).encode(), digest_size=16).hexdigest()
