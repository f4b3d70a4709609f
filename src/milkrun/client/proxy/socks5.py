"""Asking a SOCKS5 proxy for a connection (RFC 1928, 1929), in the words of python-socks.

python-socks opens connections of its own, unless it is told to go on from another proxy's (its documented chaining,
`forward`). What it goes on from here is the connection that we opened, so every phase before it stays ours: resolving,
connecting, their times and their errors. Its protocol alone would be a private module.
"""

from typing import cast

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio.v2 import Proxy as Asking

from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.proxy.address import Proxy
from milkrun.client.proxy.dialogue import Dialogue, NonsenseError

_NEVER = 86_400.0  # python-socks' own limit must not strike before the deadline does
_FORBIDDEN = 0x02
# What the replies of RFC 1928 6 say of the target; every other refusal is the proxy's own.
_SAID: dict[int, tuple[str, str]] = {
    0x03: ("connect", "unreachable"),
    0x04: ("connect", "unreachable"),
    0x05: ("connect", "refused"),
    0x06: ("connect", "timeout"),
}


class _Chained:
    """The connection to the proxy, as python-socks takes one that another proxy gave it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    async def connect(self, **_: object) -> "_Chained":
        return self

    async def write(self, data: bytes) -> None:
        self._dialogue.say(data)

    async def read_exactly(self, count: int) -> bytes:
        return await self._dialogue.exactly(count)

    async def close(self) -> None:
        """Whoever opened the connection aborts it."""


async def ask(dialogue: Dialogue, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy connect to a host, a name or a literal address; then the connection is the target's.

    Raises:
        RequestError: of layer connect, where the proxy says what became of the target.
        NonsenseError: the answer is no SOCKS5.
        OSError: the connection was lost.
        OwnError: the proxy refused for its own reasons.
    """
    user, password = proxy.credentials or (None, None)
    origin = proxy.origin
    chained = cast("Asking", _Chained(dialogue))
    asking = Asking(ProxyType.SOCKS5, origin.host, origin.port, user, password, rdns=True, forward=chained)
    try:
        await asking.connect(host, port, timeout=_NEVER)
    except ProxyError as err:
        raise refusal(proxy, err.error_code, str(err)) from err
    except UnicodeDecodeError as err:  # of the name in a reply
        raise NonsenseError from err


def refusal(proxy: Proxy, code: int | None, text: str) -> RequestError:
    """The error for a reply other than success; None: the proxy refused before it looked at the target."""
    said = None if code is None else _SAID.get(code)
    if said is None:
        reason = "forbids connections to the target" if code == _FORBIDDEN else f"refused: {text[:1].lower()}{text[1:]}"
        return OwnError("proxy", f"the proxy {proxy.url} {reason}", phase="connect")
    message = f"the proxy {proxy.url} could not reach the target: {text.lower()}"
    if said[1] == "timeout":
        return RequestTimeoutError("connect", message)
    return RequestError(*said, message)
