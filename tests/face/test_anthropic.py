"""Anthropic's package on a client of ours: answers, streams, its retries, its time-outs, and what it closes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import anthropic
import pytest
from anthropic.types import MessageParam

from milkrun.client.httpx import Transport, unclosable
from tests.face.cells import Cell, Face, by_face
from tests.face.heard import heard
from tests.face.sdk_site import WORDS
from tests.face.visit import Visit
from tests.support.accounts import at_rest

ASKED: list[MessageParam] = [{"role": "user", "content": "What comes on Mondays?"}]


def _is_taken(cell: Cell) -> bool:
    """Whether the package takes a client of this face: httpx's it refuses."""
    return cell.face is not Face.LEGACY


def model(kind: str = "plain") -> str:
    """A model that nobody has asked before."""
    return f"{kind}-{uuid4()}"


@asynccontextmanager
async def sdk(visit: Visit, **options: object) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The package, on the visit's client."""
    settings = {"http_client": visit.client, "base_url": visit.door, "api_key": "none", **options}
    async with anthropic.AsyncAnthropic(**settings) as client:  # type: ignore[arg-type]  # one mapping of many types
        yield client


async def complete(client: anthropic.AsyncAnthropic, kind: str = "plain") -> str:
    """Ask, and give the answer."""
    message = await client.messages.create(model=model(kind), messages=ASKED, max_tokens=9)
    return "".join(block.text for block in message.content if block.type == "text")


@by_face(_is_taken)
async def test_a_completion_is_answered(visit: Visit) -> None:
    async with sdk(visit) as client:
        assert await complete(client) == "".join(WORDS)


@by_face(_is_taken)
async def test_a_completion_is_streamed_word_by_word(visit: Visit) -> None:
    async with sdk(visit) as client:
        async with client.messages.stream(model=model(), messages=ASKED, max_tokens=9) as stream:
            assert [text async for text in stream.text_stream] == list(WORDS)
        assert (await stream.get_final_message()).stop_reason == "end_turn"


@by_face(_is_taken)
async def test_a_stream_may_be_left_in_the_middle(visit: Visit) -> None:
    async with sdk(visit) as client:
        async with client.messages.stream(model=model(), messages=ASKED, max_tokens=9) as stream:
            async for text in stream.text_stream:
                assert text == WORDS[0]
                break
        assert await complete(client) == "".join(WORDS)


@by_face(_is_taken)
async def test_who_is_told_to_come_back_later_does(visit: Visit) -> None:
    async with sdk(visit) as client:
        assert await complete(client, "limited") == "".join(WORDS)


@by_face(_is_taken)
async def test_who_has_no_retries_left_is_told_why(visit: Visit) -> None:
    async with sdk(visit, max_retries=0) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            await complete(client, "limited")
    assert caught.value.response.headers["retry-after"] == "0.01"


@by_face(_is_taken)
async def test_a_server_that_fails_is_asked_three_times(visit: Visit) -> None:
    async with sdk(visit) as client:
        with pytest.raises(anthropic.InternalServerError) as caught:
            await complete(client, "broken")
    assert caught.value.response.headers["x-asked"] == "3"


@by_face(_is_taken)
async def test_an_answer_that_does_not_come_is_a_time_out_of_the_packages(visit: Visit) -> None:
    async with sdk(visit, timeout=0.05, max_retries=0) as client:
        with pytest.raises(anthropic.APITimeoutError) as caught:
            await complete(client, "slow")
    assert isinstance(caught.value.__cause__, visit.api.ReadTimeout)


@by_face(_is_taken)
async def test_a_server_that_is_gone_is_a_connection_error_of_the_packages(visit: Visit) -> None:
    async with sdk(visit, base_url="http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(anthropic.APIConnectionError) as caught:
            await complete(client)
    assert isinstance(caught.value.__cause__, visit.api.ConnectError)


@by_face(lambda cell: _is_taken(cell) and cell.face.is_ours)
async def test_many_calls_share_one_connection(visit: Visit) -> None:
    async with sdk(visit) as client:
        for _ in range(5):
            await complete(client)
            async with client.messages.stream(model=model(), messages=ASKED, max_tokens=9) as stream:
                assert await stream.get_final_text() == "".join(WORDS)
        stats = visit.engine.stats()
    assert (stats["opened_total"], stats["requests_total"]) == (1, 10)
    assert at_rest(visit.engine, idle=1)


@by_face(lambda cell: _is_taken(cell) and cell.face.is_ours)
async def test_the_package_closes_its_face_and_not_the_client_beneath(visit: Visit) -> None:
    async with sdk(visit) as client:
        await complete(client)
    assert visit.client.is_closed
    assert at_rest(visit.engine, idle=1)
    face = visit.api.AsyncClient(transport=Transport(visit.engine))
    async with sdk(visit, http_client=face) as client:
        await complete(client)
    assert visit.engine.stats()["opened_total"] == 1


@by_face(lambda cell: _is_taken(cell) and cell.face.is_ours)
async def test_the_package_cannot_close_what_is_unclosable(visit: Visit) -> None:
    for _ in range(2):
        async with sdk(visit, http_client=unclosable(visit.client)) as client:
            await complete(client)
        await client.close()
    assert not visit.client.is_closed
    assert heard(await visit.client.get("/echo")).method == "GET"
    assert visit.engine.stats()["opened_total"] == 1
