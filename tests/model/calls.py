"""The requests of the model: each is under way until a rule lets it go on, or cancels it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from milkrun.client import Client, RequestError, UsageError
from milkrun.client.preparing import RequestOptions


class Call:
    """One request, and what came of it.

    Attributes:
        go: a rule has said that a stream may be read, or an upload continued.
        reads: whether the stream's body is read, or left.
        is_open: whether a stream's head is there.
        is_cancelled: a rule has cancelled it.
    """

    def __init__(self, token: bytes, url: str, kind: str, options: RequestOptions, timeout: float) -> None:
        self.token = token
        self.kind = kind
        self.go = asyncio.Event()
        self.reads = True
        self.is_open = self.is_cancelled = False
        self._url = url
        self._options = options
        self._timeout = timeout
        self.task: asyncio.Task[bytes | None]

    def begin(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        """Send it."""
        self.task = loop.create_task(KINDS[self.kind](self, client))

    @property
    def is_held(self) -> bool:
        """Whether it waits for a rule, not for the client."""
        return self.is_open and not self.go.is_set()

    def fault(self, *, closed: bool) -> str | None:
        """What is wrong with what came of it."""
        if self.task.cancelled():
            return None if self.is_cancelled else "cancelled by nobody"
        error = self.task.exception()
        if isinstance(error, RequestError) or (closed and isinstance(error, UsageError)):
            return None
        if error is not None:
            return f"ended in {error!r}"
        body = self.task.result()
        return None if body in (None, self.token) else f"{self.token!r} was answered with {body!r}"

    async def _read(self, client: Client) -> bytes | None:
        response = await client.request("GET", self._url, timeout=self._timeout, **self._options)
        return response.body if response.status == 200 else None

    async def _drain(self, client: Client) -> bytes | None:
        options: RequestOptions = {**self._options, "body": "drain"}
        await client.request("GET", self._url, timeout=self._timeout, **options)
        return None

    async def _upload(self, client: Client) -> bytes | None:
        options: RequestOptions = {**self._options, "content": self._content()}
        response = await client.request("POST", self._url, timeout=self._timeout, **options)
        return response.body if response.status == 200 else None

    async def _announce(self, client: Client) -> bytes | None:
        self._options = {**self._options, "headers": {"expect": "100-continue"}}
        return await self._upload(client)

    async def _stream(self, client: Client) -> bytes | None:
        async with client.stream("GET", self._url, timeout=self._timeout, **self._options) as response:
            self.is_open = True
            await self.go.wait()
            return await response.read() if self.reads and response.status == 200 else None

    async def _content(self) -> AsyncIterator[bytes]:
        yield b"first"
        await self.go.wait()
        yield b"second"


KINDS: dict[str, Callable[[Call, Client], Coroutine[Any, Any, bytes | None]]] = {
    "read": Call._read,
    "drain": Call._drain,
    "upload": Call._upload,
    "announce": Call._announce,
    "stream": Call._stream,
}
