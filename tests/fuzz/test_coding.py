"""The decoders, fed what was compressed, tampered with, or never was: the plain bytes or a refusal, under the cap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client.coding import decode, decoder
from milkrun.client.errors import RequestError
from tests.support.compressing import COMPRESSORS, compressed

CODING = st.sampled_from(sorted(COMPRESSORS))
ENCODINGS = [*sorted(COMPRESSORS), "gzip, br", "deflate, zstd"]
ENCODING = st.lists(CODING, min_size=1, max_size=3).map(", ".join)
PLAIN = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.binary(min_size=1, max_size=3), st.sampled_from([1000, 70_000])).map(lambda made: made[0] * made[1]),
)
CAP = 250_000
CUTS = st.lists(st.integers(0, 300), max_size=5)


def undone(pieces: list[bytes], encoding: str, cap: int) -> bytes | None:
    """What the pieces give; None if they are refused, which is always in the one way."""
    parts: list[bytes] = []
    try:
        made = decoder(encoding, cap=cap)
        for piece in pieces:
            parts += made.pieces(piece)
            assert sum(map(len, parts)) <= cap
        made.finish()
    except RequestError as err:
        assert (err.layer, err.phase) == ("body", "receive")  # noqa: PT017  # either way out is right
        return None
    return b"".join(parts)


def check(body: bytes, encoding: str, cap: int, cuts: list[int]) -> bytes | None:
    """However it is cut, and at once, the same comes of it."""
    places = [0, *sorted(min(place, len(body)) for place in cuts), len(body)]
    whole = undone([body], encoding, cap)
    assert undone([body[start:end] for start, end in pairwise(places)], encoding, cap) == whole
    assert undone([body[at : at + 1] for at in range(len(body))], encoding, cap) == whole
    try:
        assert decode(body, encoding, cap=cap) == whole
    except RequestError:
        assert whole is None
    return whole


@given(PLAIN, ENCODING, CUTS)
def test_what_was_compressed_comes_back(plain: bytes, encoding: str, cuts: list[int]) -> None:
    assert check(compressed(plain, encoding), encoding, CAP, cuts) == plain


@given(PLAIN.filter(len), CODING, st.data(), CUTS)
def test_what_was_cut_short_never_passes_for_the_whole(
    plain: bytes, coding: str, data: st.DataObject, cuts: list[int]
) -> None:
    body = compressed(plain, coding)
    short = body[: data.draw(st.integers(1, len(body) - 1))]
    assert check(short, coding, CAP, cuts) is None


@given(PLAIN, CODING, st.binary(min_size=1, max_size=9).filter(lambda rest: rest.strip(b"\0")), CUTS)
def test_what_goes_on_after_its_end_is_refused(plain: bytes, coding: str, rest: bytes, cuts: list[int]) -> None:
    assert check(compressed(plain, coding) + rest, coding, CAP, cuts) is None


@given(st.lists(PLAIN, min_size=1, max_size=3), st.sampled_from(["gzip", "zstd"]), CUTS)
def test_members_are_one_body(plains: list[bytes], coding: str, cuts: list[int]) -> None:
    body = b"".join(compressed(plain, coding) for plain in plains)
    plain = b"".join(plains)
    assert check(body, coding, 1_000_000, cuts) == plain


@given(PLAIN, ENCODING, st.data(), st.sampled_from([0, 10, CAP]), CUTS)
def test_what_was_tampered_with_is_read_alike_or_refused(
    plain: bytes, encoding: str, data: st.DataObject, cap: int, cuts: list[int]
) -> None:
    body = compressed(plain, encoding)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    check(body, encoding, cap, cuts)


@given(st.binary(max_size=200))
def test_any_bytes_in_any_coding_are_read_alike_or_refused(data: bytes) -> None:
    check(data[1:], ENCODINGS[data[0] % len(ENCODINGS)] if data else "", 1000, list(data[1:4]))


@pytest.mark.parametrize("coding", sorted(COMPRESSORS))
@given(PLAIN.filter(len))
def test_one_byte_over_the_cap_is_too_much(coding: str, plain: bytes) -> None:
    body = compressed(plain, coding)
    assert check(body, coding, len(plain), []) == plain
    assert check(body, coding, len(plain) - 1, []) is None


@given(st.text(max_size=30))
def test_any_name_of_a_coding_is_known_or_refused(encoding: str) -> None:
    undone([b"milk"], encoding, CAP)
