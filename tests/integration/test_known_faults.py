"""Faults that other clients have had, and this one shall not: see docs/known-faults.md, whose every row has its test.

Here are those that no test of a part of the client stands for; what a request costs is in `test_client_effort`.
"""

import asyncio
import gc
import re
import socket
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from milkrun.client import Client, Descriptors, Limits, RequestError
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.resolve.resolver import Answer, CachingResolver, Found
from tests.support.accounts import at_rest
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Heard, dial, direct
from tests.support.dns import Nameserver, Record
from tests.support.memory import resident
from tests.support.peers import HandDriven, Says, server
from tests.support.scripted import OK, Peer, Script, answers, scripted, silence
from tests.support.turns import until
from tests.support.worldclock import ShiftedClock

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = "0.0.0.0"  # noqa: S104  # each of its addresses is an origin
PATIENCE = 5  # seconds: more than anything here takes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


# The pool.


async def busy_or_not(peer: Peer) -> None:
    """Answers all but those who wait for nothing."""
    while request := await peer.request():
        if b"/wait" not in request:
            await peer.say(OK)


async def test_connections_in_use_cost_no_idle_one_its_warmth() -> None:
    async with scripted(busy_or_not, host=EVERYWHERE) as server, Client(descriptors=Descriptors(48)) as client:
        urls = [f"http://127.0.7.{number + 1}:{server.port}/" for number in range(20)]
        for url in urls:
            await client.get(url)
        busy = [asyncio.create_task(client.get(f"http://127.0.8.1:{server.port}/wait")) for _ in range(25)]
        assert await until(lambda: sum(len(peer.heard) for peer in server.peers) == 45)
        assert client.stats()["connections"] == {"open": 45, "idle": 20, "in_use": 25}
        assert all([(await client.get(url)).connection.reused for url in (*urls, *urls)])
        for request in busy:
            request.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        assert client.stats()["connections"]["idle"] == 20


async def test_a_default_client_is_still_warm_after_a_minute_at_many_origins() -> None:
    clock = ShiftedClock()
    async with scripted(answers(OK), host=EVERYWHERE) as server, Client(clock=clock) as client:
        urls = [f"http://127.0.7.{number + 1}:{server.port}/" for number in range(150)]
        for url in urls:
            await client.get(url)
        clock.advance(60)
        assert all([(await client.get(url)).connection.reused for url in urls])


async def test_a_connection_that_one_waits_for_and_another_closes_leaves_nobody_waiting() -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        while await peer.request():
            await release.wait()
            await peer.say(OK)

    limits = Limits(per_origin=1)
    async with scripted(script, host=EVERYWHERE) as server, Client(limits=limits, descriptors=Descriptors(1)) as client:
        here, there = (f"http://127.0.7.{number}:{server.port}/" for number in (1, 2))

        async def both() -> int:
            await client.get(here)
            # In this very turn the connection lies idle, for the waiter that has been told and has not run yet.
            return (await client.get(there)).status

        first = asyncio.create_task(both())
        assert await until(lambda: len(server.peers) == 1)
        waiter = asyncio.create_task(client.get(here))
        assert await until(lambda: client.stats()["queue"] == 1)
        release.set()
        assert await asyncio.wait_for(first, PATIENCE) == 200
        assert (await asyncio.wait_for(waiter, PATIENCE)).status == 200
        assert client.stats()["stale_retries_total"] == 0
        assert await until(lambda: at_rest(client, idle=1))


async def test_an_origin_that_hangs_takes_no_place_from_another_for_those_who_wait_at_it() -> None:
    limits = Limits(total=4, per_origin=2)
    async with scripted(silence) as hung, scripted(answers(OK)) as good, Client(limits=limits) as client:
        requests = [asyncio.create_task(client.get(hung.url, timeout=None)) for _ in range(20)]
        assert await until(lambda: client.stats()["queue"] == 18)
        assert (await client.get(good.url, timeout=PATIENCE)).timings.queue == 0
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)


async def hang_up(peer: Peer) -> None:
    """Close without a word."""
    await peer.request()


async def reset(peer: Peer) -> None:
    """Reset without a word."""
    await peer.request()
    peer.reset()


