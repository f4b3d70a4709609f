"""The section `client`: what holds for the one client that every check shares."""

import ipaddress

from milkrun.config.section import Section, Words
from milkrun.config.settings import AddressSettings, ClientSettings, KeepAliveSettings

_RESOLVERS = {"ares": "ares", "system": "system"}
# The kernel's own limits (tcp(7)).
_LONGEST = 32_767
_MOST_PROBES = 127


def read_client(section: Section) -> ClientSettings:
    """`client`; what is not given is the client's default."""
    return ClientSettings(
        max_connections=section.number("max-connections", 0) or None,
        max_connections_per_origin=section.number("max-connections-per-origin", 0) or None,
        max_handshakes=section.number("max-handshakes", 0) or None,
        max_age=section.milliseconds("max-age", 0.0) / 1_000 or None,
        max_uses=section.number("max-uses", 0) or None,
        resolver=section.choice("resolver", _RESOLVERS, "ares"),
        addresses=_addresses(section.section("addresses")),
        keepalive=_keepalive(section.section("keepalive")),
        proxy_from_environment=section.flag("proxy-from-environment", default=False),
    )


def _addresses(section: Section) -> AddressSettings:
    public_only = section.flag("public-only", default=False)
    allow, deny = _networks(section, "allow"), _networks(section, "deny")
    if public_only and "allow" in section:
        section.problem("allow", "expected allow or public-only, not both")
    return AddressSettings(allow=allow, deny=deny, public_only=public_only)


def _networks(section: Section, key: str) -> tuple[str, ...]:
    given = section.texts(key)
    if key in section and not given:  # an empty list of allowed ones would allow all
        section.problem(key, "expected at least one network, or not this key")
    return tuple([str(network) for words in given if (network := _network(section, words)) is not None])


def _network(section: Section, words: Words) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(words.text)
    except ValueError:
        section.problem_at(words, "expected an address, or a network such as 10.0.0.0/8, its host bits all zero")
        return None


def _keepalive(section: Section) -> KeepAliveSettings:
    enabled = section.flag("enabled", default=True)
    return KeepAliveSettings(
        enabled=enabled,
        idle=_seconds(section, "idle"),
        interval=_seconds(section, "interval"),
        count=section.number("count", 0, least=1, most=_MOST_PROBES) or None,
        user_timeout=section.milliseconds("user-timeout", 0.0, least=1.0) / 1_000 or None,
    )


def _seconds(section: Section, key: str) -> int | None:
    """Whole seconds, as the kernel counts them."""
    seconds = section.milliseconds(key, 0.0, least=1_000.0) / 1_000
    if seconds > _LONGEST or seconds != int(seconds):
        section.problem(key, f"expected whole seconds, at most {_LONGEST}s")
        return None
    return int(seconds) or None
