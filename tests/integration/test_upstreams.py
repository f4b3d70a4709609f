"""The parts around the client on real connections: what a deadline leaves behind, and a service made of all of them."""

import asyncio
import re
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
import httpx
import httpx2
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI
from starlette.testclient import TestClient

from milkrun.client import (
    Client,
    Descriptors,
    Hedge,
    Limits,
    LoadShedder,
    Reason,
    SingleFlight,
    Upstream,
    budget_spent,
    fan_out,
)
from milkrun.client.asgi import SheddingMiddleware
from milkrun.client.httpx import Transport
from milkrun.client.upstreams.calls import Call
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, Script, answers, scripted
from tests.support.turns import until

__all__ = ["anyio_backend"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "upstreams.md"
PATIENT = 15.0  # seconds: nothing here takes so long


def held(release: asyncio.Event) -> Script:
    """Answers once it is released."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            await release.wait()
            await peer.say(OK)

    return script


async def test_a_deadline_leaves_no_request_behind_and_the_warm_connections_warm() -> None:
    never = asyncio.Event()
    async with scripted(answers(OK)) as quick, scripted(held(never)) as hung, Client() as client:
        await client.get(quick.url)
        came = await fan_out(
            {"quick": lambda: client.get(quick.url), "hung": lambda: client.get(hung.url, timeout=PATIENT)}, within=0.05
        )
        assert came.results["quick"].connection.reused
        assert came.missing["hung"].reason is Reason.DEADLINE
        assert await until(lambda: client.stats()["connections"] == {"open": 1, "idle": 1, "in_use": 0})
        assert client.stats()["queue"] == 0


async def test_a_callers_cancellation_ends_its_requests() -> None:
    never = asyncio.Event()
    async with scripted(held(never)) as hung, Client() as client:
        calls = {str(number): lambda: client.get(hung.url, timeout=PATIENT) for number in range(5)}
        caller = asyncio.create_task(fan_out(calls, within=PATIENT))
        assert await until(lambda: client.stats()["connections"]["in_use"] == 5)
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()
        assert await until(lambda: client.stats()["connections"]["open"] == 0)


async def test_the_clients_own_words_tell_a_time_out_from_a_failure() -> None:
    never = asyncio.Event()
    async with scripted(held(never)) as hung, scripted(answers(b"nonsense\r\n\r\n")) as broken, Client() as client:
        came = await fan_out(
            {
                "hung": lambda: client.get(hung.url, timeout=0.02),
                "broken": lambda: client.get(broken.url),
                "refused": lambda: client.get("http://127.0.0.1:1/"),
            },
            within=PATIENT,
        )
    reasons = {name: missing.reason.value for name, missing in came.missing.items()}
    assert reasons == {"hung": "timed-out", "broken": "failed", "refused": "failed"}


async def test_a_time_out_is_one_in_whatever_words_a_client_says_it() -> None:
    never = asyncio.Event()
    async with (
        scripted(held(never)) as hung,
        httpx2.AsyncClient(transport=Transport(), timeout=0.02) as newer,
        httpx.AsyncClient(transport=cast("Any", Transport()), timeout=0.02) as older,
        AsyncOpenAI(http_client=newer, base_url=hung.url, api_key="none", timeout=0.02, max_retries=0) as sdk,
    ):
        calls: dict[str, Call[Any]] = {
            "httpx2": lambda: newer.get(hung.url),
            "httpx": lambda: older.get(hung.url),
            "openai": sdk.models.list,
        }
        came = await fan_out(calls, within=PATIENT)
    assert {name: missing.reason.value for name, missing in came.missing.items()} == dict.fromkeys(calls, "timed-out")


async def test_a_request_that_got_no_place_at_the_client_was_refused_not_slow() -> None:
    never = asyncio.Event()
    async with scripted(held(never)) as hung, Client(limits=Limits(per_origin=1), http2=False) as client:
        came = await fan_out(
            {
                "first": lambda: client.get(hung.url, timeout=0.1),
                "second": lambda: client.get(hung.url, timeout=0.02),
            },
            within=PATIENT,
        )
    assert came.missing["first"].reason is Reason.TIMED_OUT
    assert came.missing["second"].reason is Reason.REFUSED


async def test_a_second_attempt_goes_over_another_connection_and_the_slow_one_is_closed() -> None:
    never = asyncio.Event()

    async def slow_at_times(peer: Peer) -> None:
        while await peer.request():
            if len(peer.heard) > 5 and peer.number == 1:
                await never.wait()
            await peer.say(OK)

    upstream = Upstream("shop", hedge=Hedge(after=5, extra=0.9))
    async with scripted(slow_at_times) as server, Client() as client:
        for _ in range(5):
            await upstream.run(lambda: client.get(server.url))
        response = await upstream.run(lambda: client.get(server.url, timeout=PATIENT))
        assert response.status == 200
        assert await until(lambda: client.stats()["connections"] == {"open": 1, "idle": 1, "in_use": 0})
        assert len(server.peers) == 2
    hedge = upstream.stats()["hedge"]
    assert hedge is not None
    assert (hedge["second_attempts_total"], hedge["second_answers_total"]) == (1, 1)


async def test_equal_questions_are_one_request() -> None:
    release = asyncio.Event()
    flights: SingleFlight[str] = SingleFlight()
    async with scripted(held(release)) as server, Client() as client:

        async def ask() -> str:
            return (await client.get(server.url)).text

        tasks = [asyncio.create_task(flights.do("price", ask)) for _ in range(5)]
        assert await until(lambda: [len(peer.heard) for peer in server.peers] == [1])
        release.set()
        assert await asyncio.gather(*tasks) == ["hi"] * 5
        assert [len(peer.heard) for peer in server.peers] == [1]


async def test_a_clients_budget_is_spent_while_its_descriptors_carry_requests_and_not_while_they_are_idle() -> None:
    release = asyncio.Event()
    async with scripted(held(release)) as server, Client(descriptors=Descriptors(1), http2=False) as client:
        spent = budget_spent(client.stats, every=0.0)
        assert not spent()
        asking = asyncio.create_task(client.get(server.url))
        assert await until(spent)
        release.set()
        await asking
        assert not spent()


def served(text: str) -> Any:
    """What the document's last snippet makes, as a module would."""
    names: dict[str, Any] = {"__name__": "prices"}
    exec(compile(text, str(DOCUMENT), "exec"), names)  # noqa: S102  # our own document
    return names["app"]


async def test_the_documents_service_answers_partially_in_time_and_from_its_cache() -> None:
    snippet = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)[-1]
    asked: list[bytes] = []

    async def airlines(peer: Peer) -> None:
        while request := await peer.request():
            asked.append(request.split()[1])
            await peer.say(OK if b"/northern/" in request else b"HTTP/1.1 nonsense\r\n\r\n")

    async with scripted(airlines) as server:
        app = served(snippet.replace("https://example.org/", server.url))

        def visit() -> list[Any]:
            with TestClient(app) as http:
                return [http.get("/prices/BER-LIS").json() for _ in range(2)]

        answers = await anyio.to_thread.run_sync(visit)
    assert answers == [{"prices": {"northern": "hi"}, "missing": {"southern": "failed"}}] * 2
    assert sorted(asked) == [b"/northern/BER-LIS", b"/southern/BER-LIS", b"/southern/BER-LIS"]


