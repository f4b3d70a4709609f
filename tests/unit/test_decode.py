"""Content codings: undone to the byte, or refused, and never past the cap."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client.decode import decode
from milkrun.client.errors import RequestError

TEXT = b"milk " * 100
CAP = 10_000


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def gzipped(data: bytes) -> bytes:
    """Without the time of day, so that the names of tests are the same in every process that collects them."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzipped(TEXT), "gzip"),
        (gzipped(TEXT), "X-GZip"),
        (gzipped(TEXT[:99]) + gzipped(TEXT[99:]), "gzip"),
        (gzipped(TEXT) + bytes(512), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (gzipped(zlib.compress(TEXT)), "deflate, gzip"),
        (gzipped(TEXT), " identity , gzip"),
    ],
)
def test_a_coded_body_is_read_as_what_it_was(body: bytes, encoding: str) -> None:
    assert decode(body, encoding, cap=len(TEXT)) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "deflate, gzip"])
def test_no_body_has_nothing_to_undo(encoding: str) -> None:
    assert decode(b"", encoding, cap=CAP) == b""


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, "gzip"),
        (TEXT, "deflate"),
        (b"x", "deflate"),
        (gzipped(TEXT)[:-1], "gzip"),
        (gzipped(TEXT)[:20], "gzip"),
        (gzipped(TEXT)[:-8] + bytes(8), "gzip"),
        (gzipped(TEXT) + b"rubbish", "gzip"),
        (zlib.compress(TEXT)[:-1], "deflate"),
        (TEXT, "br"),
        (gzipped(TEXT), "gzip, gzip"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_a_bad_encoding(body: bytes, encoding: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode(body, encoding, cap=CAP)

    assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("body", "bad-encoding", "receive")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (gzipped(TEXT), "gzip"),
        (gzipped(TEXT[:250]) + gzipped(TEXT[250:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
    ],
)
def test_a_body_one_byte_over_the_cap_is_too_large(body: bytes, encoding: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode(body, encoding, cap=len(TEXT) - 1)

    assert (caught.value.layer, caught.value.kind) == ("body", "too-large")


def test_the_cap_is_on_all_members_together_so_that_one_beyond_it_is_never_undone() -> None:
    with pytest.raises(RequestError, match="over 10000 bytes") as caught:
        decode(gzipped(bytes(CAP)) * 2 + b"corrupt", "gzip", cap=CAP)
    assert caught.value.kind == "too-large"


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_is_given_no_more_memory_than_the_cap(layers: int) -> None:
    bomb = bytes(20_000_000)
    for _ in range(layers):
        bomb = gzip.compress(bomb, compresslevel=1)

    tracemalloc.start()
    with pytest.raises(RequestError, match="too-large"):
        decode(bomb, ", ".join(["gzip"] * layers), cap=20_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "deflate, gzip"]))
def test_any_bytes_at_all_are_read_or_refused(body: bytes, encoding: str) -> None:
    try:
        assert len(decode(body, encoding, cap=CAP)) <= CAP
    except RequestError as err:
        assert err.layer == "body"  # noqa: PT017  # either way out is right


@given(st.binary(max_size=2000))
def test_what_was_compressed_comes_back(data: bytes) -> None:
    assert decode(gzip.compress(data), "gzip", cap=2000) == data
