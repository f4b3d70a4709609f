"""OpenAI's package on a client of ours: answers, streams, its retries, its time-outs, and what it closes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from milkrun.client.httpx import Transport, unclosable
from tests.face.cells import by_face
from tests.face.heard import heard
from tests.face.sdk_site import WORDS
from tests.face.visit import Visit
from tests.support.accounts import at_rest

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What comes on Mondays?"}]


def model(kind: str = "plain") -> str:
    """A model that nobody has asked before."""
    return f"{kind}-{uuid4()}"


@asynccontextmanager
async def sdk(visit: Visit, **options: object) -> AsyncIterator[openai.AsyncOpenAI]:
    """The package, on the visit's client."""
    settings = {"http_client": visit.client, "base_url": f"{visit.door}/v1", "api_key": "none", **options}
    async with openai.AsyncOpenAI(**settings) as client:  # type: ignore[arg-type]  # one mapping of many types
        yield client


async def complete(client: openai.AsyncOpenAI, kind: str = "plain") -> str | None:
    """Ask, and give the answer."""
    completion = await client.chat.completions.create(model=model(kind), messages=ASKED)
    return completion.choices[0].message.content


@by_face()
async def test_a_completion_is_answered(visit: Visit) -> None:
    async with sdk(visit) as client:
        assert await complete(client) == "".join(WORDS)


@by_face()
async def test_a_completion_is_streamed_word_by_word(visit: Visit) -> None:
    async with sdk(visit) as client:
        chunks = await client.chat.completions.create(model=model(), messages=ASKED, stream=True)
        assert [chunk.choices[0].delta.content async for chunk in chunks] == list(WORDS)


@by_face()
async def test_a_stream_may_be_left_in_the_middle(visit: Visit) -> None:
    async with sdk(visit) as client:
        async with await client.chat.completions.create(model=model(), messages=ASKED, stream=True) as chunks:
            async for chunk in chunks:
                assert chunk.choices[0].delta.content == WORDS[0]
                break
        assert await complete(client) == "".join(WORDS)


@by_face()
async def test_who_is_told_to_come_back_later_does(visit: Visit) -> None:
    async with sdk(visit) as client:
        assert await complete(client, "limited") == "".join(WORDS)


@by_face()
async def test_who_has_no_retries_left_is_told_why(visit: Visit) -> None:
    async with sdk(visit, max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await complete(client, "limited")
    assert caught.value.response.headers["retry-after"] == "0.01"


@by_face()
async def test_a_server_that_fails_is_asked_three_times(visit: Visit) -> None:
    async with sdk(visit) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await complete(client, "broken")
    assert caught.value.response.headers["x-asked"] == "3"


@by_face()
async def test_an_answer_that_does_not_come_is_a_time_out_of_the_packages(visit: Visit) -> None:
    async with sdk(visit, timeout=0.05, max_retries=0) as client:
        with pytest.raises(openai.APITimeoutError) as caught:
            await complete(client, "slow")
    assert isinstance(caught.value.__cause__, visit.api.ReadTimeout)


@by_face()
async def test_a_server_that_is_gone_is_a_connection_error_of_the_packages(visit: Visit) -> None:
    async with sdk(visit, base_url="http://127.0.0.1:1/v1", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError) as caught:
            await complete(client)
    assert isinstance(caught.value.__cause__, visit.api.ConnectError)


@by_face(lambda cell: cell.face.is_ours)
async def test_many_calls_share_one_connection(visit: Visit) -> None:
    async with sdk(visit) as client:
        for _ in range(5):
            await complete(client)
            chunks = await client.chat.completions.create(model=model(), messages=ASKED, stream=True)
            assert len([chunk async for chunk in chunks]) == len(WORDS)
        stats = visit.engine.stats()
    assert (stats["opened_total"], stats["requests_total"]) == (1, 10)
    assert at_rest(visit.engine, idle=1)


@by_face(lambda cell: cell.face.is_ours)
async def test_the_package_closes_its_face_and_not_the_client_beneath(visit: Visit) -> None:
    async with sdk(visit) as client:
        await complete(client)
    assert visit.client.is_closed
    assert at_rest(visit.engine, idle=1)
    face = visit.api.AsyncClient(transport=Transport(visit.engine))
    async with sdk(visit, http_client=face) as client:
        await complete(client)
    assert visit.engine.stats()["opened_total"] == 1


@by_face(lambda cell: cell.face.is_ours)
async def test_the_package_cannot_close_what_is_unclosable(visit: Visit) -> None:
    for _ in range(2):
        async with sdk(visit, http_client=unclosable(visit.client)) as client:
            await complete(client)
        await client.close()
    assert not visit.client.is_closed
    assert heard(await visit.client.get("/echo")).method == "GET"
    assert visit.engine.stats()["opened_total"] == 1
