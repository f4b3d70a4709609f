"""Proxies by the environment's variables, for who asks for that: http_proxy, https_proxy, all_proxy, no_proxy.

There is no standard. The rules are curl's, where it documents any (https://curl.se/docs/manpage.html, "PROXY" and
"--noproxy"); beyond them, a rule may name a port, and "*." is read as ".".
"""

import ipaddress
import re
from collections.abc import Mapping

from milkrun.client.errors import UsageError
from milkrun.client.proxy.address import Proxy
from milkrun.client.resolve.resolver import literal_family
from milkrun.client.url import Origin

_RULE = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^:]+|[^\[\]]*:[^\[\]]*:[^\[\]]*))(?::(?P<port>[0-9]+))?")
_BETWEEN = re.compile(r"[,\s]+")


def from_environment(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that the variables name for an origin; None: it is reached without one.

    A small name comes before the same in capitals, and an empty value counts as none. HTTP_PROXY in capitals is not
    read in a CGI script, where whoever sends a `Proxy` header sets it (CVE-2016-5385, "httpoxy").

    Raises:
        UsageError: the variable names no proxy that can be used.
    """
    if any(_covers(rule, origin) for rule in _BETWEEN.split(_value(environ, "no_proxy")) if rule):
        return None
    for name in (f"{origin.scheme}_proxy", "all_proxy"):
        value = _value(environ, name).strip()
        if value:
            return _named(name, value)
    return None


def _value(environ: Mapping[str, str], name: str) -> str:
    capitals = name.upper()
    if capitals == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
        capitals = name
    return environ.get(name) or environ.get(capitals) or ""


def _named(name: str, value: str) -> Proxy:
    try:
        return Proxy.parse(value if "://" in value else f"http://{value}")
    except UsageError as err:
        raise UsageError(f"the environment's {name}: {err}") from err


def _covers(rule: str, origin: Origin) -> bool:
    """Whether a rule of no_proxy is about this origin."""
    match = _RULE.fullmatch(rule)
    if match is None or (match["port"] and int(match["port"]) != origin.port):
        return False
    name = match["bracketed"] or match["host"]
    if name == "*":
        return True
    if literal_family(origin.host) is not None:
        return _contains(name, origin.host)
    name = name.lower().removeprefix("*").strip(".")  # curl takes .example.org for example.org
    host = origin.host.rstrip(".")
    return host == name or host.endswith(f".{name}")


def _contains(network: str, address: str) -> bool:
    """Whether an address is this one, or in this network; names cover none."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
