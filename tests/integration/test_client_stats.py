"""The client's figures of each origin, against real connections."""

import asyncio

import pytest

from milkrun.client import Client, RequestError
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.http2_origin import http2_origin
from tests.support.peers import Says, closed_port
from tests.support.peers import server as serving
from tests.support.scripted import OK, answers, once, scripted
from tests.support.turns import until


async def test_each_origin_has_its_figures_and_they_add_up_to_the_totals(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    async with (
        scripted(answers(OK)) as plain,
        scripted(once(OK)) as brief,
        http2_origin(lambda stream: stream.respond(200, b"hi"), context=authority.good()) as modern,
        Client(resolver=Directory(), ca_file=authority.ca_file) as client,
    ):
        for url in (plain.url, plain.url + "more", plain.url, brief.url, modern.url, modern.url):
            await client.get(url)
        await client.get(plain.url, fresh=True)
        assert await until(lambda: client.stats()["connections"]["open"] == 2)
        origins, total = client.stats_by_origin(), client.stats()
        of_plain, of_brief, of_modern = (origins[url.removesuffix("/")] for url in (plain.url, brief.url, modern.url))
        assert (of_plain["opened_total"], of_plain["cold_total"], of_plain["warm_total"]) == (2, 2, 2)
        assert of_plain["connections"] == {"open": 1, "idle": 1, "in_use": 0}
        assert (of_brief["requests_total"], of_brief["connections"]["open"]) == (1, 0)
        assert (of_modern["version"], of_modern["warm_total"]) == ("2", 1)
        for name in ("opened_total", "requests_total", "warm_total", "cold_total"):
            assert sum(figures[name] for figures in origins.values()) == total[name]


async def test_a_connection_that_came_to_no_request_is_counted_as_opened_alone() -> None:
    async with (
        serving(lambda: Says(b"no TLS here", first=True)) as port,
        Client(resolver=Directory()) as client,
    ):
        with pytest.raises(RequestError):
            await client.get(f"https://localhost:{port}/")
        figures = client.stats_by_origin()[f"https://localhost:{port}"]
        assert (figures["opened_total"], figures["cold_total"], figures["requests_total"]) == (1, 0, 0)
        assert client.stats()["opened_total"] == 1


async def test_another_thread_may_ask_while_requests_are_under_way_and_after_the_close() -> None:
    async with scripted(answers(OK)) as server:
        client = Client()

        def ask() -> int:
            return sum(client.stats()["requests_total"] + len(client.stats_by_origin()) for _ in range(200))

        asking = asyncio.create_task(asyncio.to_thread(ask))
        while not asking.done():
            await asyncio.gather(*(client.get(server.url, fresh=True) for _ in range(20)))
        assert asking.result() > 0
        with pytest.raises(RequestError):
            await client.get(f"http://127.0.0.1:{closed_port()}/")
        await client.aclose()
        assert await asyncio.to_thread(client.stats_by_origin) == client.stats_by_origin()
