"""Contents on their way out: within the windows, a frame of each in turn, and no faster than the socket takes them."""

import asyncio

import pytest
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, StreamEnded, StreamReset
from h2.settings import SettingCodes

from milkrun.client.exchange.link import Closed
from tests.support.http2_pair import Opened, Pair, of
from tests.support.turns import turns

WINDOW = SettingCodes.INITIAL_WINDOW_SIZE


def sizes(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.stream_id, len(event.data)) for event in of(events, DataReceived)]


def total(events: list[Event]) -> int:
    return sum(size for _, size in sizes(events))


def upload(pair: Pair, **options: object) -> Opened:
    async def content() -> object:
        yield b"is written by the test"

    return pair.open("POST", content=content(), **options)


async def test_content_stops_at_the_streams_window_and_goes_on_with_it() -> None:
    pair = Pair({WINDOW: 10})
    started = pair.start("POST", content=b"x" * 25)
    assert total(started.heard) == 10
    assert (started.trip.sent, started.stream.layer) == (0.0, "send")
    pair.now += 1
    for room, more in ((0, 0), (10, 10), (100, 5)):
        if room:
            pair.server.increment_flow_control_window(room, started.number)
        pair.say()
        heard = pair.hear()
        assert total(heard) == more
    assert len(of(heard, StreamEnded)) == 1
    assert started.trip.sent == pair.now


async def test_content_stops_at_the_connections_window() -> None:
    pair = Pair({WINDOW: 10**6})
    started = pair.start("POST", content=b"x" * 100_000)
    assert total(started.heard) == 65_535
    pair.server.increment_flow_control_window(50_000)
    pair.say()
    assert total(pair.hear()) == 100_000 - 65_535


async def test_frames_are_no_longer_than_the_server_allows() -> None:
    pair = Pair()
    started = pair.start("POST", content=b"x" * 40_000)
    assert [size for _, size in sizes(started.heard)] == [16_384, 16_384, 7232]


async def test_contents_share_a_connection_frame_by_frame() -> None:
    pair = Pair({WINDOW: 10**6})
    hog = pair.start("POST", content=b"x" * 200_000)
    meek = pair.start("POST", content=b"y" * 50_000)
    pair.server.increment_flow_control_window(100_000)
    pair.say()
    order = [number for number, _ in sizes(pair.hear())]
    assert order[:6] == [hog.number, meek.number] * 3


async def test_a_window_that_shrinks_below_nothing_is_waited_out() -> None:
    pair = Pair({WINDOW: 30})
    started = pair.start("POST", content=b"x" * 50)
    assert total(started.heard) == 30
    pair.server.update_settings({WINDOW: 10})
    pair.say()
    assert pair.connection._session.local_flow_control_window(started.number) == -20
    pair.server.increment_flow_control_window(20, started.number)
    pair.say()
    assert total(pair.hear()) == 0
    pair.server.update_settings({WINDOW: 40})
    pair.say()
    assert total(pair.hear()) == 20
    pair.respond(started.number)
    assert started.answer.done()


async def test_no_more_is_sent_while_the_socket_is_full() -> None:
    pair = Pair()
    pair.connection.pause_writing()
    started = pair.start("POST", content=b"x" * 20_000)
    assert total(started.heard) == 0
    plain = pair.start()
    assert (started.stream.layer, plain.stream.layer) == ("send", "send")
    pair.now += 2
    pair.connection.resume_writing()
    assert total(pair.hear()) == 20_000
    assert started.trip.sent == plain.trip.sent == pair.now


async def test_the_last_frame_into_a_full_socket_is_sent_when_that_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    write = pair.transport.write

    def fills_up(data: bytes) -> None:
        write(data)
        if len(data) > 1000:
            pair.connection.pause_writing()

    monkeypatch.setattr(pair.transport, "write", fills_up)
    started = pair.start("POST", content=b"x" * 2000)
    assert len(of(started.heard, StreamEnded)) == 1
    assert started.trip.sent == 0.0
    pair.now += 1
    pair.connection.resume_writing()
    assert started.trip.sent == pair.now


async def test_an_exchange_that_ended_while_the_socket_was_full_is_not_marked_later() -> None:
    pair = Pair()
    pair.connection.pause_writing()
    started = pair.start()
    started.stream.abandon(Closed.CANCELLED)
    pair.connection.resume_writing()
    assert started.trip.sent == 0.0


async def test_a_stream_that_is_over_sends_nothing_more() -> None:
    pair = Pair({WINDOW: 10})
    started = pair.start("POST", content=b"x" * 50)
    started.stream.abandon(Closed.CANCELLED)
    assert [event.error_code for event in of(pair.hear(), StreamReset)] == [ErrorCodes.CANCEL]
    pair.server.increment_flow_control_window(100)
    pair.say()
    assert total(pair.hear()) == 0


async def test_content_written_in_pieces_waits_for_each() -> None:
    pair = Pair({WINDOW: 10})
    opened = upload(pair)
    assert await opened.stream.write(b"12345")
    assert await opened.stream.write(b"")
    writing = asyncio.ensure_future(opened.stream.write(b"67890 and more"))
    await turns()
    assert not writing.done()
    assert total(pair.hear()) == 10
    pair.server.increment_flow_control_window(100, opened.number)
    pair.say()
    assert await writing
    opened.stream.end_content()
    heard = pair.hear()
    assert (total(heard), len(of(heard, StreamEnded))) == (9, 1)
    assert opened.trip.sent == pair.now
    opened.stream.end_content()
    assert not await opened.stream.write(b"after the end")
    assert pair.hear() == []
    pair.respond(opened.number)
    assert opened.answer.done()


async def test_a_stream_ends_even_where_the_window_is_used_up() -> None:
    pair = Pair({WINDOW: 5})
    opened = upload(pair)
    await opened.stream.write(b"12345")
    opened.stream.end_content()
    assert len(of(pair.hear(), StreamEnded)) == 1


@pytest.mark.parametrize("end", ["reset", "answer", "lost"])
async def test_who_writes_to_a_stream_that_ends_is_let_go(end: str) -> None:
    pair = Pair({WINDOW: 10})
    opened = upload(pair)
    writing = asyncio.ensure_future(opened.stream.write(b"x" * 50))
    await turns()
    pair.hear()
    if end == "reset":
        pair.server.reset_stream(opened.number, ErrorCodes.INTERNAL_ERROR)
        pair.say()
    elif end == "answer":
        pair.respond(opened.number, 413)
    else:
        pair.connection.connection_lost(None)
    assert not await writing
    opened.stream.end_content()
    assert opened.answer.done()
    if end != "answer":
        assert opened.answer.exception() is not None


async def test_an_upload_that_cannot_begin_writes_nothing() -> None:
    pair = Pair()
    stream = pair.connection.join()
    pair.connection.connection_lost(None)
    opened = Opened(stream, pair.trip())

    async def content() -> object:
        yield b"x"

    stream.open(pair.prepare("POST", content=content()), opened.trip, opened.inflow, opened.interim.append)
    assert not await stream.write(b"x")
    assert stream.unheeded
    assert opened.answer.exception() is not None
