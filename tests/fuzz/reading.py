"""How the parser reads a stream of bytes, in a form that can be compared: the same for every way to cut the stream."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from milkrun.client.errors import RequestError
from milkrun.client.http1.wire import ResponseParser

MAX_HEAD = 600
CAP = 400
BOUND = "over a bound"
# Bounds that are asked on the way, so that what has come until then decides, too; the second in streams alone.
_BOUNDS = ("there is more framing than body", "the trailer fields are over")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as far as it decides how the answer is read; `ends`: the server closes after its bytes."""

    head_only: bool = False
    drain: bool = False
    ends: bool = True


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a stream.

    Attributes:
        verdict: "complete", "unfinished", or what `verdict` makes of the error.
        status, head, body, size: of the response, as far as one came; `size` is None if a drain gave up on the way.
        keep: whether the connection would go back to the pool.
        notable: whether it has fields that concern the client.
        warnings: what was repaired.
    """

    verdict: str
    status: int | None = None
    head: bytes = b""
    body: bytes = b""
    size: int | None = None
    keep: bool = False
    notable: bool = False
    warnings: tuple[str, ...] = ()


def read(pieces: Iterable[bytes], asked: Asked) -> Reading:
    """One response from a parser of its own, fed these pieces as a connection would."""
    parser = ResponseParser(max_head=MAX_HEAD)
    rest = iter(pieces)
    parser.expect(asked.head_only, CAP, asked.drain)
    try:
        done = any(parser.feed(piece) for piece in rest if piece) or (asked.ends and parser.end())
        if not done:
            return Reading(verdict="unfinished", status=parser.status, warnings=parser.warnings)
        received = parser.take()
    except RequestError as err:
        return Reading(verdict=verdict(err), warnings=parser.warnings)
    # What comes when nothing is in flight spoils the connection. Empty lines do so only if they come apart, for in one
    # piece with the response the parser passes over them (as over those before a status line): nothing is out of step.
    unasked = any(piece.strip(b"\r\n") for piece in rest)
    return Reading(
        verdict="complete",
        status=received.status,
        head=received.head,
        body=received.body,
        size=received.size if received.size <= CAP else None,
        keep=received.keep and not unasked,
        notable=received.notable,
        warnings=received.warnings,
    )


def verdict(error: RequestError) -> str:
    """Its layer and kind; or that it is a bound that depends on what has come."""
    return BOUND if any(bound in error.message for bound in _BOUNDS) else f"{error.layer}/{error.kind}"


def alike(one: Reading, other: Reading) -> bool:
    """Whether two ways to cut a stream came to the same, as far as they have to."""
    return one == other or BOUND in {one.verdict, other.verdict}


def cut(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The stream in pieces, cut at these places, of which any may be beyond its end."""
    places = [0, *sorted(min(place, len(stream)) for place in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


def bytewise(stream: bytes) -> list[bytes]:
    """The stream one byte at a time."""
    return [stream[at : at + 1] for at in range(len(stream))]
