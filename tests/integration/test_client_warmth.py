"""How connections are kept warm, and why they end, on both event loops."""

import asyncio
from collections import Counter

import pytest

from milkrun.client import Client, Descriptors, Limits, RequestError
from milkrun.client.resolve.resolver import Answer
from tests.support.accounts import at_rest, balanced
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.dialling import Directory
from tests.support.loops import both_loops as anyio_backend
from tests.support.scripted import OK, Peer, answers, hangs_up_once, scripted, silence
from tests.support.turns import until
from tests.support.worldclock import ShiftedClock

__all__ = ["anyio_backend"]

EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def reasons(client: Client) -> dict[str, int]:
    return client.stats()["closed_total"]


async def test_the_second_request_is_warm_and_says_so() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        prepared = client.prepare("GET", server.url)
        cold, warm = await client.send(prepared), await client.send(prepared)
        assert (cold.connection.reused, cold.connection.uses) == (False, 0)
        assert (warm.connection.reused, warm.connection.uses) == (True, 1)
        assert warm.connection.age > cold.connection.age >= 0
        assert cold.timings.connect > 0 == warm.timings.connect
        assert warm.timings.total == pytest.approx(
            warm.timings.send + warm.timings.wait + warm.timings.receive, abs=0.01
        )
        assert at_rest(client, idle=1)
    assert reasons(client) == {"client": 1}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OK, id="length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", id="chunked"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", id="HTTP/1.0"),
        pytest.param(EMPTY, id="204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", id="304"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, id="100"),
    ],
)
async def test_a_response_that_says_where_it_ends_keeps_its_connection(text: bytes) -> None:
    async with scripted(answers(text)) as server, Client() as client:
        for uses in range(3):
            response = await client.get(server.url)
            assert response.connection.uses == uses
            assert response.body in (b"hi", b"")


async def test_a_response_to_head_ends_with_its_head_whatever_its_fields_say() -> None:
    texts = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 100\n\n",
    ]
    async with scripted(answers(*texts)) as server, Client() as client:
        for uses, status in enumerate((200, 404, 200, 200)):
            response = await client.head(server.url)
            assert (response.status, response.body, response.connection.uses) == (status, b"", uses)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="HTTP/1.0"),
        pytest.param(OK + b"HTTP/1.1 200 OK\r\n", id="more than was asked for"),
        pytest.param(OK + b"rubbish", id="rubbish after the end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhirubbish", id="both"),
    ],
)
async def test_a_response_that_ends_its_connection_is_read_and_the_next_is_cold(text: bytes) -> None:
    async with scripted(answers(text)) as server, Client() as client:
        for _ in range(2):
            response = await client.get(server.url)
            assert (response.body, response.connection.reused) == (b"hi", False)
        assert await until(lambda: at_rest(client, idle=0))
    assert reasons(client) == {"not-kept": 2}


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await peer.say(b"lo")

    async with scripted(script) as server, Client() as client:
        assert (await client.get(server.url)).body == b"hello"
    assert reasons(client) == {"not-kept": 1}


async def test_a_half_closed_response_without_a_length_is_whole() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nhello")
        peer.half_close()
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        assert (await client.get(server.url)).body == b"hello"


@pytest.mark.parametrize("end", [Peer.close, Peer.reset, Peer.half_close])
async def test_a_connection_closed_by_the_server_leaves_the_pool_at_once(end: object) -> None:
    hang_up = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await hang_up.wait()
        assert callable(end)
        end(peer)
        if end is Peer.half_close:
            await silence(peer)

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        hang_up.set()
        assert await until(lambda: at_rest(client, idle=0))
    assert reasons(client) == {"server": 1}