async def refuse_tls(peer: Peer) -> None:
    """Close in the handshake."""
    await peer.hear()


@pytest.mark.parametrize(
    ("scheme", "script", "told"),
    [
        pytest.param("http", hang_up, "wait/closed", id="closed"),
        pytest.param("http", reset, "wait/reset", id="reset"),
        pytest.param("https", refuse_tls, "tls/closed", id="tls"),
    ],
)
async def test_what_fails_on_a_new_connection_is_told_and_not_tried_again(
    scheme: str, script: Script, told: str
) -> None:
    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError, match=told) as caught:
            await client.get(f"{scheme}://127.0.0.1:{server.port}/")
        assert (len(server.peers), caught.value.stale_retry) == (1, False)
        assert client.stats()["stale_retries_total"] == 0


async def test_connections_end_in_good_order_and_not_with_a_reset() -> None:
    ends: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        ends.append(await peer.request())  # a reset would raise

    async with scripted(script) as server:
        async with Client(idle_expiry=0.02) as client:
            await client.get(server.url, fresh=True)
            await client.get(server.url, max_uses=1)
            await client.get(server.url)
            assert await asyncio.wait_for(until(lambda: at_rest(client, idle=0), count=10**7), PATIENCE)
        async with Client() as client:
            await client.get(server.url)
        assert await until(lambda: len(ends) == 4)
    assert ends == [b""] * 4


# Names.


class HalfSilent(Nameserver):
    """Leaves some names without an answer."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._silent = b"\4hung" in data
        super().datagram_received(data, addr)


async def test_names_that_hang_hold_up_no_other_name_and_no_handshake() -> None:
    transport, names = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: HalfSilent({"good.test": Record(("127.0.0.1",))}), local_addr=("127.0.0.1", 0)
    )
    limits = Limits(handshakes=8)
    with closing(transport):
        async with scripted(answers(OK)) as server, Client(nameservers=[names.address], limits=limits) as client:
            hung = [asyncio.create_task(client.get(f"http://n{number}.hung.test/")) for number in range(64)]
            assert await until(lambda: names.asked.total() == len(hung))
            for fresh in (False, True):
                response = await client.get(f"http://good.test:{server.port}/", timeout=PATIENCE, fresh=fresh)
                assert response.timings.queue == 0 < response.timings.dns
            assert names.asked["good.test"] == 2
            assert not any(request.done() for request in hung)
            for request in hung:
                request.cancel()
            await asyncio.gather(*hung, return_exceptions=True)


class Counting:
    """A Lookup that knows every name, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    async def ask(self, host: str, *, fresh: bool) -> Found:  # noqa: ARG002  # as `Lookup` has it
        self.asked[host] += 1
        return Found(addresses=((socket.AF_INET, "127.0.0.1"),), ttl=60)

    async def close(self) -> None:
        """Nothing is open."""


async def test_thousands_of_names_asked_for_in_turn_are_all_remembered() -> None:
    lookup = Counting()
    resolver = CachingResolver(lookup)
    answers: list[Answer] = [await resolver.resolve(f"n{number % 5_000}.test") for number in range(10_000)]
    assert lookup.asked.total() == 5_000
    assert [answer.cached for answer in answers] == [False] * 5_000 + [True] * 5_000


# What clients share, and leave behind.


async def test_no_cookie_comes_back() -> None:
    cookie = b"HTTP/1.1 %b\r\nSet-Cookie: session=1\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answers(cookie % b"302 Found", cookie % b"200 OK")) as server, Client() as client:
        for _ in range(2):
            response = await client.get(server.url, redirects="all")
            assert response.headers["set-cookie"] == "session=1"
        heard = [request for peer in server.peers for request in peer.heard]
        assert len(heard) == 3
        assert not any(b"cookie" in request.lower() for request in heard)


async def test_clients_share_neither_connections_nor_fields_nor_whom_they_trust(authority: Authority) -> None:
    async with (
        scripted(answers(OK)) as plain,
        server(lambda: Says(OK), context=authority.good()) as port,
        Client(user_agent="one", ca_file=authority.ca_file) as one,
        Client(user_agent="other") as other,
    ):
        assert not (await one.get(plain.url)).connection.reused
        assert not (await other.get(plain.url)).connection.reused
        assert [re.findall(rb"User-Agent: (.*)\r", peer.heard[0]) for peer in plain.peers] == [[b"one"], [b"other"]]
        assert (await one.get(f"https://localhost:{port}/")).status == 200
        with pytest.raises(RequestError, match="tls/untrusted"):
            await other.get(f"https://localhost:{port}/")


