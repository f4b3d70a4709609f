"""Responses made by a grammar that knows what it made: as they should be sent, and as they may still be read."""

import re
from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st

from milkrun.client.http1.lenient import BARE_LF, FOLD, REPEATED_LENGTH
from tests.fuzz.reading import CAP

_VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f")
_VALUE = st.text(_VISIBLE, max_size=6).map(lambda value: value.encode("latin-1"))
_NAME = st.sampled_from([b"X", b"Server", b"set-cookie", b"X-!#$%&'*+.^_`|~", b"CONTENT-TYPE", b"Keep-Alive", b"T"])
_SPACE = st.sampled_from([b"", b" ", b"\t", b"  "])
_FIELD = st.tuples(_NAME, _SPACE, _VALUE, _SPACE).map(lambda made: made[0] + b":" + b"".join(made[1:]))
_FIELDS = st.lists(_FIELD, max_size=3)
_REASON = st.sampled_from([b"", b" ", b" OK", b" Not Found", b" \xe9t\xe9", b" a  b\tc"])
_BODY = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", b"\r\n", b"\n\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n\r\nx", b"x" * CAP]),
)
_CLOSE = [b"Connection: close", b"connection: x, Close", b"CONNECTION:close "]
_KEEP = [b"Connection: keep-alive", b"connection:Keep-Alive, x"]
_CHUNKED = st.sampled_from(
    [b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked ", b"TRANSFER-ENCODING: \tCHUNKED"]
)
_LENGTH = st.sampled_from([b"Content-Length: %d", b"content-length:%d \t", b"CONTENT-LENGTH:\t0%d"])
_EXTENSION = st.sampled_from([b"", b"", b";a", b";a=b", b';a="b;c";d'])
_IS_LENGTH = re.compile(rb"(?i)content-length:")
_IS_OURS = re.compile(rb"(?i)content-length:|transfer-encoding:|connection:")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A response and what it is.

    Attributes:
        interims, head, rest: its bytes: heads of responses before it, its own, the framed body.
        head_only: it answers a HEAD.
        status, body, trailers, keep, warnings: what is to be read.
        delimited: it says itself where it ends; else the end of the connection is its end.
    """

    interims: tuple[bytes, ...]
    head: bytes
    rest: bytes
    head_only: bool
    status: int
    body: bytes
    trailers: tuple[tuple[bytes, bytes], ...]
    keep: bool
    delimited: bool
    warnings: frozenset[str] = frozenset()

    @property
    def heads(self) -> bytes:
        """What comes before the body."""
        return b"".join(self.interims) + self.head

    @property
    def stream(self) -> bytes:
        """All of it."""
        return self.heads + self.rest


@st.composite
def valid(draw: st.DrawFn) -> Made:
    """A response as RFC 9112 has it."""
    head_only, minor = draw(st.booleans()), draw(st.sampled_from([1, 1, 0]))
    status = draw(st.sampled_from([200, 200, 201, 204, 205, 304, 302, 404, 500, 599, 999]))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    connection = draw(st.sampled_from([None, *_CLOSE, *_KEEP]))
    bodiless = head_only or status in {204, 304}
    body, trailers = draw(_BODY), draw(_FIELDS) if framing == "chunked" and not bodiless else []
    lines = [*draw(_FIELDS), *draw(_framing(framing, len(body))), *([connection] if connection else [])]
    return Made(
        interims=draw(_INTERIMS),
        head=_head(b"HTTP/1.%d %d%b" % (minor, status, draw(_REASON)), *draw(st.permutations(lines))),
        rest=b"" if bodiless else draw(chunks(body, trailers)) if framing == "chunked" else body,
        head_only=head_only,
        status=status,
        body=b"" if bodiless else body,
        trailers=tuple(_pair(line) for line in trailers),
        keep=_keeps(minor, connection, framing) and (bodiless or framing != "close"),
        delimited=bodiless or framing != "close",
    )


@st.composite
def tolerable(draw: st.DrawFn) -> Made:
    """A response written as a client may still read it: lines that end with LF, are folded, repeat the length."""
    made = draw(valid())
    start, *lines = made.head.split(b"\r\n")[:-2]
    warnings = set()
    lengths = [line for line in lines if _IS_LENGTH.match(line)]
    if draw(st.booleans()) and lengths:
        lines.append(lengths[0])
        warnings.add(REPEATED_LENGTH)
    if draw(st.booleans()) and lines:
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] += b"\r\n" + draw(st.sampled_from([b" ", b"\t \r\n "] + [b" fold"] * (not _IS_OURS.match(lines[at]))))
        warnings.add(FOLD)
    pieces = _head(start, *lines).split(b"\r\n")
    ends = draw(st.lists(st.sampled_from([b"\r\n", b"\n"]), min_size=len(pieces) - 1, max_size=len(pieces) - 1))
    if b"\n" in ends:
        warnings.add(BARE_LF)
    head = b"".join(piece + end for piece, end in zip(pieces, [*ends, b""], strict=True))
    return msgspec.structs.replace(made, head=head, warnings=frozenset(warnings))


@st.composite
def chunks(draw: st.DrawFn, body: bytes, trailers: Sequence[bytes] = ()) -> bytes:
    """A body in chunks, with extensions and trailer fields (RFC 9112 7.1)."""
    made = []
    while body:
        size = draw(st.integers(1, len(body)))
        number = draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % size
        made += [number + draw(_EXTENSION), body[:size]]
        body = body[size:]
    return b"\r\n".join([*made, draw(st.sampled_from([b"0", b"000"])) + draw(_EXTENSION), *trailers, b"", b""])


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A response with a few bytes of it changed, lost, doubled or put in, and whether it answers a HEAD."""
    made = draw(tolerable())
    stream = made.stream
    for _ in range(draw(st.integers(1, 3))):
        at, count = draw(st.integers(0, len(stream))), draw(st.integers(0, 4))
        stream = stream[:at] + draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=2))) + stream[at + count :]
    return stream, made.head_only


