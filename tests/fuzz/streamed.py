"""How a response is read when its body is handed on as it arrives, in the same form as when it is read whole."""

from collections.abc import Callable, Iterable

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.headers import RawPairs
from milkrun.client.http1.wire_stream import StreamingParser
from tests.fuzz.reading import CAP, MAX_HEAD, Asked, Reading, verdict


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """A reading, and what only a stream tells; `rest`: what follows a head that hands the connection over."""

    reading: Reading
    interims: tuple[bytes, ...] = ()
    trailers: RawPairs = ()
    rest: bytes | None = None


def read_streamed(
    pieces: Iterable[bytes], asked: Asked, takes_over: Callable[[int], bool] = lambda _: False
) -> Streamed:
    """One response from a parser of its own, fed these pieces as an exchange would."""
    interims: list[bytes] = []
    parser = StreamingParser(max_head=MAX_HEAD, takes_over=takes_over, on_interim=interims.append)
    parser.expect(asked.head_only, CAP, False)
    rest, body = iter(pieces), b""
    try:
        done = False
        while not done and (piece := next(rest, None)) is not None:
            done = bool(piece) and parser.feed(piece)
            body += parser.pour()
        done = done or (asked.ends and parser.end())
    except RequestError as err:
        reading = Reading(verdict=verdict(err), warnings=parser.warnings)
        return Streamed(reading=reading, interims=tuple(interims))
    opening = parser.opening()
    if not done or opening is None:
        reading = Reading(verdict="unfinished", status=parser.status, warnings=parser.warnings)
        return Streamed(reading=reading, interims=tuple(interims))
    after = b"".join(rest)
    return Streamed(
        reading=Reading(
            verdict="complete",
            status=opening.status,
            head=opening.head,
            body=body,
            size=len(body),
            keep=parser.keep and not after.strip(b"\r\n"),
            notable=opening.notable,
            warnings=opening.warnings,
        ),
        interims=tuple(interims),
        trailers=parser.trailers,
        rest=None if parser.rest is None else parser.rest + after,
    )
