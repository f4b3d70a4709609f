"""Who is asked for the behaviour, and over what: the table of this suite.

A test takes the fixture `visit` and is run once for each cell, which is a face on a transport, over a wire:

    @everywhere()
    async def test_…(visit: Visit) -> None:
        response = await visit.client.get("/echo")

What a test names in httpx2 it finds under the same name in httpx, so both are written down with httpx2's types.
"""

from collections.abc import Callable
from enum import StrEnum
from types import ModuleType

import httpcore
import httpcore2
import httpx
import httpx2
import msgspec
import pytest


class Wire(StrEnum):
    """What is spoken."""

    PLAIN = "plain"
    TLS = "tls"
    HTTP2 = "http2"  # over TLS

    @property
    def secure(self) -> bool:
        """Whether it is over TLS."""
        return self is not Wire.PLAIN


class Face(StrEnum):
    """An application's client, and what it sends by."""

    OWN = "httpx2-on-its-own"
    OURS = "httpx2-on-ours"
    LEGACY = "httpx-on-ours"

    @property
    def api(self) -> ModuleType:
        """The package: its classes of errors, requests and so on."""
        return httpx if self is Face.LEGACY else httpx2

    @property
    def core(self) -> ModuleType:
        """What its own transport is made of: whose errors network streams raise."""
        return httpcore if self is Face.LEGACY else httpcore2

    @property
    def is_ours(self) -> bool:
        """Whether Milkrun sends."""
        return self is not Face.OWN


class Cell(msgspec.Struct, frozen=True):
    """A face, over a wire."""

    face: Face
    wire: Wire

    def __str__(self) -> str:
        return f"{self.face}-{self.wire}"


CELLS = (
    *(Cell(Face.OWN, wire) for wire in Wire),
    *(Cell(Face.OURS, wire) for wire in Wire),
    Cell(Face.LEGACY, Wire.PLAIN),  # the same transport: what it says to httpx is not the wire's
)


def everywhere(where: Callable[[Cell], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Run a test in every cell, or in those that `where` picks.

    But for one: what httpx2's own does over TLS is what it does in plain, unless a test is about TLS (see `on`).
    """
    return _in([cell for cell in CELLS if where(cell) and cell != Cell(Face.OWN, Wire.TLS)])


def by_face(where: Callable[[Cell], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Run a test of what a face does by itself, whatever the wire: each in plain, and ours over HTTP/2 once more."""
    once_more = Cell(Face.OURS, Wire.HTTP2)
    return _in([cell for cell in CELLS if where(cell) and (cell.wire is Wire.PLAIN or cell == once_more)])


def on(*wires: Wire) -> pytest.MarkDecorator:
    """Run a test on every face, over these wires."""
    return _in([cell for cell in CELLS if cell.wire in wires])


def knows_zstd(cell: Cell) -> bool:
    """Whether the face can undo it: httpx would need one package more."""
    return cell.face is not Face.LEGACY


def leaks(cell: Cell) -> bool:
    """Whether what is left of a cancelled request is a TLS connection that nobody closes, as on httpx2's own."""
    return cell.face is Face.OWN and cell.wire.secure


def on_ours() -> pytest.MarkDecorator:
    """Run a test of what we do otherwise, or more."""
    return everywhere(lambda cell: cell.face.is_ours)


def _in(cells: list[Cell]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("visit", cells, ids=str, indirect=True)
