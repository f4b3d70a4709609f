"""The site as an ASGI application: for uvicorn and hypercorn, and behind the servers that pass on to it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from tests.conformance.site import FILES, PAUSE, PIECE, PIECES, STALLED

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_STEP = 4096


class Application:
    """Serves the files of a folder and everything else of the site."""

    def __init__(self, site: str) -> None:
        self._files = {f"/{name}": (Path(site) / name).read_bytes() for name in FILES}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/upload":
            # That a request has ended with its head, uvicorn's HTTP/2 never tells.
            await _whole(send, await _receipt(receive, more=(b"content-length", b"0") not in scope["headers"]))
        elif path in _STREAMS:
            await _start(send, 200, _LENGTHS.get(path, []))
            async for piece in _STREAMS[path](self._files["/text"]):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        elif path in _BARE:
            await _start(send, *_BARE[path])
            await send({"type": "http.response.body"})
        else:
            close = [(b"connection", b"close")] if path == "/last" and scope["http_version"] == "1.1" else []
            await _whole(send, self._files["/plain" if path == "/last" else path], close)


async def _whole(send: Send, body: bytes, headers: Headers | None = None) -> None:
    length = (b"content-length", b"%d" % len(body))
    await _start(send, 200, [(b"content-type", b"text/plain"), length, *(headers or [])])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _receipt(receive: Receive, *, more: bool) -> bytes:
    size, digest = 0, hashlib.sha256()
    while more:
        message = await receive()
        content = message.get("body", b"")
        size += len(content)
        digest.update(content)
        more = message.get("more_body", False)
    return f"{size} {digest.hexdigest()}".encode()


async def _in_pieces(text: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(text), _STEP):
        yield text[start : start + _STEP]


async def _slowly(text: bytes) -> AsyncIterator[bytes]:  # noqa: ARG001  # of the three streams, it alone has its own
    for _ in range(PIECES):
        yield PIECE
        await asyncio.sleep(PAUSE)


async def _stalled(text: bytes) -> AsyncIterator[bytes]:
    yield text
    await asyncio.Event().wait()


_STREAMS: dict[str, Callable[[bytes], AsyncIterator[bytes]]] = {
    "/pieces": _in_pieces,
    "/slow": _slowly,
    "/stalled": _stalled,
}
_LENGTHS: dict[str, Headers] = {"/stalled": [(b"content-length", b"%d" % STALLED)]}
_BARE: dict[str, tuple[int, Headers]] = {
    "/empty": (204, []),
    "/unchanged": (304, [(b"etag", b'"1"')]),
    "/refused": (413, [(b"content-length", b"0")]),
}
