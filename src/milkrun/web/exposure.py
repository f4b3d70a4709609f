"""Who may reach the pages: the rule for addresses beyond this machine, and the Host names that are answered.

A page on the internet can make a browser call any address under a name of its own (DNS rebinding). Its requests
carry that name as Host, so names are answered only if they are ours; an address is always its own.
"""

import ipaddress
import socket

from milkrun.config.settings import WebSettings

OURS = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def refusal(settings: WebSettings) -> str | None:
    """Why these settings must not be served, in a sentence that says what to do; None where they may."""
    if is_loopback(settings.host) or settings.basic is not None or settings.allow_unauthenticated:
        return None
    return (
        f"{settings.host} can be reached from other machines and no password is set: add security.basic to the "
        "configuration, or start with --allow-unauthenticated if everyone there may see the pages"
    )


def answered_names(settings: WebSettings) -> frozenset[str]:
    """The Host names that are answered, in lower case."""
    names = {settings.host, *settings.allowed_hosts}
    if not is_loopback(settings.host):
        names.add(socket.gethostname())
    return OURS | {name.lower().rstrip(".") for name in names}


def host_name(header: str) -> str:
    """The name in a Host header, without its port, in lower case."""
    name, _, port = header.rpartition(":")
    if not name or "]" in port or not port.isdigit():
        name = header
    return name.strip("[]").rstrip(".").lower()


def is_answered(header: str, names: frozenset[str]) -> bool:
    """Whether a request with this Host header is for us."""
    name = host_name(header)
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
