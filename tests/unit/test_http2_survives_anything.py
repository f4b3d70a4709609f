"""Whatever a server sends, however it is cut: an answer or an error for each, and never another exception."""

import asyncio
from collections.abc import Callable

from h2.errors import ErrorCodes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milkrun.client import RequestError
from tests.support.http2_pair import Pair

_TYPES = st.integers(0, 12)
_STREAMS = st.sampled_from([0, 1, 2, 3, 5, 7, 2**31 - 1])


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame that is well formed on the outside."""
    payload = draw(st.binary(max_size=60))
    head = len(payload).to_bytes(3, "big") + bytes([draw(_TYPES), draw(st.integers(0, 255))])
    return head + draw(_STREAMS).to_bytes(4, "big") + payload


def good() -> bytes:
    """What a good server says to three requests."""

    async def say() -> bytes:
        pair = Pair()
        for body in (b"one", b"", b"three"):
            pair.start()
            number = pair.connection._session.highest_outbound_stream_id
            pair.server.send_headers(number, [(b":status", b"200"), (b"x-same", b"value")], end_stream=not body)
            if body:
                pair.server.send_data(number, body, end_stream=True, pad_length=3)
        pair.server.ping(b"12345678")
        return pair.server.data_to_send()

    return asyncio.run(say())


GOOD = good()


def survive(words: bytes, cut: Callable[[int], int]) -> None:
    async def run() -> None:
        pair = Pair()
        started = [pair.start(), pair.start(), pair.start("POST", content=b"x" * 70_000)]
        for each in started:
            each.answer.add_done_callback(asyncio.Future.exception)  # seen, also when hypothesis gives an example up
        while words_left := words[sum(taken) :]:
            taken.append(cut(len(words_left)))
            pair.connection.data_received(words_left[: taken[-1]])
        pair.connection.eof_received()
        pair.connection.connection_lost(None)
        for each in started:
            assert each.answer.done()
            error = each.answer.exception()
            assert error is None or isinstance(error, RequestError)
        assert not pair.connection._carried
        assert pair.connection.ended is not None
        assert pair.told[-1] == "lost"

    taken: list[int] = []
    asyncio.run(run())


@given(st.lists(frames(), max_size=6))
@example([b"\x00\x00\x04\x07" + bytes(9)])
@example([b"\x00\x00\x08\x07" + bytes(5) + b"\x00\x00\x00\x01" + bytes(4)])
@settings(deadline=None, max_examples=150)
def test_frames_of_any_kind_in_any_order(several: list[bytes]) -> None:
    survive(b"".join(several), lambda left: left)


@given(st.binary(max_size=100))
@settings(deadline=None, max_examples=50)
def test_bytes_that_are_no_frames(words: bytes) -> None:
    survive(words, lambda left: left)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_good_words_with_a_few_bytes_changed_and_cut_anywhere(data: st.DataObject) -> None:
    words = bytearray(GOOD)
    for _ in range(data.draw(st.integers(0, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.integers(0, 255))
    survive(bytes(words), lambda left: data.draw(st.integers(1, left)))


async def test_good_words_a_byte_at_a_time_are_the_same_answers() -> None:
    pair = Pair()
    started = [pair.start() for _ in range(3)]
    for index in range(len(GOOD)):
        pair.connection.data_received(GOOD[index : index + 1])
    assert [each.answer.result().body for each in started] == [b"one", b"", b"three"]
    assert pair.connection.ended is None


async def test_goodbye_may_come_with_any_code() -> None:
    for code in (0, int(ErrorCodes.HTTP_1_1_REQUIRED), 2**32 - 1):
        pair = Pair()
        started = pair.start()
        pair.say(b"\x00\x00\x08\x07" + bytes(5) + started.number.to_bytes(4, "big") + code.to_bytes(4, "big"))
        pair.respond(started.number)
        assert started.answer.result().status == 200