async def test_bytes_on_an_idle_connection_spoil_it() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await spoken.wait()
        await peer.say(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await silence(peer)

    spoken = asyncio.Event()
    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        spoken.set()
        assert await until(lambda: at_rest(client, idle=0))
    assert reasons(client) == {"unasked": 1}


async def stale_once(peer: Peer) -> None:
    """The first connection takes its second request and closes; later ones answer."""
    count = 0
    while await peer.request():
        count += 1
        if peer.number == 1 and count == 2:
            peer.reset()
            return
        await peer.say(OK)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_stale_connection_is_replaced_once_and_the_response_says_so(method: str) -> None:
    text = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with scripted(hangs_up_once(text)) as server, Client() as client:
        await client.request(method, server.url)
        response = await client.request(method, server.url)
        assert (response.status, response.stale_retry, response.connection.reused) == (204, True, False)
        assert client.stats()["stale_retries_total"] == 1
        assert client.stats()["warm_total"] == 1
        assert balanced(client)
    assert reasons(client)["failed"] == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_must_not_be_sent_twice_is_not(method: str) -> None:
    async with scripted(stale_once) as server, Client() as client:
        await client.request(method, server.url)
        with pytest.raises(RequestError) as caught:
            await client.request(method, server.url)
        assert (caught.value.layer, caught.value.stale_retry) == ("wait", False)
        assert caught.value.kind in ("closed", "reset")
        assert caught.value.connection is not None
        assert caught.value.connection.reused
        assert len(server.peers) == 1
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_second_failure_on_the_fresh_connection_is_the_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.say(OK)
            await peer.request()

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        with pytest.raises(RequestError) as caught:
            await client.get(server.url)
        assert (caught.value.layer, caught.value.kind, caught.value.stale_retry) == ("wait", "closed", True)
        assert len(server.peers) == 2
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_stale_connection_that_cannot_be_replaced_holds_no_place() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()

    directory = Directory()
    async with scripted(script) as server, Client(resolver=directory) as client:
        await client.get(server.url)
        directory.open.clear()
        with pytest.raises(RequestError) as caught:
            await client.get(server.url, timeout=0.05)
        assert (caught.value.layer, caught.value.kind, caught.value.stale_retry) == ("dns", "timeout", True)
        assert at_rest(client, idle=0)


async def test_a_timeout_on_a_reused_connection_is_not_retried() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        with pytest.raises(RequestError) as caught:
            await client.get(server.url, timeout=0.05)
        assert (caught.value.kind, len(server.peers)) == ("timeout", 1)


async def test_a_failure_after_the_first_byte_is_not_retried() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")

    async with scripted(script) as server, Client() as client:
        await client.get(server.url)
        with pytest.raises(RequestError) as caught:
            await client.get(server.url)
        assert (caught.value.layer, caught.value.kind, len(server.peers)) == ("wait", "closed", 1)


async def test_a_connection_past_its_maximum_age_is_not_used_again() -> None:
    clock = ShiftedClock()
    async with scripted(answers(OK)) as server, Client(max_age=300, idle_expiry=1e6, clock=clock) as client:
        await client.get(server.url)
        clock.advance(269)
        assert (await client.get(server.url)).connection.reused
        clock.advance(32)
        assert not (await client.get(server.url)).connection.reused
        assert reasons(client) == {"max-age": 1}


async def test_a_request_may_bring_its_own_maximum_age() -> None:
    clock = ShiftedClock()
    async with scripted(answers(OK)) as server, Client(max_age=300, idle_expiry=1e6, clock=clock) as client:
        await client.get(server.url, max_age=10_000)
        clock.advance(400)
        assert (await client.get(server.url, max_age=10_000)).connection.reused
        assert not (await client.get(server.url, max_age=100)).connection.reused
        assert not (await client.get(server.url, max_age=0)).connection.reused
        assert not (await client.get(server.url)).connection.reused
        assert reasons(client) == {"max-age": 3}


async def test_an_idle_connection_expires_without_a_request() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.gone()
        gone.set()

    async with scripted(script) as server, Client(idle_expiry=0.02) as client:
        await client.get(server.url)
        await asyncio.wait_for(gone.wait(), 5)
        assert at_rest(client, idle=0)
    assert reasons(client) == {"idle": 1}


async def test_an_expired_connection_whose_timer_is_late_is_not_used() -> None:
    clock = ShiftedClock()
    async with scripted(answers(OK)) as server, Client(idle_expiry=120, clock=clock) as client:
        await client.get(server.url)
        clock.advance(121)
        assert not (await client.get(server.url)).connection.reused
    assert reasons(client)["idle"] == 1


@pytest.mark.parametrize(("hint", "seconds"), [("timeout=5, max=100", 4), ("max=3, timeout=1", 0.5)])
async def test_the_servers_own_keep_alive_time_is_honoured(hint: str, seconds: float) -> None:
    clock = ShiftedClock()
    text = f"HTTP/1.1 200 OK\r\nKeep-Alive: {hint}\r\nContent-Length: 2\r\n\r\nhi".encode()
    async with scripted(answers(text)) as server, Client(clock=clock) as client:
        await client.get(server.url)
        clock.advance(seconds * 0.5)
        assert (await client.get(server.url)).connection.reused
        clock.advance(seconds * 1.1)
        assert not (await client.get(server.url)).connection.reused


async def test_a_keep_alive_field_without_a_time_changes_nothing() -> None:
    text = b"HTTP/1.1 200 OK\r\nKeep-Alive: max=5\r\nContent-Length: 2\r\n\r\nhi"
    async with scripted(answers(text)) as server, Client() as client:
        await client.get(server.url)
        assert (await client.get(server.url)).connection.reused


async def test_a_fresh_request_has_a_connection_of_its_own_and_asks_for_the_name_anew() -> None:
    asked: list[bool] = []

    class Noting(Directory):
        async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
            asked.append(fresh)
            return await super().resolve(host, fresh=fresh)

    async with scripted(answers(OK)) as server, Client(resolver=Noting()) as client:
        await client.get(server.url)
        assert not (await client.get(server.url, fresh=True)).connection.reused
        assert (await client.get(server.url)).connection.uses == 1
        assert asked == [False, True]
        assert b"Connection: close" in server.peers[1].heard[0]
    assert reasons(client) == {"client": 1, "fresh": 1}


async def test_a_response_before_the_end_of_the_request_is_read_and_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await silence(peer)

    async with scripted(script) as server, Client() as client:
        for _ in range(2):
            response = await client.post(server.url, content=b"x" * 20_000_000)
            assert (response.status, response.connection.reused) == (413, False)
        assert balanced(client)
    assert reasons(client) == {"not-kept": 2}


async def test_a_large_request_ends_its_phase_when_all_of_it_is_sent() -> None:
    async with scripted(answers(OK)) as server, Client() as client:
        for reused in (False, True):
            response = await client.post(server.url, content=b"x" * 2_000_000 + b"\r\n\r\n")
            assert response.timings.send > 0
            assert response.connection.reused is reused


async def test_a_request_that_the_server_does_not_take_in_times_out_in_send() -> None:
    async def script(peer: Peer) -> None:  # noqa: ARG001  # it reads nothing
        await asyncio.Event().wait()

    async with scripted(script) as server, Client() as client:
        with pytest.raises(RequestError) as caught:
            await client.put(server.url, content=b"x" * 20_000_000, timeout=0.1)
        assert (caught.value.layer, caught.value.kind) == ("send", "timeout")
        assert caught.value.timings.send > 0 == caught.value.timings.wait


async def test_connections_over_tls_are_warm_too_and_close_with_their_client(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    before = open_sockets()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0, ssl=authority.good())
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with Client(ca_file=authority.ca_file) as client:
            for uses in range(3):
                response = await client.get(url)
                assert response.connection.uses == uses
                assert response.connection.tls is not None
                assert response.connection.tls.certificate is not None
            insecure = await client.get(url, insecure=True)
            assert not insecure.connection.reused  # what was not verified is not shared with what must be
            assert client.stats()["origins"] == 2
    assert await settled(before)


class TestBudget:
    """A budget smaller than the number of origins keeps a stable subset warm."""

    async def test_the_hit_ratio_of_cyclic_visits_is_that_of_the_budget(self) -> None:
        budget, origins, rounds = 20, 50, 4
        async with scripted(answers(OK), host="0.0.0.0") as server:  # noqa: S104  # many loopback addresses, one server
            descriptors = Descriptors(budget)
            async with Client(descriptors=descriptors) as client:
                urls = [f"http://127.0.1.{number}:{server.port}/" for number in range(1, origins + 1)]
                for _ in range(rounds):
                    for url in urls:
                        assert (await client.get(url)).status == 200
                        assert descriptors.used <= budget
                        assert balanced(client)
                warm = client.stats()["warm_total"]
        assert warm / ((rounds - 1) * origins) >= 0.9 * budget / origins
        assert descriptors.used == 0

    async def test_newcomers_beyond_the_reserve_make_the_last_used_give_way(self) -> None:
        async with (
            scripted(answers(OK), host="0.0.0.0") as server,  # noqa: S104  # as above
            Client(descriptors=Descriptors(2)) as client,
        ):
            for number in (1, 2, 3):
                await client.get(f"http://127.0.1.{number}:{server.port}/")
            assert (await client.get(f"http://127.0.1.1:{server.port}/")).connection.reused
            assert not (await client.get(f"http://127.0.1.2:{server.port}/")).connection.reused
            assert balanced(client)

    async def test_an_overdue_connection_makes_way_for_a_newcomer(self) -> None:
        clock = ShiftedClock()
        async with (
            scripted(answers(OK), host="0.0.0.0") as server,  # noqa: S104  # as above
            Client(descriptors=Descriptors(16), clock=clock) as client,
        ):
            urls = [f"http://127.0.1.{number}:{server.port}/" for number in range(1, 18)]
            for url in urls[:15]:
                await client.get(url)
            assert not (await client.get(urls[15])).connection.reused
            assert not (await client.get(urls[15])).connection.reused
            clock.advance(100)
            for url in urls[1:15]:
                assert (await client.get(url)).connection.reused
            await client.get(urls[15])
            assert (await client.get(urls[15])).connection.reused
            assert not (await client.get(urls[0])).connection.reused

    async def test_a_budget_used_up_by_others_is_our_own_failure(self) -> None:
        descriptors = Descriptors(1)
        async with scripted(answers(OK)) as server, Client(descriptors=descriptors) as client:
            assert descriptors.acquire()
            with pytest.raises(RequestError) as caught:
                await client.get(server.url)
            assert (caught.value.layer, caught.value.kind) == ("self", "descriptors")
            descriptors.release()
            assert (await client.get(server.url)).status == 200

    async def test_a_connection_whose_descriptor_is_waited_for_does_not_stay_warm(self) -> None:
        async with (
            scripted(answers(OK)) as one,
            scripted(answers(OK)) as other,
            Client(descriptors=Descriptors(1)) as client,
        ):
            responses = await asyncio.gather(client.get(one.url, timeout=5), client.get(other.url, timeout=5))
            assert [response.status for response in responses] == [200] * 2
            assert reasons(client)["budget"] >= 1

    async def test_requests_wait_for_a_descriptor_in_turn(self) -> None:
        async with scripted(answers(OK)) as server, Client(descriptors=Descriptors(1)) as client:
            responses = await asyncio.gather(*(client.get(server.url, fresh=True) for _ in range(5)))
            assert [response.status for response in responses] == [200] * 5
            assert max(response.timings.queue for response in responses) > 0
            assert await until(lambda: at_rest(client, idle=0))


async def test_limits_hold_and_waiting_is_queue_time() -> None:
    at_once: Counter[str] = Counter()

    async def script(peer: Peer) -> None:
        while await peer.request():
            at_once["now"] += 1
            at_once["most"] = max(at_once["most"], at_once["now"])
            await until(lambda: at_once["now"] == 2, count=50)
            at_once["now"] -= 1
            await peer.say(OK)

    async with scripted(script) as server, Client(limits=Limits(per_origin=2)) as client:
        responses = await asyncio.gather(*(client.get(server.url) for _ in range(10)))
        assert at_once["most"] == 2 == len(server.peers)
        assert sum(response.timings.queue > 0 for response in responses) == 8
        assert at_rest(client, idle=2)


async def test_a_deadline_that_strikes_in_the_queue_is_our_own_overload() -> None:
    async with scripted(silence) as server, Client(limits=Limits(total=1)) as client:
        first = asyncio.create_task(client.get(server.url))
        assert await until(lambda: len(server.peers) == 1)
        with pytest.raises(RequestError) as caught:
            await client.get(f"http://127.0.0.2:{server.port}/", timeout=0.02)
        assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("self", "overload", "queue")
        assert caught.value.timings.queue > 0
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await until(lambda: at_rest(client, idle=0))


async def test_a_limit_on_handshakes_lets_dials_happen_one_after_the_other() -> None:
    async with scripted(answers(OK)) as server, Client(limits=Limits(handshakes=1)) as client:
        responses = await asyncio.gather(*(client.get(server.url) for _ in range(5)))
        assert sum(response.timings.queue > 0 for response in responses) == 4
        assert balanced(client)
