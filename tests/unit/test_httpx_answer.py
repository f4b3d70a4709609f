"""A body that has landed, as the stream that a face reads."""

from typing import Any

import pytest

from milkrun.client.httpx.answer import Whole, _class_of
from tests.support.httpx_faces import face

__all__ = ["face"]


@pytest.mark.parametrize(("body", "pieces"), [(b"all", [b"all"]), (b"", [])])
async def test_a_whole_body_is_one_piece_or_none_and_comes_once(face: Any, body: bytes, pieces: list[bytes]) -> None:
    stream = _class_of(face, Whole)(body)
    assert isinstance(stream, face.AsyncByteStream)
    assert repr(stream) == f"<Whole body: {len(body)} bytes>"
    assert [piece async for piece in stream] == pieces
    assert [piece async for piece in stream] == []
    assert repr(stream) == "<Whole body: read>"
    await stream.aclose()
