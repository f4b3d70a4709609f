"""A second opinion on a stream: h11's, which shares no code with httptools."""

import h11
import msgspec

from tests.fuzz.reading import Asked


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A complete response, as h11 reads it; `rest` is what came after it."""

    status: int
    body: bytes
    rest: bytes


def opinion(stream: bytes, asked: Asked) -> Opinion | None:
    """What h11 makes of it; None if that is no complete response, or none at all."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="HEAD" if asked.head_only else "GET", target="/", headers=[("Host", "a.test")]))
    connection.send(h11.EndOfMessage())
    if stream:
        connection.receive_data(stream)
    if asked.ends:
        connection.receive_data(b"")
    try:
        return _response(connection)
    except h11.RemoteProtocolError:
        return None


def _response(connection: h11.Connection) -> Opinion | None:
    status, body = 0, b""
    while True:
        event = connection.next_event()
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                return Opinion(status=status, body=body, rest=bytes(connection.trailing_data[0]))
            case h11.InformationalResponse():
                pass
            case _:  # it needs more, or the connection was closed too early
                return None
