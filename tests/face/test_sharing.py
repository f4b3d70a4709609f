"""Many requests, many faces, other transports beside ours: who shares what with whom."""

import asyncio
from typing import Any

from milkrun.client.httpx import Transport
from tests.face.cells import Wire, by_face, everywhere, on, on_ours
from tests.face.heard import heard
from tests.face.site import Message, Receive, Send, reply
from tests.face.visit import Visit
from tests.support.accounts import at_rest


async def dairy(_: Message, __: Receive, send: Send) -> None:
    """An application that is asked in this process."""
    await reply(send, 200, b"from within")


def within(visit: Visit) -> Any:
    return visit.api.ASGITransport(app=dairy)


@everywhere()
async def test_requests_one_after_the_other_share_a_connection(visit: Visit) -> None:
    assert len({heard(await visit.client.get("/echo")).peer for _ in range(5)}) == 1


@everywhere()
async def test_a_hundred_requests_at_once_each_get_their_own_answer(visit: Visit) -> None:
    client = visit.made(connections=10)
    responses = await asyncio.gather(*(client.post("/echo", content=str(number)) for number in range(100)))
    said = [heard(response) for response in responses]
    assert [one.content for one in said] == [str(number) for number in range(100)]
    assert len({one.peer for one in said}) <= 10


@on_ours()
async def test_a_hundred_requests_leave_everything_at_rest(visit: Visit) -> None:
    await visit.client.get("/echo")
    await asyncio.gather(*(visit.client.get("/echo") for _ in range(100)))
    connections = visit.engine.stats()["connections"]
    assert at_rest(visit.engine, idle=connections["open"])
    assert (connections["open"] == 1) is (visit.wire is Wire.HTTP2)


@everywhere()
async def test_streams_at_once_are_read_in_turn(visit: Visit) -> None:
    async with (
        visit.client.stream("GET", "/pieces?count=20") as one,
        visit.client.stream("GET", "/pieces?count=20") as other,
    ):
        lines = [pair async for pair in _pairs(one.aiter_lines(), other.aiter_lines())]
    assert lines == [(f"line {number}", f"line {number}") for number in range(20)]


@on_ours()
async def test_faces_of_both_packages_share_one_connection(visit: Visit) -> None:
    import httpx
    import httpx2

    said = []
    for api in (httpx, httpx2):
        async with api.AsyncClient(transport=Transport(visit.engine)) as client:
            response: Any = await client.get(f"{visit.door}/echo")
            assert type(response) is api.Response
            said.append(heard(response))
    assert said[0].peer == said[1].peer
    assert [one.one("user-agent").partition("/")[0] for one in said] == ["python-httpx", "python-httpx2"]


@by_face()
async def test_a_mount_carries_what_it_is_mounted_for(visit: Visit) -> None:
    client = visit.made(mounts={"all://dairy.test": within(visit)})
    assert (await client.get("https://dairy.test/")).text == "from within"
    assert heard(await client.get("/echo")).method == "GET"


@by_face()
async def test_a_transport_may_be_a_mount_itself(visit: Visit) -> None:
    client = visit.made(transport=within(visit), mounts={"all://127.0.0.1": visit.transport()})
    assert (await client.get("https://dairy.test/")).text == "from within"
    assert heard(await client.get("/echo")).method == "GET"


@on(Wire.PLAIN)
async def test_a_mount_of_nothing_is_the_clients_transport(visit: Visit) -> None:
    client = visit.made(mounts={"all://": within(visit), "all://127.0.0.1": None})
    assert heard(await client.get("/echo")).method == "GET"


async def _pairs(one: Any, other: Any) -> Any:
    async for first in one:
        yield first, await anext(other)
