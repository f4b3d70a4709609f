"""Content that is streamed: pulled from its source as fast as the server takes it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from types import AsyncGeneratorType, GeneratorType
from typing import cast

from milkrun.client.errors import UsageError
from milkrun.client.exchange.exchange import OpenExchange
from milkrun.client.request import PreparedRequest, Stream

_WORD = 1.0  # seconds to wait for the server's 100: it may never say it (RFC 9110 10.1.1)


class Upload:
    """The content of one request on its way.

    Attributes:
        begun: whether the source was touched: what it gave then is gone.
    """

    def __init__(self, request: PreparedRequest) -> None:
        self._request = request
        self._word = asyncio.Event()
        self.begun = False

    def go_ahead(self) -> None:
        """The server wants the content (100 Continue)."""
        self._word.set()

    async def run(self, exchange: OpenExchange) -> None:
        """Send it all, or until the exchange is over. What the source raises, is raised."""
        if self._request.expects_continue:
            await self._wait_for_word(exchange)
            if exchange.answer.done():
                return  # it was refused unseen, or not needed
        if _is_spent(self._request.content):
            raise UsageError("the content was sent before, and a generator gives it once; prepare the request anew")
        self.begun = True
        length = await self._write_all(exchange)
        if length is not None:
            self._judge(length)
            exchange.end_content()

    async def _wait_for_word(self, exchange: OpenExchange) -> None:
        word = asyncio.ensure_future(self._word.wait())
        try:
            await asyncio.wait((word, exchange.answer), timeout=_WORD, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()

    async def _write_all(self, exchange: OpenExchange) -> int | None:
        """How much was sent; None: nobody wanted the rest."""
        length = 0
        async with aclosing(_pieces(cast("bytes | Stream", self._request.content))) as pieces:
            async for piece in pieces:
                length += len(piece)
                if self._request.length is not None and length > self._request.length:
                    self._judge(length)
                await asyncio.sleep(0)  # a source that never waits would keep from us that nobody wants more
                if not await exchange.write(piece):
                    return None
        return length

    def _judge(self, length: int) -> None:
        promised = self._request.length
        if promised is not None and promised != length:
            more = "more" if length > promised else "less"
            raise UsageError(f"the content is {more} than the {promised} bytes that its Content-Length promises")


def _is_spent(content: object) -> bool:
    """Whether nothing more can come of a generator: to send that would be to send nothing in its place."""
    if isinstance(content, GeneratorType):
        return content.gi_frame is None
    return isinstance(content, AsyncGeneratorType) and content.ag_frame is None


async def _pieces(content: bytes | Stream) -> AsyncGenerator[bytes, None]:
    """The content in pieces; a generator is closed with this one: it may hold a file, and nobody else ends it."""
    try:
        if isinstance(content, bytes):
            yield content
        elif isinstance(content, AsyncIterable):
            async for piece in content:
                yield _fixed(piece)
        else:
            for piece in content:
                yield _fixed(piece)
    finally:
        if isinstance(content, AsyncGeneratorType):
            await content.aclose()
        elif isinstance(content, GeneratorType):
            content.close()


def _fixed(piece: object) -> bytes:
    """A piece that stays as it is until it is sent."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    raise UsageError(f"the content has a piece that is a {type(piece).__name__}; expected bytes")
