"""A time limit for each part of a request's way: what it covers, what it does not, and in which phase it strikes.

Time is the loop's own, and passes by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Unpack

import pytest

from milkrun.client import Client, Event, Limits, RequestTimeoutError, StreamedResponse, Timeouts
from milkrun.client.preparing import RequestOptions
from milkrun.client.request import Http2
from tests.support import http2_origin as h2
from tests.support.accounts import at_rest
from tests.support.dialling import Directory
from tests.support.http2_origin import Http2Origin, http2_origin
from tests.support.peers import black_hole, mute
from tests.support.puppets import Puppets, puppets
from tests.support.stepping import SteppedLoop
from tests.support.turns import turns, until

NO_LIMIT = Timeouts()
LARGE = bytes(8_000_000)  # more than sockets take


class Stage:
    """A client, and an origin of each kind that does nothing of its own.

    Attributes:
        names: what the client asks for addresses.
        url: of the origin that the play is about.
    """

    def __init__(
        self, loop: SteppedLoop, client: Client, names: Directory, plain: Puppets, shared: Http2Origin, *, http2: bool
    ) -> None:
        self.loop = loop
        self.client = client
        self.names = names
        self.http2: Http2 = "prior-knowledge" if http2 else True
        self.url = shared.url if http2 else f"http://127.0.0.1:{plain.port}/"
        self._plain = plain
        self._shared = shared

    def asked(
        self, limits: Timeouts = NO_LIMIT, *, url: str | None = None, **options: Unpack[RequestOptions]
    ) -> asyncio.Task[StreamedResponse]:
        """A request on its way, with these limits."""
        options.setdefault("http2", self.http2)
        request = self.client.prepare("POST", url or self.url, **options)
        return asyncio.create_task(self.client.open(request, timeout=limits))

    def is_heard(self) -> bool:
        """Whether a request's head has arrived."""
        return bool(self._shared.streams) or any(puppet._data or puppet.path for puppet in self._plain.puppets)

    def say(self, plain: bytes, status: int, *, end: bool = False) -> None:
        """Answer: these bytes, or on a stream a head with this status."""
        if self.http2 == "prior-knowledge":
            self._shared.streams[-1].head(status, end=end)
        else:
            self._plain.puppets[-1]._say(plain)

    def stop_reading(self) -> None:
        """Take no more of what the client sends; a stream is given no more credit from the first."""
        for puppet in self._plain.puppets:
            puppet._transport.pause_reading()

    async def passes(self, seconds: float) -> None:
        """Let everything happen that is due, then time pass, then everything that is due then."""
        await turns(40)
        self.loop.moment += seconds
        await turns(40)

    async def struck(self, request: "asyncio.Task[StreamedResponse]") -> tuple[str, str, str]:
        """Where the limit has struck: layer, kind and phase. Nothing is left behind."""
        with pytest.raises(RequestTimeoutError) as caught:
            await request
        return caught.value.layer, caught.value.kind, caught.value.phase


Play = Callable[[Stage], Awaitable[None]]


def played(play: Play, *, http2: bool = False, limits: Limits | None = None, reads: bool = True) -> None:
    """Play it on a loop whose time stands still."""
    loop = SteppedLoop()
    names = Directory()

    async def scene() -> None:
        async with (
            puppets() as plain,
            http2_origin(h2.silence, credit=reads) as shared,
            Client(clock=loop.time, resolver=names, limits=limits or Limits()) as client,
        ):
            await play(Stage(loop, client, names, plain, shared, http2=http2))
            assert await until(lambda: client.stats()["connections"]["in_use"] == 0)

    loop.run_until_complete(scene())
    loop.close()


both_versions = pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])


def test_waiting_for_one_of_the_clients_own_limits_is_limited_by_pool() -> None:
    async def play(stage: Stage) -> None:
        first = stage.asked()
        assert await until(stage.is_heard)
        second = stage.asked(Timeouts(pool=2, connect=1, write=1, read=1))
        await stage.passes(1.9)
        assert not second.done()
        await stage.passes(0.2)
        assert await stage.struck(second) == ("self", "overload", "queue")
        first.cancel()

    played(play, limits=Limits(total=1))


def test_a_name_that_is_not_answered_is_limited_by_connect() -> None:
    async def play(stage: Stage) -> None:
        stage.names.open.clear()
        request = stage.asked(Timeouts(pool=1, connect=2, write=1, read=1), url="http://name.example/")
        await stage.passes(1.9)
        assert not request.done()
        await stage.passes(0.2)
        assert await stage.struck(request) == ("dns", "timeout", "dns")

    played(play)