async def test_an_overloaded_application_says_503_and_still_that_it_is_well() -> None:
    app = FastAPI()
    full = True
    app.add_middleware(SheddingMiddleware, shedder=LoadShedder(limit=1, full=lambda: full), exclude=["/health"])

    @app.get("/health")
    async def health() -> str:
        return "well"

    @app.get("/price")
    async def price() -> int:
        return 1

    def visit() -> None:
        nonlocal full
        with TestClient(app) as http:
            refused = http.get("/price")
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["detail"] == "the service is overloaded: its budget is spent"
            assert http.get("/health").json() == "well"
            full = False
            assert http.get("/price").json() == 1

    await anyio.to_thread.run_sync(visit)


@pytest.mark.parametrize("within", [0.001, 0.01])
async def test_a_deadline_that_strikes_anywhere_leaves_the_client_as_it_was(within: float) -> None:
    async with scripted(answers(OK)) as server, Client(http2=False) as client:
        upstream = Upstream("shop", limit=3, queue=20, hedge=Hedge(after=1, extra=0.9))
        for _ in range(20):
            calls = {str(number): upstream.call(lambda: client.get(server.url)) for number in range(10)}
            came = await fan_out(calls, within=within)
            assert len(came.results) + len(came.missing) == 10
            assert {missing.reason for missing in came.missing.values()} <= {Reason.DEADLINE}
        assert await until(lambda: client.stats()["connections"]["in_use"] == 0)
        assert client.stats()["queue"] == 0
    limit = upstream.stats()["limit"]
    assert limit is not None
    assert (limit["inside"], limit["queued"]) == (0, 0)
