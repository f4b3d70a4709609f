"""One contestant's round against the comparison's own server: each opens what its way of use makes it open."""

import asyncio
import ssl
from functools import partial
from pathlib import Path

import msgspec
import pytest

from milkrun.client.compare.certificate import write_certificate
from milkrun.client.compare.counting import CountingLoop, Counts, counted_tls
from milkrun.client.compare.figures import Round
from milkrun.client.compare.measured import session_of
from milkrun.client.compare.origin import context_from, listening
from milkrun.client.compare.plan import Contestant, Plan
from milkrun.client.compare.turn import run
from tests.support.peers import closed_port

PLAN = Plan(contestant=Contestant.MILKRUN_SHARED, url="", requests=6, concurrency=2, allow=("127.0.0.0/8", "::1"))
PER_REQUEST, SHARED, ON_MILKRUN = (
    Contestant.HTTPX2_PER_REQUEST,
    Contestant.HTTPX2_SHARED,
    Contestant.HTTPX2_ON_MILKRUN,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the server's certificate is, trusted by every client that is made meanwhile."""
    write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    return tmp_path


def turn(plan: Plan, folder: Path | None) -> Round:
    """Run the round, with the server on the same loop if there is a folder for it."""
    counts = Counts()
    context = None if folder is None else context_from(folder)

    async def work() -> Round:
        if context is None:
            return await run(plan, counts, session_of(plan)(plan, counts))
        async with listening(context) as port:
            own = msgspec.structs.replace(plan, url=f"https://localhost:{port}/")
            return await run(own, counts, session_of(own)(own, counts))

    with counted_tls(counts), asyncio.Runner(loop_factory=partial(CountingLoop, counts)) as runner:
        return runner.run(work())


@pytest.mark.parametrize(
    ("contestant", "connections", "lookups", "contexts"),
    [
        (PER_REQUEST, 6, 6, 6),
        (SHARED, 2, 2, 1),
        (ON_MILKRUN, 2, 1, 1),
        (Contestant.MILKRUN_PER_REQUEST, 6, 6, 1),  # by design it builds one for a process
        (Contestant.MILKRUN_SHARED, 2, 1, 1),
    ],
)
def test_what_each_contestant_opens(
    contestant: Contestant, connections: int, lookups: int, contexts: int, folder: Path
) -> None:
    made = turn(msgspec.structs.replace(PLAN, contestant=contestant), folder)
    whole = made.whole
    assert (made.statuses, made.errors, whole.requests, whole.answered) == ({"200": 6}, {}, 6, 6)
    assert (whole.connections, whole.handshakes) == (connections, connections)
    assert (whole.lookups, whole.contexts) == (lookups, contexts)
    assert made.burst.connections == 2
    assert made.steady is not None
    assert made.steady.connections == connections - 2
    assert whole.wall >= made.burst.wall + made.steady.wall
    assert whole.p50 is not None
    assert whole.cpu > 0


def test_over_http2_a_shared_client_needs_one_connection_for_a_burst(folder: Path) -> None:
    shared, each_own = (
        turn(msgspec.structs.replace(PLAN, contestant=contestant, http2=True), folder)
        for contestant in (SHARED, PER_REQUEST)
    )
    assert (shared.burst.connections, each_own.burst.connections) == (1, 2)


def test_any_certificate_will_do_where_that_was_asked_for(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    for contestant in Contestant:
        plan = msgspec.structs.replace(PLAN, contestant=contestant, requests=2)
        assert turn(plan, tmp_path).errors
        assert turn(msgspec.structs.replace(plan, insecure=True), tmp_path).statuses == {"200": 2}


def test_a_client_per_request_leaves_its_sockets_in_time_wait(folder: Path) -> None:
    assert turn(msgspec.structs.replace(PLAN, contestant=PER_REQUEST), folder).time_wait == 6


def test_a_round_that_is_all_burst_has_nothing_steady(folder: Path) -> None:
    made = turn(msgspec.structs.replace(PLAN, requests=2), folder)
    assert (made.steady, made.whole.requests) == (None, 2)


@pytest.mark.parametrize(
    ("contestant", "kind"),
    [
        (PER_REQUEST, "ConnectError: ECONNREFUSED"),
        (SHARED, "ConnectError: ECONNREFUSED"),
        (ON_MILKRUN, "ConnectError: connect/refused"),
        (Contestant.MILKRUN_SHARED, "connect/refused"),
    ],
)
def test_what_fails_is_counted_by_kind(contestant: Contestant, kind: str) -> None:
    made = turn(msgspec.structs.replace(PLAN, contestant=contestant, url=f"http://127.0.0.1:{closed_port()}/"), None)
    assert made.errors == {kind: 6}
    assert (made.whole.connections, made.failed_connections) == (0, 6)
    assert (made.whole.answered, made.whole.p50, made.statuses) == (0, None, {})


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_the_server_hangs_up_on_what_it_cannot_read(alpn: str, folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "roots.pem"))
    context.set_alpn_protocols([alpn])

    async def work() -> bytes:
        # The other address is not this machine's, so it goes without.
        async with listening(context_from(folder), others=["192.0.2.1"]) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"\0" * 64)
            try:
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    assert b"200 OK" not in asyncio.run(work())


def test_the_server_closes_where_the_client_asks_for_it(folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "roots.pem"))

    async def work() -> bytes:
        async with listening(context_from(folder)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(work()).startswith(b"HTTP/1.1 200 OK\r\n")