def _keeps(minor: int, connection: bytes | None, framing: str) -> bool:
    if minor:
        return connection not in _CLOSE
    return connection in _KEEP and framing != "chunked"  # in HTTP/1.0 that is a faulty framing (RFC 9112 6.1)


def _framing(framing: str, size: int) -> st.SearchStrategy[list[bytes]]:
    if framing == "length":
        return _LENGTH.map(lambda line: [line % size])
    return st.lists(_CHUNKED, min_size=1, max_size=1) if framing == "chunked" else st.just([])


def _head(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (*lines, b""))


def _pair(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.strip(b" \t")


_INTERIM = st.sampled_from([b"HTTP/1.1 100 Continue", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 102"])
_INTERIMS = st.lists(
    st.tuples(_INTERIM, st.lists(_FIELD, max_size=1)).map(lambda made: _head(made[0], *made[1])), max_size=2
).map(tuple)


# What heads and framings are made of, right and wrong.
TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\n\r\n", b" ", b"\t", b"\r\n ", b"\n\t", b":", b",", b";", b"\0"),
    *(b"\x7f", b"\xff", b"x" * 700, b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200", b"HTTP/1.1 100\r\n\r\n"),
    *(
        b"HTTP/1.1 101 S\r\n\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\n",
        b"Keep-Alive: 5\r\n",
    ),
    *(b"Content-Length: 5\r\n", b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n", b"content-length:0\r\n"),
    *(b"Content-Length: 6\r\n", b"Content-Length:\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked, x\r\n"),
    *(b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding:\r\n chunked\r\n", b"Transfer-Encoding : chunked\r\n"),
    *(
        b"X : y\r\n",
        b": y\r\n",
        b"X: \x01\r\n",
        b"X\r\n",
        b"0\r\n\r\n",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"5 \r\n",
        b"5;\r\n",
    ),
    *(b"-1\r\n", b"0x5\r\n", b"FFFFFFFFFFFFFFFFF\r\n"),
]
