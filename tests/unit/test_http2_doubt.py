"""An HTTP/2 connection whose server falls silent, or announces what it may not send: it gets nothing new."""

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, PingReceived, StreamReset

from milkrun.client import RequestError, RequestTimeoutError
from milkrun.client.exchange.link import Closed
from milkrun.client.http2.pulse import QUIET
from tests.support.http2_pair import Pair, Started, of

TOO_LONG = b"\x00\x40\x01\x00\x00\x00\x00\x00\x01"  # the head of a frame of 16,385 bytes


async def fall_into_doubt(pair: Pair) -> None:
    """An exchange's deadline strikes."""
    late = pair.start(timeout=1)
    pair.now += 1
    pair.connection.strike(pair.now)
    await timed_out(late)


async def timed_out(exchange: Started) -> None:
    assert exchange.answer.done()
    with pytest.raises(RequestTimeoutError):
        await exchange.answer


async def test_after_a_deadline_nothing_new_begins_until_the_server_has_said_a_word() -> None:
    pair = Pair()
    room = pair.connection.room
    await fall_into_doubt(pair)
    heard = pair.hear()
    assert (len(of(heard, PingReceived)), len(of(heard, StreamReset))) == (1, 1)
    assert (pair.connection.room, pair.told) == (0, ["vacated"])
    pair.say()
    assert pair.connection.room == room
    next_one = pair.start()
    pair.respond(next_one.number)
    assert (await next_one.answer).status == 200


async def test_who_had_a_place_before_the_doubt_does_not_end_it() -> None:
    pair = Pair()
    reserved = pair.connection.join()
    await fall_into_doubt(pair)
    reserved.start(pair.prepare(), pair.trip())
    assert pair.connection.room == 0


async def test_several_deadlines_ask_once() -> None:
    pair = Pair()
    late = [pair.start(timeout=seconds) for seconds in (1, 1, 2)]
    for _ in range(2):
        pair.now += 1
        pair.connection.strike(pair.now)
    for each in late:
        await timed_out(each)
    assert len(of(pair.hear(), PingReceived)) == 1


async def test_in_doubt_what_is_still_under_way_waits_no_longer_than_for_the_answer_to_the_ping() -> None:
    pair = Pair()
    long = pair.start(timeout=100)
    await fall_into_doubt(pair)
    until = pair.now + QUIET
    while pair.now < until:
        pair.now = pair.connection.due
        pair.connection.strike(pair.now)
    assert pair.now == until
    await timed_out(long)
    assert pair.connection.ended is Closed.TIMEOUT


async def test_the_head_of_a_frame_that_is_too_long_ends_the_connection_before_the_frame_has_come() -> None:
    pair = Pair()
    started = pair.start()
    pair.say(TOO_LONG[:8])
    assert not started.answer.done()
    pair.say(TOO_LONG[8:])
    with pytest.raises(RequestError) as caught:
        await started.answer
    assert (caught.value.layer, caught.value.kind) == ("protocol", "bad-framing")
    (bye,) = of(pair.hear(), ConnectionTerminated)
    assert bye.error_code == ErrorCodes.FRAME_SIZE_ERROR
