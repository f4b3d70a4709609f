"""The event hook over real sockets: the account of a call is whole however the call goes, and is told while it goes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.client import Client, Digest, Limits, RequestError, Step, UsageError
from milkrun.client.events import Event
from tests.support.authority import Authority
from tests.support.dialling import Directory
from tests.support.digest_server import DigestServer
from tests.support.http2_origin import Served, http2_origin
from tests.support.listening import Listener
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import closed_port
from tests.support.proxies import http_proxy
from tests.support.scripted import OK, Peer, answers, once, scripted, silence
from tests.support.turns import turns, until

__all__ = ["anyio_backend"]

LONGEST = 600  # turns of the loop; a request with its dial takes some tens
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
SENT_ON = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"


async def test_a_request_is_told_from_its_name_to_its_body_and_the_next_one_finds_the_connection_warm(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority, heard = Authority(tmp_path_factory.mktemp("authority")), Listener()
    async with (
        http2_origin(lambda stream: stream.respond(200, b"hi"), context=authority.good()) as origin,
        Client(resolver=Directory(), ca_file=authority.ca_file, on_event=heard) as client,
    ):
        for _ in range(2):
            assert (await client.get(origin.url)).version == "2"
        assert heard.is_well_formed()
        assert [heard.story(0), heard.story(1)] == ["dns connect tls send wait receive", "send wait receive"]
        end = heard.end(1)
        assert end.answer is not None
        assert end.connection is not None
        assert (end.answer.status, end.answer.version, end.connection.reused) == (200, "2", True)


async def test_events_come_while_things_happen() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        told.append(heard.story())
        await peer.say(OK[:-1])
        assert await until(lambda: heard.events[-1].phase == "receive")
        told.append(heard.story())
        await peer.say(OK[-1:])

    told: list[str] = []
    heard = Listener()
    async with scripted(script) as server, Client(on_event=heard) as client:
        await client.get(server.url)
        assert told == ["dns connect send", "dns connect send wait"]
        assert heard.events[0].step is Step.STARTED


async def test_one_request_may_bring_a_hook_of_its_own() -> None:
    own, all_of_them = Listener(), Listener()
    async with scripted(answers(OK)) as server, Client(on_event=all_of_them) as client, Client() as other:
        await client.get(server.url)
        await client.get(server.url, on_event=own)
        assert own.events == all_of_them.calls[1]
        await other.get(server.url)
        await other.get(server.url, on_event=own)
        assert own.story(1) == "send wait receive"
        async with other.stream("GET", server.url, on_event=own) as response:
            assert await response.read() == b"hi"
        assert own.is_well_formed()
        assert len(own.calls) == 3


async def test_a_redirect_is_a_further_attempt_with_its_own_request() -> None:
    heard = Listener()
    async with scripted(answers(SENT_ON, OK)) as server, Client(on_event=heard) as client:
        await client.get(server.url, redirects="all")
        assert heard.is_well_formed()
        assert heard.story() == "dns connect send wait receive | send wait receive"
        statuses = [event.answer.status for event in heard.events if event.phase == "receive" and event.answer]
        assert statuses == [302, 200]
        assert heard.end().request.url.text == server.url + "there"


async def test_a_retry_of_a_stale_connection_is_a_further_attempt() -> None:
    heard = Listener()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        if peer.number == 1:
            await peer.request()
            peer.reset()
        else:
            await silence(peer)

    async with scripted(script) as server, Client(on_event=heard) as client:
        await client.get(server.url)
        assert (await client.get(server.url)).stale_retry
        assert heard.is_well_formed()
        assert heard.story(1) == "send wait! | dns connect send wait receive"


async def test_the_second_exchange_of_digest_is_a_further_attempt() -> None:
    heard, vault = Listener(), DigestServer("user", "password")
    async with scripted(vault.script) as server, Client(on_event=heard) as client:
        assert (await client.get(server.url, auth=Digest(user="user", password="password"))).status == 200
        assert heard.is_well_formed()
        assert heard.story() == "queue dns connect send wait receive | send wait receive"


async def test_the_way_to_a_proxy_is_a_phase_of_its_own() -> None:
    heard = Listener()
    async with scripted(answers(OK)) as server, http_proxy() as proxy, Client(on_event=heard) as client:
        await client.get(server.url, proxy=f"http://127.0.0.1:{proxy.port}")
    assert heard.is_well_formed()
    assert heard.story() == "proxy connect send wait receive"


async def test_who_waits_for_a_limit_is_told_so() -> None:
    heard = Listener()
    async with scripted(answers(OK)) as server, Client(on_event=heard, limits=Limits(total=1)) as client:
        await asyncio.gather(client.get(server.url), client.get(server.url))
        assert heard.is_well_formed()
        assert heard.story(1) == "queue send wait receive"


async def test_a_refused_connection_is_told_with_its_error() -> None:
    heard = Listener()
    async with Client(on_event=heard) as client:
        with pytest.raises(RequestError) as caught:
            await client.get(f"http://127.0.0.1:{closed_port()}/")
        assert heard.is_well_formed()
        assert heard.story() == "dns connect!"
        assert heard.end().error is caught.value


@pytest.mark.parametrize(
    ("say", "story"),
    [
        (b"", "dns connect send wait!"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi", "dns connect send wait receive!"),
    ],
)
@pytest.mark.parametrize("way", ["send", "stream"])
async def test_the_phase_in_which_an_exchange_fails_is_told_with_its_error(say: bytes, story: str, way: str) -> None:
    async def call() -> None:
        if way == "send":
            await client.get(server.url)
        else:
            async with client.stream("GET", server.url) as response:
                await response.read()

    heard = Listener()
    async with scripted(once(say)) as server, Client(on_event=heard) as client:
        with pytest.raises(RequestError) as caught:
            await call()
        assert heard.is_well_formed()
        assert heard.story() == story
        assert heard.end().error is caught.value


async def test_a_deadline_ends_the_phase_that_it_strikes_in() -> None:
    heard = Listener()
    async with scripted(silence) as server, Client(on_event=heard) as client:
        with pytest.raises(RequestError):
            await client.get(server.url, timeout=0.02)
        assert heard.is_well_formed()
        assert heard.story() == "dns connect send wait!"


async def test_a_body_read_in_pieces_ends_the_request_when_it_ends() -> None:
    more, heard = asyncio.Event(), Listener()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK[:-1])
        await more.wait()
        await peer.say(OK[-1:])
        await silence(peer)

    async with scripted(script) as server, Client(on_event=heard) as client:
        async with client.stream("GET", server.url) as response:
            assert heard.is_well_formed(unfinished=1)
            more.set()
            assert await response.read() == b"hi"
            assert heard.is_well_formed()
        assert heard.end().answer is not None


async def test_a_body_that_was_there_with_its_head_ends_the_request_at_once() -> None:
    heard = Listener()
    async with scripted(answers(OK)) as server, Client(on_event=heard) as client:
        response = await client.open(client.prepare("GET", server.url))
        assert heard.is_well_formed()
        await response.aclose()
        assert heard.is_well_formed()


@pytest.mark.parametrize("end", ["close", "error", "client"])
async def test_a_body_that_is_given_up_ends_the_request(end: str) -> None:
    heard = Listener()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        await resetting.wait()
        peer.reset()

    resetting = asyncio.Event()
    async with scripted(script) as server:
        client = Client(on_event=heard)
        response = await client.open(client.prepare("GET", server.url))
        if end == "close":
            response.cut()
        elif end == "client":
            await client.aclose()
        else:
            resetting.set()
            assert await until(lambda: heard.events[-1].step is Step.FINISHED)
        assert heard.is_well_formed()
        assert (heard.end().error is None) == (end == "close")
        response.cut()
        await client.aclose()


async def test_a_connection_that_is_handed_over_ends_the_request() -> None:
    heard = Listener()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(UPGRADED)
        await silence(peer)

    async with scripted(script) as server, Client(on_event=heard) as client:
        async with client.stream("GET", server.url, headers={"Upgrade": "x"}) as response:
            assert heard.is_well_formed(unfinished=1)
            assert response.tunnel is response.tunnel
            assert heard.is_well_formed()
            took = response.timings.total
        assert heard.story() == "dns connect send wait receive"
        assert response.timings.total == took


async def test_an_early_response_ends_the_sending() -> None:
    heard = Listener()

    async def content() -> AsyncIterator[bytes]:
        yield b"x"
        assert await until(lambda: heard.events[-1].phase == "receive")
        yield b"y"

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(OK)
        await silence(peer)

    async with scripted(script) as server, Client(on_event=heard) as client:
        assert (await client.post(server.url, content=content())).status == 200
        assert heard.is_well_formed()
        assert heard.story() == "dns connect send receive"


async def test_waiting_for_the_servers_word_is_part_of_the_sending() -> None:
    heard = Listener()

    async def script(peer: Peer) -> None:
        await peer.request()
        assert heard.events[-1].phase == "send"
        await peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.hear()
        await peer.say(OK)

    async with scripted(script) as server, Client(on_event=heard) as client:
        await client.put(server.url, content=b"hello", headers={"Expect": "100-continue"})
        assert heard.is_well_formed()
        assert heard.story() == "dns connect send wait receive"


async def test_a_redirect_on_the_way_to_a_streamed_response_is_told_too() -> None:
    heard = Listener()
    async with scripted(answers(SENT_ON, OK)) as server, Client(on_event=heard) as client:
        async with client.stream("GET", server.url, redirects="all") as response:
            assert response.status == 200
        assert heard.is_well_formed()
        assert heard.story() == "dns connect send wait receive | send wait receive"


async def pieces(peer: Peer) -> None:
    while await peer.message():
        await peer.say(OK[:-1])
        await turns(3)
        await peer.say(OK[-1:])


@pytest.mark.parametrize("way", ["send", "stream", "upload", "digest", "redirect"])
async def test_a_call_cancelled_after_any_number_of_turns_is_told_to_its_end(way: str) -> None:
    heard, vault = Listener(), DigestServer("user", "password")
    script = {"digest": vault.script, "redirect": answers(SENT_ON, OK)}.get(way, pieces)

    async def content() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x"
            await asyncio.sleep(0)

    async def call(client: Client, url: str) -> None:
        if way == "stream":
            async with client.stream("GET", url) as response:
                await response.read()
        elif way == "upload":
            await client.put(url, content=content(), headers={"Content-Length": "3"})
        elif way == "digest":
            await client.get(url, auth=Digest(user="user", password="password"))
        else:
            await client.get(url, redirects="all")

    async with scripted(script) as server:
        for count in range(LONGEST):
            async with Client(on_event=heard) as client:
                task = asyncio.create_task(call(client, server.url))
                await turns(count)
                task.cancel()
                (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert heard.is_well_formed(), f"after {count} turns"
            heard.events.clear()
            if not isinstance(outcome, asyncio.CancelledError):
                break
        assert 0 < count < LONGEST - 1
        assert outcome is None


async def test_a_call_over_tls_and_http2_cancelled_after_any_number_of_turns_is_told_to_its_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority, heard = Authority(tmp_path_factory.mktemp("authority")), Listener()

    async def script(stream: Served) -> None:
        stream.head(200)
        await turns(3)
        await stream.say(b"hi", end=True)

    async with http2_origin(script, context=authority.good()) as origin:
        for count in range(LONGEST):
            async with Client(resolver=Directory(), ca_file=authority.ca_file, on_event=heard) as client:
                tasks = [asyncio.create_task(client.get(origin.url)) for _ in range(2)]
                await turns(count)
                tasks[0].cancel()
                outcome, other = await asyncio.gather(*tasks, return_exceptions=True)
            assert not isinstance(other, BaseException)
            assert heard.is_well_formed(), f"after {count} turns"
            heard.events.clear()
            if not isinstance(outcome, asyncio.CancelledError):
                break
        assert 0 < count < LONGEST - 1


async def test_streams_of_one_connection_are_told_apart() -> None:
    heard = Listener()
    release = asyncio.Event()

    async def script(stream: Served) -> None:
        stream.head(200)
        await release.wait()
        if stream.path == b"/reset":
            stream.reset()
        else:
            await stream.say(b"hi", end=True)

    async with http2_origin(script) as origin, Client(on_event=heard, http2="prior-knowledge") as client:
        tasks = [asyncio.create_task(client.get(origin.url + path)) for path in ("", "reset", "cancelled")]
        assert await until(lambda: len(origin.streams) == 3)
        tasks[2].cancel()
        release.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome).__name__ for outcome in outcomes] == ["Response", "RequestError", "CancelledError"]
        assert heard.is_well_formed()
        assert heard.story(1).endswith("receive!")


async def test_a_streamed_body_over_http2_ends_the_request_when_it_ends() -> None:
    heard = Listener()

    async def script(stream: Served) -> None:
        stream.head(200)
        await stream.say(b"hi", end=True)

    async with http2_origin(script) as origin, Client(on_event=heard, http2="prior-knowledge") as client:
        async with client.stream("GET", origin.url) as response:
            assert await response.read() == b"hi"
        assert heard.is_well_formed()


async def erratic(peer: Peer) -> None:
    """Does what the path says."""
    while request := await peer.message():
        does = request.split()[1].strip(b"/")
        if does == b"reset":
            return peer.reset()
        if does == b"silence":
            return await silence(peer)
        await peer.say(SAYS[does.decode()])
        if does in (b"close", b"hang-up"):
            return None
    return None


SAYS = {
    "ok": OK,
    "close": CLOSE,
    "hang-up": OK,
    "on": SENT_ON,
    "there": OK,
    "rubbish": b"rubbish\r\n\r\n",
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi",
    "coded": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
    "early": b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
}
STEPS = st.tuples(
    st.sampled_from([*SAYS, "reset", "silence"]),
    st.sampled_from(["send", "stream", "glance", "upload"]),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 40)),
)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEPS, max_size=15), total=st.integers(1, 4))
def test_every_account_is_well_formed_whatever_happens(
    steps: list[tuple[str, str, bool, int | None]], total: int
) -> None:
    asyncio.run(play(steps, total))


async def play(steps: list[tuple[str, str, bool, int | None]], total: int) -> None:
    heard = Listener()
    async with scripted(erratic) as server, Client(on_event=heard, limits=Limits(total=total, per_origin=2)) as client:

        async def call(path: str, way: str, fresh: bool) -> None:
            if way == "send":
                await client.get(server.url + path, fresh=fresh, redirects="all")
            elif way == "upload":
                content = (bytes([letter]) for letter in b"abc")
                await client.put(server.url + path, fresh=fresh, content=content, headers={"Content-Length": "3"})
            else:
                async with client.stream("GET", server.url + path, fresh=fresh, redirects="all") as response:
                    if way == "stream":
                        await response.read()

        async def step(path: str, way: str, fresh: bool, patience: int | None) -> None:
            task = asyncio.create_task(call(path, way, fresh))
            if patience is not None or path in ("silence", "short"):
                await turns(patience or 60)
                task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert outcome is None or isinstance(outcome, RequestError | UsageError | asyncio.CancelledError)

        await asyncio.gather(*(step(*each) for each in steps))
        assert heard.is_well_formed()
        assert len(heard.calls) <= len(steps)


async def test_a_hook_that_raises_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def clumsy(event: Event) -> None:
        raise LookupError(event.phase)

    async with scripted(answers(SENT_ON, OK)) as server, Client(on_event=clumsy) as client:
        assert (await client.get(server.url, redirects="all")).status == 200
        async with client.stream("GET", server.url) as response:
            assert await response.read() == b"hi"
        assert client.stats()["connections"] == {"open": 1, "idle": 1, "in_use": 0}
    assert "an event hook failed at connect started" in caplog.messages
