"""The site that every server serves, some of it from these files, the rest in ways of its own.

| path | answer |
|---|---|
| /plain, /text, /large | the file, with its length; /text compressed where server and client can |
| /pieces | /text in pieces, its length not known beforehand |
| /trailers | the same, and then the trailer X-Stops; where the server can |
| /slow | PIECES times PIECE, PAUSE apart |
| /stalled | the beginning of a body whose end never comes |
| /empty, /unchanged | 204; 304 |
| /last | /plain, on a connection that the server closes afterwards, and says so |
| /upload | for a POST or PUT: the size and the SHA-256 of what came |
| /refused | 413, before anything of the content was read |
"""

import hashlib
from pathlib import Path

PLAIN = b"Milk, twelve bottles.\n"
TEXT = b"".join(b"Stop %d: two bottles, and take the empties.\n" % stop for stop in range(2000))
LARGE = hashlib.shake_128(b"milk").digest(4 * 1024 * 1024)  # nothing can compress it
PIECE = b"drip "
PIECES = 4
PAUSE = 0.025  # seconds
STALLED = 1024 * 1024
TRAILER = (b"X-Stops", b"2000")

FILES = {"plain": PLAIN, "text": TEXT, "large": LARGE}


def lay_out(folder: Path) -> None:
    """Write the files."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)


def receipt(content: bytes) -> bytes:
    """What /upload answers to this."""
    return f"{len(content)} {hashlib.sha256(content).hexdigest()}".encode()
