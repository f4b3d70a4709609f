"""Heads that the strict parser refuses: repaired where RFC 9112 lets a client read them, or named."""

import pytest

from milkrun.client.errors import RequestError
from milkrun.client.http1.lenient import BARE_LF, FOLD, REPEATED_LENGTH, STRAY, repair

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "repaired", "warnings"),
    [
        (OK + b"X: y\r\n\r\n", OK + b"X: y\r\n\r\n", ()),
        (b"HTTP/1.1 200\nX: y\n\n", b"HTTP/1.1 200\r\nX: y\r\n\r\n", (BARE_LF,)),
        (OK + b"X: a\r\n\t b\r\n  \r\nY: c\r\n\r\n", OK + b"X: a b \r\nY: c\r\n\r\n", (FOLD,)),
        (OK + b" X: y\r\n\tZ: z\r\nY: c\r\n\r\n", OK + b"Y: c\r\n\r\n", (STRAY,)),
        (OK + b" Content-Length: 5\n\n", OK + b"\r\n", (BARE_LF, STRAY)),
        (OK + b" \r\nY: a\r\n b\r\n\r\n", OK + b"Y: a b\r\n\r\n", (STRAY, FOLD)),
        (
            OK + b"Content-Length: 5\r\nX: y\r\ncontent-length: 05, 5\r\n\r\n",
            OK + b"X: y\r\nContent-Length: 5\r\n\r\n",
            (REPEATED_LENGTH,),
        ),
        (OK + b"Content-Length: 00\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n", ()),
    ],
)
def test_what_may_be_read_is_written_as_it_should_have_been(
    head: bytes, repaired: bytes, warnings: tuple[str, ...]
) -> None:
    assert repair(head) == (repaired, warnings)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"HTTP/1.1 200 a\0b\r\n\r\n", "bad-status-line"),
        (OK + b" x\ry\r\n\r\n", "bad-status-line"),
        (OK + b"X : y\r\n\r\n", "bad-header"),
        (OK + b"X\r\n\r\n", "bad-header"),
        (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "bad-framing"),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "bad-framing"),
        (OK + b"Content-Length: 5\r\n 6\r\n\r\n", "bad-framing"),
    ],
)
def test_what_cannot_be_read_safely_is_named(head: bytes, kind: str) -> None:
    with pytest.raises(RequestError) as caught:
        repair(head)
    assert (caught.value.layer, caught.value.kind) == ("protocol", kind)
