"""The codings of one body, chained: what each undoes is the next one's input, piece by piece."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NoReturn

from milkrun.client.coding.brotli import BROTLI
from milkrun.client.coding.deflate import DEFLATE, GZIP
from milkrun.client.coding.stage import PIECE, Coding, Stage, bad, too_large
from milkrun.client.coding.zstd import ZSTD
from milkrun.client.errors import RequestError

ACCEPT_ENCODING = "gzip, deflate, br, zstd"

_CODINGS: dict[str, Coding] = {"gzip": GZIP, "x-gzip": GZIP, "deflate": DEFLATE, "br": BROTLI, "zstd": ZSTD}
_MAX_CODINGS = 5  # as many as curl allows: each multiplies the work that a small body can ask for
_BEGINNING = 4 * 1024  # what is enough to know a body by
_BEGINNING_CAP = 1024 * 1024  # what a few thousand bytes may become on the way to that
_SLICE = 16 * 1024  # the most that is taken in at a time: the libraries copy what they do not take in at once


class Decoder:
    """Undoes the codings of one body as it arrives: `feed` each piece, then `finish`.

    Errors are RequestErrors: body/too-large as soon as any step has given more than the cap, body/bad-encoding for
    what is corrupt or ends early; after one, the decoder is of no more use.
    """

    __slots__ = ("_cap", "_room", "_stages")

    def __init__(self, stages: tuple[Stage, ...], cap: int) -> None:
        self._stages = stages
        self._cap = self._room = cap

    def feed(self, received: bytes) -> bytes:
        """What these further bytes give: up to the cap, at once."""
        return b"".join(self.pieces(received))

    def pieces(self, received: bytes) -> Iterator[bytes]:
        """The same in pieces of at most some 100 KiB, empty ones too: between them others can have their turn.

        It must be read to its end before more is fed.
        """
        pieces: Iterable[bytes] = _sliced(received)
        for stage in self._stages:
            pieces = stage.undo(pieces)
        for piece in pieces:
            self._room -= len(piece)
            if self._room < 0:
                raise too_large(self._cap)
            yield piece

    def finish(self) -> None:
        """Nothing more will come. Raises body/bad-encoding if that is too early."""
        for stage in self._stages:
            stage.finish()


def decoder(encoding: str, *, cap: int) -> Decoder:
    """A decoder for the value of a Content-Encoding field: "", "gzip", "deflate, gzip" …, undone last one first.

    Args:
        encoding: the field's value.
        cap: the most bytes that any step may give.

    Raises:
        RequestError: body/bad-encoding for too many codings. One that is unknown is refused by the decoder, and only
            once there is a body: a response to HEAD may well name one.
    """
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name not in ("", "identity")]
    if len(names) > _MAX_CODINGS:
        raise bad(f"the body is in {len(names)} codings, one over the other; {_MAX_CODINGS} are the most")
    return Decoder(tuple(Stage(_coding(name), cap) for name in reversed(names)), cap)


def decode(body: bytes, encoding: str, *, cap: int) -> bytes:
    """Undo the codings of a whole body. Arguments and errors are those of `decoder` and `Decoder`."""
    plain = decode_small(body, encoding, cap=cap)
    if plain is None:
        made = decoder(encoding, cap=cap)
        plain = made.feed(body)
        made.finish()
    return plain


def begun(received: bytes, encoding: str) -> bytes:
    """What the beginning of a coded body gives, a little of it; of what cannot be undone, what came before that."""
    plain = b""
    with suppress(RequestError):
        for piece in decoder(encoding, cap=_BEGINNING_CAP).pieces(received):
            plain += piece[:_BEGINNING]
            if len(plain) >= _BEGINNING:
                break
    return plain


def decode_small(body: bytes, encoding: str, *, cap: int) -> bytes | None:
    """Nearly every coded body is small and in one coding: then the stream alone will do, in half the time.

    None if it will not: the long way says what is wrong, if anything is, and can be gone in turns.
    """
    coding = _CODINGS.get(encoding)
    if coding is None or not 0 < len(body) <= _SLICE:
        return None
    stream = coding.stream()
    try:
        plain = stream.decompress(body, min(PIECE, cap + 1))
    except coding.error:
        return None
    return plain if stream.eof and not stream.unused_data and len(plain) <= cap else None


def _coding(name: str) -> Coding:
    return _CODINGS.get(name) or Coding(name=name, stream=partial(_refuse, name), error=ValueError)


def _refuse(name: str) -> NoReturn:
    raise bad(f"the body came in the coding {name[:40]!r}, which was not asked for")


def _sliced(received: bytes) -> Iterable[bytes]:
    if len(received) <= _SLICE:
        return (received,)
    return (received[start : start + _SLICE] for start in range(0, len(received), _SLICE))