async def test_a_client_that_is_dropped_unclosed_says_so() -> None:
    async with scripted(answers(OK)) as server:
        await Client().get(server.url)
        with pytest.warns(ResourceWarning, match=r"unclosed <Client .*1 idle.*async with"):
            gc.collect()


async def test_a_client_that_was_closed_or_never_used_goes_without_a_word() -> None:
    async with scripted(answers(OK)) as server:
        async with Client() as client:
            await client.get(server.url)
        del client
        Client()
        gc.collect()


# TLS.


class Noting(asyncio.Protocol):
    """Keeps the first words of whoever connects, and hangs up."""

    def __init__(self, heard: list[bytes]) -> None:
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard.append(data)
        self._transport.close()


async def test_http_2_is_offered_first_and_the_name_along_with_it() -> None:
    hellos: list[bytes] = []
    async with server(lambda: Noting(hellos)) as port, Client() as client:
        with pytest.raises(RequestError, match="tls/closed"):
            await client.get(f"https://localhost:{port}/")
    (hello,) = hellos
    assert b"\x00\x0c\x02h2\x08http/1.1" in hello  # the list of RFC 7301 3.1, in the client's order
    assert b"\x00\x09localhost" in hello


class Losing(Heard):
    """Says when its descriptor is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": fast}) for fast in (True, False)])
async def test_a_peer_that_answers_no_goodbye_keeps_no_descriptor(authority: Authority) -> None:
    before = open_sockets()
    handshake = 2  # answers of a server's in TLS 1.3, to the greeting and to the end; then it is silent
    async with server(lambda: HandDriven(authority.good(), answers=handshake)) as port:
        tls, losing = TlsOptions(ca_file=authority.ca_file), Losing()
        dialled = await dial(direct(), f"https://localhost:{port}", tls=tls, factory=lambda: losing)
        dialled.transport.close()
        await asyncio.wait_for(losing.closed.wait(), PATIENCE)  # the loops themselves would take half a minute
    assert await settled(before)


async def test_an_idle_connection_over_tls_holds_no_quarter_of_a_megabyte(authority: Authority) -> None:
    pairs = 80
    async with (
        server(lambda: Says(OK), context=authority.good()) as port,
        Client(ca_file=authority.ca_file, limits=Limits(per_origin=pairs)) as client,
    ):
        url = f"https://localhost:{port}/"
        await client.get(url, http2=False)
        before = resident()
        await asyncio.gather(*(client.get(url, http2=False) for _ in range(pairs)))
        assert client.stats()["connections"]["idle"] == pairs
        assert (resident() - before) / pairs < 256 * 1024  # both ends together


# The document.


def documented() -> str:
    return (ROOT / "docs/known-faults.md").read_text()


def named_in(file: str) -> list[str]:
    text = (ROOT / "tests" / file).read_text()
    return re.findall(r"^ *(?:async )?def (test_\w+)\(", text, re.MULTILINE)


def test_there_is_a_test_for_every_fault_in_the_document() -> None:
    table = re.findall(r"^\|(.*)\|$", documented().partition("## Not of")[0], re.MULTILINE)
    faults = [row.split(" | ") for row in table if " fault " not in row and not row.startswith("---")]
    assert len(faults) > 50
    for fault, where, instead, tests in faults:
        assert fault.strip(), tests
        assert where.strip(), tests
        assert instead.strip(), tests
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
        assert named, tests
        assert [test for file, test in named if test not in named_in(file)] == []


@pytest.mark.parametrize("file", ["known_faults", "known_faults_in_time", "client_effort"])
def test_every_test_of_these_files_is_of_a_fault_in_the_document(file: str) -> None:
    tests = named_in(f"integration/test_{file}.py")
    assert [test for test in tests if test not in documented() and not test.endswith("_document")] == []
