"""Content codings (RFC 9110 8.4.1), undone under a cap: a bomb never allocates more than the cap."""

import zlib

from milkrun.client.errors import RequestError

_GZIP = 31  # zlib's word for "15 bits of window, gzip framing"
_ZLIB = 15
_RAW = -15


def decode(body: bytes, encoding: str, *, cap: int) -> bytes:
    """Undo the codings of a Content-Encoding field, last one first.

    Args:
        body: the bytes as received.
        encoding: the field's value: "", "gzip", "deflate, gzip" …
        cap: the most bytes that any step may give.

    Raises:
        RequestError: body/too-large beyond the cap, body/bad-encoding for a coding that is unknown or a stream
            that is corrupt or ends early.
    """
    codings = [coding.strip().lower() for coding in encoding.split(",")]
    for coding in reversed(codings):
        body = _undo(coding, body, cap)
    if len(body) > cap:
        raise _too_large(cap)
    return body


def _undo(coding: str, body: bytes, cap: int) -> bytes:
    if coding in ("", "identity") or not body:
        return body
    try:
        if coding in ("gzip", "x-gzip"):
            return _gunzip(body, cap)
        if coding == "deflate":
            return _inflate(body, _deflate_framing(body), cap, cap)[0]
    except zlib.error as err:
        raise _bad(f"the body is not the {coding} it says it is: {err}") from err
    raise _bad(f"the body came in the coding {coding!r}, which was not asked for")


def _gunzip(body: bytes, cap: int) -> bytes:
    # A gzip file is one or more members (RFC 1952 2.2), and zero padding after the last one is common.
    parts: list[bytes] = []
    room = cap
    while body.rstrip(b"\0"):
        part, body = _inflate(body, _GZIP, room, cap)
        parts.append(part)
        room -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflate(body: bytes, framing: int, room: int, cap: int) -> tuple[bytes, bytes]:
    stream = zlib.decompressobj(framing)
    plain = stream.decompress(body, room + 1)
    if len(plain) > room:
        raise _too_large(cap)
    if not stream.eof:
        raise _bad("the compressed body ends before its end")
    return plain, stream.unused_data


def _deflate_framing(body: bytes) -> int:
    # "deflate" means zlib framing (RFC 9110 8.4.1.2), but raw streams are sent under that name; the first two
    # bytes tell: a zlib header is compression method 8 and a multiple of 31 (RFC 1950 2.2).
    zlib_header = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
    return _ZLIB if zlib_header else _RAW


def _too_large(cap: int) -> RequestError:
    return RequestError("body", "too-large", f"the body is over {cap} bytes once decompressed", phase="receive")


def _bad(message: str) -> RequestError:
    return RequestError("body", "bad-encoding", message, phase="receive")
