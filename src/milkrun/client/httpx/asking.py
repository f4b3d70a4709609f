"""From the face's request to ours: its URL, its header fields as they are, its content whole or in pieces."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeAlias

from milkrun.client.client import Client
from milkrun.client.errors import UsageError
from milkrun.client.events import Hook
from milkrun.client.httpx.faces import Face
from milkrun.client.preparing import RequestOptions
from milkrun.client.request import NO_LIMIT, PreparedRequest

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_REMEMBERED = 1024  # requests without content: most applications ask the same again and again

Key: TypeAlias = tuple[object, ...]


class Asker:
    """Makes a client's requests of a face's. It remembers those without content, for to build one takes a while."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: OrderedDict[Key, PreparedRequest] = OrderedDict()

    def ask(self, face: Face, request: Any, hook: Hook | None) -> PreparedRequest:
        """The client's request, of which the hook is told.

        Raises:
            Exception: the face's UnsupportedProtocol or LocalProtocolError, for what cannot be sent.
            RuntimeError: for content that would block the event loop.
        """
        content = _content(face, request)
        if content is not None or hook is not None:
            return self._build(face, request, content, hook)
        url, extensions = request.url, request.extensions
        key = (
            request.method,
            url.scheme,
            url.host,
            url.port,
            url.raw_path,
            extensions.get("target"),
            extensions.get("sni_hostname"),
            *request.headers.raw,
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._build(face, request, None, None)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

    def _build(
        self, face: Face, request: Any, content: bytes | AsyncIterator[bytes] | None, hook: Hook | None
    ) -> PreparedRequest:
        url, extensions = request.url, request.extensions
        scheme = _SCHEMES.get(url.scheme)
        if scheme is None:
            message = f"the URL has the scheme {url.scheme!r}; expected http or https"
            raise face.error("UnsupportedProtocol", message, request)
        options: RequestOptions = {
            "headers": _fields(request),
            "content": content,
            "target": _text(extensions.get("target", url.raw_path)),
            "verbatim": True,
            "max_body": NO_LIMIT,
            "on_event": hook,
        }
        if server_name := extensions.get("sni_hostname"):
            options["server_name"] = _text(server_name)
        if request.headers.get("connection", "").lower() == "close":
            options["max_uses"] = 1
        try:
            return self._client.prepare(request.method, f"{scheme}://{url.netloc.decode('ascii')}", **options)
        except UsageError as err:
            raise face.error("LocalProtocolError", str(err), request) from err


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _fields(request: Any) -> list[tuple[str, str]]:
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    if "transfer-encoding" in request.headers:  # beside which no length may be sent (RFC 9112 6.1); the faces do
        return [(name, value) for name, value in fields if name.lower() != "content-length"]
    return fields


def _content(face: Face, request: Any) -> bytes | AsyncIterator[bytes] | None:
    stream = request.stream
    if type(stream) is face.module.ByteStream:
        return b"".join(stream) or None  # not what the request remembers of it: a hook may have put another there
    if not isinstance(stream, face.module.AsyncByteStream):
        message = "the request's content is a synchronous stream; give bytes or an asynchronous one"
        raise RuntimeError(message)  # noqa: TRY004  # as the faces do
    return _measured(face, request)


async def _measured(face: Face, request: Any) -> AsyncIterator[bytes]:
    """The pieces of a stream, as many bytes as were promised; whoever stops before its end closes it."""
    promised = None if "transfer-encoding" in request.headers else request.headers.get("content-length")
    length = 0
    stream = request.stream.__aiter__()
    try:
        async for piece in stream:
            length += len(piece)
            if promised is not None and length > int(promised):
                raise _mismatch(face, request, length)
            yield piece
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
    if promised is not None and length < int(promised):
        raise _mismatch(face, request, length)


def _mismatch(face: Face, request: Any, length: int) -> Exception:
    promised = request.headers["content-length"]
    message = f"the content has {length} bytes or more, its Content-Length says {promised}"
    return face.error("LocalProtocolError", message, request)
