"""A second reading of a head that the strict parser refused: repair what RFC 9112 lets a client read, name the rest.

Repaired, each with a warning: line folding (5.2), bare LF (2.2), lines that continue the status line, where there is
nothing to continue (2.2: dropped), repeated but equal Content-Length (6.3).
"""

import re

from milkrun.client.errors import RequestError

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9][0-9]( [^\r\n\0]*)?")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_STRAY = re.compile(rb"\A([^\r]*+)(?:\r\n[ \t][^\r]*+)+")
_FOLD = re.compile(rb"\r\n[ \t]+")
_MAX_DIGITS = 19  # the strict parser counts in 64 bits

BARE_LF = "a head line ends with LF alone (RFC 9112 2.2)"
STRAY = "a line before the first header field begins with white space (RFC 9112 2.2)"
FOLD = "a header field is folded over several lines (RFC 9112 5.2)"
REPEATED_LENGTH = "Content-Length is repeated (RFC 9112 6.3)"


def repair(head: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Write a refused head as it should have been; give it and what was wrong with it.

    Raises RequestError, protocol/*, for a head that cannot be read safely. The strict parser has the last word
    on what is returned.
    """
    head, warnings = _unfolded(head)
    lines = head[:-4].split(b"\r\n")
    if not _STATUS_LINE.fullmatch(lines[0]):
        raise bad_status_line(lines[0])
    fields, repeated = _one_length(lines[1:])
    if repeated:
        warnings.append(REPEATED_LENGTH)
    return b"\r\n".join((lines[0], *fields, b"", b"")), tuple(warnings)


def _unfolded(head: bytes) -> tuple[bytes, list[str]]:
    warnings = []
    head, bare = _BARE_LF.subn(b"\r\n", head)
    if bare:
        warnings.append(BARE_LF)
    head, strays = _STRAY.subn(rb"\1", head)
    if strays:
        warnings.append(STRAY)
    head, folds = _FOLD.subn(b" ", head)
    if folds:
        warnings.append(FOLD)
    return head, warnings


def _one_length(lines: list[bytes]) -> tuple[list[bytes], bool]:
    fields: list[bytes] = []
    lengths: list[bytes] = []
    chunked = False
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name):
            raise RequestError("protocol", "bad-header", f"{line[:60]!r} is no header field", phase="wait")
        if name.lower() == b"content-length":
            lengths += (length.strip(b" \t") for length in value.split(b","))
            continue
        chunked |= name.lower() == b"transfer-encoding"
        fields.append(line)
    if lengths:
        fields.append(b"Content-Length: " + _agreed(lengths, chunked=chunked))
    return fields, len(lengths) > 1


def _agreed(lengths: list[bytes], *, chunked: bool) -> bytes:
    if chunked:
        # Two framings are how requests are smuggled; RFC 9112 6.3 has a client treat it as an error.
        raise bad_framing("the response has both Content-Length and Transfer-Encoding")
    if not all(length.isdigit() for length in lengths):
        raise bad_framing(f"the Content-Length is {b', '.join(lengths)[:60]!r}, which is no number")
    sizes = {length.lstrip(b"0") or b"0" for length in lengths}  # as text: int() refuses thousands of digits
    if len(sizes) > 1:
        raise bad_framing(f"the Content-Lengths differ: {b', '.join(lengths)[:60]!r}")
    size = sizes.pop()
    if len(size) > _MAX_DIGITS:
        raise bad_framing(f"the Content-Length has {len(size)} digits, which is no size of anything")
    return size


def bad_status_line(line: bytes) -> RequestError:
    """protocol/bad-status-line, showing how the answer began."""
    shown = f"the answer begins {line[:40]!r}; expected HTTP/1.1 and a status of three digits"
    return RequestError("protocol", "bad-status-line", shown, phase="wait")


def bad_framing(message: str, *, phase: str = "wait") -> RequestError:
    """protocol/bad-framing: where the body ends cannot be known."""
    return RequestError("protocol", "bad-framing", message, phase=phase)
