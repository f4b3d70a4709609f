"""What the server answers: an ASGI application whose paths say what is wanted of it.

| path | answer |
|---|---|
| /echo | what was asked, as JSON: see `heard` in `wants.py` |
| /answer?status=&body=&NAME=VALUE… | that status, that body and these header fields, repeated ones included |
| /redirects?left=N | N redirects, one after the other, and then what /echo says |
| /pieces?count=N | N lines, each a piece of its own, no length said beforehand |
| /bytes?count=N | so many bytes, with their length |
| /stalled | the beginning of a body whose end never comes |
| /silent | nothing, ever |
| /basic | 200 for the user "ann" with the password "milk", else 401 |
| /token | for a POST a token; for anything else 200 if it bears that token, else 401 with the token as its body |
| /events | two server-sent events |
| /socket | a WebSocket that says everything back |

All but the last read the whole content before they answer, except /early, which is 413 at once.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]
Page = Callable[[Message, bytes, Send], Awaitable[None]]

TOKEN = b"token-1"
BASIC = b"Basic " + b64encode(b"ann:milk")


async def site(scope: Message, receive: Receive, send: Send) -> None:
    """The application."""
    if scope["type"] == "websocket":
        await _say_back(receive, send)
    elif scope["path"] == "/early":
        await reply(send, 413)
    else:
        await _PAGES[scope["path"]](scope, await content(receive), send)


async def content(receive: Receive) -> bytes:
    """The whole content of a request."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client went away")
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def start(send: Send, status: int, headers: Pairs) -> None:
    """The head of a response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def reply(send: Send, status: int, body: bytes = b"", headers: Pairs | None = None) -> None:
    """A whole response."""
    length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
    await start(send, status, [*(headers or []), *length])
    await send({"type": "http.response.body", "body": body})


def asked(scope: Message) -> dict[str, str]:
    """The query of a request."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), encoding="latin-1"))


def header(scope: Message, name: bytes) -> bytes:
    """The first field of that name, empty if there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


async def _echo(scope: Message, body: bytes, send: Send) -> None:
    said = {
        "method": scope["method"],
        "scheme": scope["scheme"],
        "version": scope["http_version"],
        "target": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        "content": body.decode("latin-1"),
        "peer": scope["client"],
    }
    await reply(send, 200, json.dumps(said).encode(), [(b"content-type", b"application/json")])


async def _answer(scope: Message, _: bytes, send: Send) -> None:
    query = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
    status = next((int(value) for name, value in pairs if name == "status"), 200)
    body = next((value.encode("latin-1") for name, value in pairs if name == "body"), b"")
    fields = [(name, value) for name, value in pairs if name not in ("status", "body")]
    await reply(send, status, body, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields])


async def _redirects(scope: Message, body: bytes, send: Send) -> None:
    left = int(asked(scope)["left"])
    if left:
        await reply(send, 302, b"", [(b"location", b"/redirects?left=%d" % (left - 1))])
    else:
        await _echo(scope, body, send)


async def _pieces(scope: Message, _: bytes, send: Send) -> None:
    await start(send, 200, [(b"content-type", b"text/plain; charset=utf-8")])
    for number in range(int(asked(scope)["count"])):
        await send({"type": "http.response.body", "body": b"line %d\n" % number, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body"})


async def _bytes(scope: Message, _: bytes, send: Send) -> None:
    await reply(send, 200, b"m" * int(asked(scope)["count"]))


async def _stalled(_: Message, __: bytes, send: Send) -> None:
    await start(send, 200, [(b"content-length", b"1000000")])
    await send({"type": "http.response.body", "body": b"the beginning", "more_body": True})
    await asyncio.Event().wait()


async def _silent(_: Message, __: bytes, ___: Send) -> None:
    await asyncio.Event().wait()


async def _basic(scope: Message, _: bytes, send: Send) -> None:
    if header(scope, b"authorization") == BASIC:
        await reply(send, 200, b"welcome")
    else:
        await reply(send, 401, b"", [(b"www-authenticate", b"Basic realm=milk")])


async def _token(scope: Message, _: bytes, send: Send) -> None:
    if scope["method"] == "POST":
        await reply(send, 200, TOKEN)
    elif header(scope, b"authorization") == b"Bearer " + TOKEN:
        await reply(send, 200, b"welcome")
    else:
        await reply(send, 401, TOKEN)


async def _events(_: Message, __: bytes, send: Send) -> None:
    await reply(send, 200, b"data: one\n\ndata: two\n\n", [(b"content-type", b"text/event-stream")])


async def _say_back(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


_PAGES: dict[str, Page] = {
    "/echo": _echo,
    "/answer": _answer,
    "/redirects": _redirects,
    "/pieces": _pieces,
    "/bytes": _bytes,
    "/stalled": _stalled,
    "/silent": _silent,
    "/basic": _basic,
    "/token": _token,
    "/events": _events,
}
