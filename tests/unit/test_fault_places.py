"""The fault proxy's places: found at the same byte however the stream comes in pieces."""

import pytest

from tests.support.fault_proxy.places import MUCH, Place, place
from tests.support.fault_proxy.plan import Phase

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 4\r\n\r\n"
WHOLE = HEAD + b"body" + HEAD + b"body"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def frame(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, 0, 0, 0, 0, 1)) + payload


SETTINGS, HEADERS, DATA = frame(4, b"settings"), frame(1, b"head"), frame(0, b"body")
FRAMES = SETTINGS + HEADERS + DATA + DATA + HEADERS

IN_TEXT = [
    (Phase.ANSWER, WHOLE, 0),
    (Phase.HEAD, WHOLE, WHOLE.index(b"Server")),
    (Phase.BODY, WHOLE, WHOLE.index(b"dy")),
    (Phase.AGAIN, WHOLE, len(WHOLE) // 2),
    (Phase.CHUNK, CHUNKED, CHUNKED.index(b"3\r\ntwo")),
    (Phase.REQUEST, bytes(MUCH + 1), MUCH),
]
IN_FRAMES = [
    (Phase.ANSWER, len(SETTINGS)),
    (Phase.HEAD, len(SETTINGS) + 9 + 2),
    (Phase.BODY, len(SETTINGS + HEADERS) + 9 + 2),
    (Phase.CHUNK, len(SETTINGS + HEADERS + DATA)),
    (Phase.AGAIN, len(SETTINGS + HEADERS + DATA + DATA)),
]


def found(here: Place, stream: bytes, size: int) -> int | None:
    """Where the place is, to one who hears so many bytes at a time."""
    heard = ((start, here.within(stream[start : start + size])) for start in range(0, len(stream), size))
    return next((start + before for start, before in heard if before is not None), None)


@pytest.mark.parametrize(("phase", "stream", "offset"), IN_TEXT, ids=[row[0] for row in IN_TEXT])
@pytest.mark.parametrize("size", [101, 7, 1])
def test_a_place_is_in_front_of_one_byte_however_the_text_comes(
    phase: Phase, stream: bytes, offset: int, size: int
) -> None:
    assert found(place(phase, http2=False), stream, size) == offset


@pytest.mark.parametrize(("phase", "offset"), IN_FRAMES)
def test_a_place_is_in_front_of_a_frame_that_comes_whole_and_inside_the_header_of_another(
    phase: Phase, offset: int
) -> None:
    assert found(place(phase, http2=True), FRAMES, len(FRAMES)) == offset
    in_bytes = found(place(phase, http2=True), FRAMES, 1)
    assert in_bytes is not None
    assert offset <= in_bytes <= offset + 9


@pytest.mark.parametrize("phase", [Phase.CHUNK, Phase.AGAIN, Phase.REQUEST])
def test_a_place_behind_the_last_byte_is_not_there_yet(phase: Phase) -> None:
    assert place(phase, http2=False).within(HEAD + b"body") is None
    assert place(phase, http2=True).within(SETTINGS + HEADERS + DATA) is None