def test_name_connection_and_handshake_have_one_limit_in_common() -> None:
    async def play(stage: Stage) -> None:
        with mute() as port:
            stage.names.open.clear()
            request = stage.asked(Timeouts(connect=3, read=1), url=f"https://localhost:{port}/")
            await stage.passes(2)
            stage.names.open.set()
            await turns(40)
            await stage.passes(0.9)
            assert not request.done()
            await stage.passes(0.2)
            assert await stage.struck(request) == ("tls", "timeout", "tls")

    played(play)


def test_a_connection_that_is_not_accepted_is_limited_by_connect() -> None:
    async def play(stage: Stage) -> None:
        with black_hole() as port:
            request = stage.asked(Timeouts(connect=2, read=1), url=f"http://127.0.0.1:{port}/")
            await turns(40)
            await stage.passes(2.1)
            assert await stage.struck(request) == ("connect", "timeout", "connect")

    played(play)


@both_versions
def test_a_head_that_does_not_come_is_limited_by_read_from_the_requests_end_on(http2: bool) -> None:
    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(pool=1, connect=1, write=1, read=5))
        assert await until(stage.is_heard)
        await stage.passes(4.9)
        assert not request.done()
        await stage.passes(0.2)
        assert await stage.struck(request) == ("wait", "timeout", "wait")

    played(play, http2=http2)


@both_versions
def test_each_sign_of_life_before_the_head_is_waited_for_anew(http2: bool) -> None:
    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(read=5))
        assert await until(stage.is_heard)
        for _ in range(4):
            await stage.passes(4)
            stage.say(b"HTTP/1.1 103 Early Hints\r\n\r\n", 103)
            await turns(40)
        assert not request.done()
        await stage.passes(5.1)
        assert await stage.struck(request) == ("wait", "timeout", "wait")

    played(play, http2=http2)


@both_versions
def test_a_server_that_takes_nothing_is_limited_by_write(http2: bool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield LARGE

    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(write=2, read=1), content=endless())
        assert await until(stage.is_heard)
        stage.stop_reading()
        await turns(200)
        await stage.passes(1.9)
        assert not request.done()
        await stage.passes(0.2)
        assert await stage.struck(request) == ("send", "timeout", "send")

    played(play, http2=http2, reads=False)


@both_versions
def test_content_that_its_source_is_slow_to_give_is_nobodys_time(http2: bool) -> None:
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        await more.wait()
        yield b"last"

    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(write=1, read=2), content=slow())
        assert await until(stage.is_heard)
        await turns(40)
        await stage.passes(1000)
        assert not request.done()
        more.set()
        await turns(40)
        await stage.passes(1.9)
        assert not request.done()
        await stage.passes(0.2)
        assert await stage.struck(request) == ("wait", "timeout", "wait")

    played(play, http2=http2)


@both_versions
def test_each_piece_of_the_body_is_limited_by_read(http2: bool) -> None:
    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(pool=1, connect=1, write=1, read=5))
        assert await until(stage.is_heard)
        stage.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200)
        response = await request
        await stage.passes(1000)  # in which nobody reads
        reading = asyncio.create_task(response.read())
        await turns(40)
        await stage.passes(4.9)
        assert not reading.done()
        await stage.passes(0.2)
        with pytest.raises(RequestTimeoutError, match="receive/timeout"):
            await reading

    played(play, http2=http2)


@both_versions
def test_a_request_within_all_its_limits_is_answered_and_observed_as_any(http2: bool) -> None:
    events: list[Event] = []

    async def play(stage: Stage) -> None:
        request = stage.asked(Timeouts(pool=1, connect=1, write=1, read=1), on_event=events.append)
        assert await until(stage.is_heard)
        stage.say(b"HTTP/1.1 204 No Content\r\n\r\n", 204, end=True)
        response = await request
        assert (response.status, await response.read()) == (204, b"")
        await response.aclose()
        assert events[-1].phase == "request"
        assert await until(lambda: at_rest(stage.client, idle=1))

    played(play, http2=http2)


def test_who_has_little_time_waits_for_anothers_handshake_for_half_of_it() -> None:
    async def play(stage: Stage) -> None:
        with mute() as port:
            url = f"https://127.0.0.1:{port}/"
            first = asyncio.create_task(stage.client.get(url, timeout=60))
            await turns(40)
            second = asyncio.create_task(stage.client.get(url, timeout=0.4))
            await turns(40)
            await stage.passes(0.19)
            assert (stage.client.stats()["queue"], stage.client.stats()["connections"]["open"]) == (1, 0)
            await stage.passes(0.02)
            assert stage.client.stats()["queue"] == 0
            await stage.passes(0.2)
            with pytest.raises(RequestTimeoutError, match="tls/timeout") as caught:
                await second
            assert caught.value.timings.queue == pytest.approx(0.21)
            assert not first.done()
            first.cancel()

    played(play)
