"""What was sent is let go of: a warm connection does not keep the contents of the requests it has carried."""

import sys
from typing import Literal

import pytest

from milkrun.client import Client
from tests.support.http2_origin import answers, http2_origin
from tests.support.plain_origin import plain_origin


@pytest.mark.parametrize("http2", [False, "prior-knowledge"])
async def test_a_warm_connection_keeps_no_content(http2: Literal[False, "prior-knowledge"]) -> None:
    content = bytes(range(256)) * 4000
    references = sys.getrefcount(content)
    async with plain_origin() as port, http2_origin(answers(b"hi")) as framed, Client(http2=http2) as client:
        url = framed.url if http2 else f"http://127.0.0.1:{port}/"
        for uses in range(3):
            assert (await client.post(url, content=content)).connection.uses == uses
        assert sys.getrefcount(content) == references
