"""A conversation with a proxy in memory: what the client says, and what it makes of the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from milkrun.client.proxy.address import Proxy
from milkrun.client.proxy.dialogue import Dialogue
from tests.support.turns import turns

Ask = Callable[[Dialogue, Proxy, str, int], Awaitable[None]]


class Wire(asyncio.Transport):
    """Takes what is written, and whoever becomes the protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


def opened() -> tuple[Dialogue, Wire]:
    """A dialogue that has just been connected."""
    dialogue, wire = Dialogue(), Wire()
    dialogue.connection_made(wire)
    return dialogue, wire


async def asked(
    ask: Ask, proxy: Proxy, answers: Sequence[bytes], *, host: str = "t.test", port: int = 443, lost: bool = False
) -> Wire:
    """Ask, hear these answers, each when all before it was read, and perhaps lose the connection; what was said."""
    dialogue, wire = opened()
    asking = asyncio.ensure_future(ask(dialogue, proxy, host, port))
    for answer in answers:
        await turns(5)
        dialogue.data_received(answer)
    await turns(5)
    if lost:
        dialogue.connection_lost(None)
    await asking
    return wire
