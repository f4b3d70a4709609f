"""Bodies and contents in pieces: read and written bit by bit, left early, refused early, cut off."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from milkrun.client import RequestError
from tests.conformance.cells import Visit, everywhere
from tests.conformance.site import LARGE, PIECE, PIECES, PLAIN, TEXT, TRAILER, receipt
from tests.support.accounts import at_rest, balanced
from tests.support.turns import until

STEP = 50_000
SILENT = {"nginx", "hypercorn", "uvicorn-zttp"}  # over HTTP/2; the client waits a second for the word, and goes ahead
EXPECT = {"Expect": "100-continue"}


class Bottles:
    """A content that comes in pieces, and remembers how far it got."""

    def __init__(self, content: bytes, *, endless: bool = False) -> None:
        self._content = content
        self._endless = endless
        self.begun = self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        try:
            while True:
                for start in range(0, len(self._content), STEP):
                    yield self._content[start : start + STEP]
                if not self._endless:
                    return
        finally:
            self.ended = True


@everywhere()
async def test_a_large_body_is_read_in_pieces_and_leaves_the_connection_warm(visit: Visit) -> None:
    for uses in range(2):
        async with visit.client.stream("GET", visit.url("/large")) as response:
            pieces = [piece async for piece in response]
        assert b"".join(pieces) == LARGE
        assert max(map(len, pieces)) < len(LARGE) / 4
        assert response.connection.uses == uses
    assert at_rest(visit.client, idle=1)


@everywhere()
async def test_a_reader_who_takes_his_time_holds_nobody_else_up(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/large")) as response:
        for _ in range(2):
            assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
        assert await response.read() == LARGE
    assert visit.client.stats()["opened_total"] == (1 if visit.cell.transport.is_shared else 2)


@everywhere()
async def test_pieces_are_there_before_the_body_has_ended(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/stalled")) as response:
        assert TEXT.startswith(await anext(aiter(response)))
        response.cut()
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere()
async def test_who_leaves_in_the_middle_of_a_body_takes_at_most_the_connection_along(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/large")) as response:
        async for _ in response:
            break
    following = await visit.client.get(visit.url("/plain"))
    assert (following.body, following.connection.reused) == (PLAIN, visit.cell.transport.is_shared)
    assert await until(lambda: at_rest(visit.client, idle=1))


@everywhere()
async def test_a_content_of_unknown_length_arrives_whole(visit: Visit) -> None:
    for uses in range(2):
        response = await visit.client.post(visit.url("/upload"), content=Bottles(LARGE))
        assert (response.status, response.body) == (200, receipt(LARGE))
        assert response.connection.uses == uses


@everywhere()
async def test_a_content_of_promised_length_arrives_whole(visit: Visit) -> None:
    length = {"Content-Length": str(len(LARGE))}
    response = await visit.client.put(visit.url("/upload"), content=Bottles(LARGE), headers=length)
    assert (response.status, response.body) == (200, receipt(LARGE))
    assert at_rest(visit.client, idle=1)


@everywhere(where=lambda cell: not (cell.transport.is_shared and cell.server.name in SILENT))
async def test_a_content_that_waits_for_the_servers_word_arrives_whole(visit: Visit) -> None:
    bottles = Bottles(TEXT)
    async with visit.client.stream("POST", visit.url("/upload"), content=bottles, headers=EXPECT) as response:
        assert await response.read() == receipt(TEXT)
    assert {status for status, _ in response.interim} <= {100}


@everywhere()
async def test_a_refusal_ends_a_content_that_would_never_end(visit: Visit) -> None:
    bottles = Bottles(LARGE, endless=True)
    try:
        async with visit.client.stream("POST", visit.url("/refused"), content=bottles) as response:
            assert response.status == 413
    except RequestError:
        assert not visit.cell.server.lingers
    assert await until(lambda: bottles.ended)
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere(where=lambda cell: cell.server.trailers)
async def test_what_comes_after_the_body_is_told(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/trailers"), headers={"TE": "trailers"}) as response:
        assert await response.read() == TEXT
        assert response.trailers[TRAILER[0].decode()] == TRAILER[1].decode()
    assert at_rest(visit.client, idle=1)


@everywhere()
async def test_a_server_killed_in_the_middle_of_a_body_is_told_as_that_and_found_again_later(visit: Visit) -> None:
    async with visit.client.stream("GET", visit.url("/stalled")) as response:
        body = aiter(response)
        assert TEXT.startswith(await anext(body))
        visit.running.kill()
        with pytest.raises(RequestError) as caught:
            assert [piece async for piece in body]
    assert (caught.value.layer, caught.value.kind) in {("receive", "truncated"), ("receive", "reset")}
    visit.running.start()
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)


@everywhere()
async def test_many_who_leave_at_once_leave_nothing_behind(visit: Visit) -> None:
    await visit.client.get(visit.url("/plain"))
    asking = [asyncio.create_task(visit.client.get(visit.url("/stalled"))) for _ in range(20)]
    async with visit.client.stream("GET", visit.url("/slow")) as response:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        assert await response.read() == PIECE * PIECES
    assert (await visit.client.get(visit.url("/plain"))).body == PLAIN
    assert balanced(visit.client)
