"""Asking an HTTP proxy for a tunnel (RFC 9110 9.3.6): the request, and what the answer says about whom."""

import re

from milkrun.client.auth import Basic
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.proxy.address import Proxy
from milkrun.client.proxy.dialogue import Dialogue, NonsenseError

_LONGEST_HEAD = 64 * 1024  # bytes, interim responses included
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r?\n")
_PROXY_STATUS = re.compile(rb"^proxy-status:[^\r\n]*;[ \t]*error=([a-z_]+)", re.IGNORECASE | re.MULTILINE)
_SWITCHING = 101

# What a gateway's status says of the target; every other refusal is the proxy's own.
_SAID: dict[int, tuple[str, str]] = {
    502: ("connect", "unreachable"),
    503: ("connect", "unreachable"),
    504: ("connect", "timeout"),
}
# What a proxy says more precisely in Proxy-Status (RFC 9209 2.3), where that is about the target.
_TOLD: dict[bytes, tuple[str, str]] = {
    b"dns_timeout": ("dns", "timeout"),
    b"dns_error": ("dns", "server-failure"),
    b"destination_unavailable": ("connect", "unreachable"),
    b"destination_ip_unroutable": ("connect", "unreachable"),
    b"connection_refused": ("connect", "refused"),
    b"connection_terminated": ("connect", "reset"),
    b"connection_timeout": ("connect", "timeout"),
}


async def ask(dialogue: Dialogue, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy connect to a host, a name or a literal address; then the connection is the target's.

    Raises:
        RequestError: of layers connect and dns, where the proxy says what became of the target.
        NonsenseError: the answer is no HTTP.
        OSError: the connection was lost.
        OwnError: the proxy refused for its own reasons.
    """
    dialogue.say(_request(proxy, host, port))
    left = _LONGEST_HEAD
    while True:
        head = await dialogue.head(b"HTTP/1.", left)
        left -= len(head)
        status = _status(head)
        if status >= 200:  # RFC 9110 15.2: any number of interim responses may come before
            break
    if status >= 300:
        raise refusal(proxy, status, head)


def refusal(proxy: Proxy, status: int, head: bytes) -> RequestError:
    """The error for an answer other than 2xx: the target's failure if that is what it tells, else the proxy's."""
    told = _PROXY_STATUS.findall(head)
    said = _TOLD.get(told[-1].lower()) if told else _SAID.get(status)
    if said is None:
        return OwnError("proxy", f"the proxy {proxy.url} {_reason(proxy, status)}", phase="connect")
    layer, kind = said
    reason = told[-1].decode().replace("_", " ") if told else f"status {status}"
    message = f"the proxy {proxy.url} could not reach the target: {reason}"
    if kind == "timeout":
        return RequestTimeoutError(layer, message, phase="connect")
    return RequestError(layer, kind, message, phase="connect")


def _reason(proxy: Proxy, status: int) -> str:
    if status == 407:
        demand = "refused the user name and password" if _knows_us(proxy) else "demands a user name and password"
        return f"{demand} (407)"
    if status == 403:
        return "forbids connections to the target (403)"
    return f"refused to connect to the target: status {status}"


def _request(proxy: Proxy, host: str, port: int) -> bytes:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines += [f"{name}: {value}" for name, value in proxy.headers]
    if proxy.credentials is not None:
        lines.append(f"Proxy-Authorization: {Basic(*proxy.credentials).header}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _knows_us(proxy: Proxy) -> bool:
    return proxy.credentials is not None or any(name.lower() == "proxy-authorization" for name, _ in proxy.headers)


def _status(head: bytes) -> int:
    match = _STATUS.match(head)
    if match is None or int(match[1]) == _SWITCHING:  # nobody asked for another protocol
        raise NonsenseError
    return int(match[1])
