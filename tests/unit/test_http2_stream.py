"""One exchange on a stream: whole and in pieces, and each way it ends."""

import asyncio

import pytest
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame, WindowUpdateFrame

from milkrun.client import RequestError, UsageError
from milkrun.client.exchange.link import Closed
from milkrun.client.http1.wire import Received
from milkrun.client.http2.session import STREAM_WINDOW
from tests.support.http2_pair import Pair, of
from tests.support.turns import turns

OK = [(b":status", b"200")]


def failure(answer: asyncio.Future[Received]) -> RequestError:
    assert answer.done()
    error = answer.exception()
    assert isinstance(error, RequestError)
    return error


def outcome(answer: asyncio.Future[Received]) -> tuple[str, str]:
    return failure(answer).layer, failure(answer).kind


def resets(pair: Pair) -> list[tuple[int, int]]:
    return [(event.stream_id, event.error_code) for event in of(pair.hear(), StreamReset)]


async def test_a_request_is_a_head_that_ends_its_stream() -> None:
    pair = Pair()
    started = pair.start()
    (request,) = of(started.heard, RequestReceived)
    assert request.headers[:4] == [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", b"a.test"),
        (b":path", b"/x?y"),
    ]
    assert len(of(started.heard, StreamEnded)) == 1
    pair.respond(started.number, 404, b"gone", (b"x", b"y"))
    received = started.answer.result()
    assert (received.status, received.body, received.size, received.keep) == (404, b"gone", 4, True)
    assert received.head == b"HTTP/2 404 \r\nx: y\r\n\r\n"
    assert started.stream.ended is None


async def test_the_times_of_an_exchange_are_those_of_its_frames() -> None:
    pair = Pair()
    started = pair.start()
    begun = pair.now
    assert started.trip.sent == begun
    pair.now += 1
    pair.server.send_headers(started.number, [(b":status", b"103")])
    pair.say()
    pair.now += 1
    pair.server.send_headers(started.number, OK)
    pair.say()
    pair.now += 1
    pair.server.send_data(started.number, b"x", end_stream=True)
    pair.say()
    assert (started.trip.heard, started.trip.further) == (begun + 2, begun + 3)


async def test_content_goes_with_its_length() -> None:
    pair = Pair()
    started = pair.start("POST", content=b"hello")
    (request,) = of(started.heard, RequestReceived)
    assert (b"content-length", b"5") in request.headers
    assert [event.data for event in of(started.heard, DataReceived)] == [b"hello"]
    assert len(of(started.heard, StreamEnded)) == 1
    assert started.trip.sent == pair.now


async def test_a_patience_told_to_a_stream_is_the_connections() -> None:
    pair = Pair()
    stream = pair.connection.join()
    stream.patience = 3
    assert (pair.connection.patience, stream.patience, stream.shared) == (3, 3, True)


async def test_interim_responses_are_not_the_answer() -> None:
    pair = Pair()
    started = pair.start()
    for status in (b"100", b"103"):
        pair.server.send_headers(started.number, [(b":status", status)])
    pair.respond(started.number, 200)
    assert started.answer.result().status == 200


async def test_trailers_of_a_whole_response_are_read_over() -> None:
    pair = Pair()
    started = pair.start()
    pair.server.send_headers(started.number, OK)
    pair.server.send_data(started.number, b"x")
    pair.server.send_headers(started.number, [(b"x-sum", b"1")], end_stream=True)
    pair.say()
    assert started.answer.result().body == b"x"


async def test_padding_is_no_body_and_is_given_back() -> None:
    pair = Pair()
    started = pair.start()
    pair.server.send_headers(started.number, OK)
    pair.server.send_data(started.number, b"x", end_stream=True, pad_length=200)
    pair.say()
    assert (started.answer.result().body, started.answer.result().size) == (b"x", 1)


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.NO_ERROR, 0xFFFF])
async def test_a_reset_before_the_response_is_wait_and_one_in_the_body_receive(code: int) -> None:
    pair = Pair()
    waiting, receiving = pair.start(), pair.start()
    pair.server.send_headers(receiving.number, OK)
    frames = [RstStreamFrame(each.number, error_code=code) for each in (waiting, receiving)]
    pair.say(*frames)
    assert outcome(waiting.answer) == ("wait", "reset")
    assert outcome(receiving.answer) == ("receive", "reset")
    assert (waiting.stream.unheeded, receiving.stream.unheeded) == (False, False)
    assert (pair.connection.ended, pair.told) == (None, ["vacated"])


async def test_a_window_beyond_all_limits_ends_its_stream_and_no_other() -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    pair.say(WindowUpdateFrame(started.number, window_increment=2**31 - 1))
    assert outcome(started.answer) == ("protocol", "bad-framing")
    assert resets(pair) == [(started.number, ErrorCodes.FLOW_CONTROL_ERROR)]
    pair.respond(other.number)
    assert other.answer.result().status == 200


async def test_a_refused_stream_was_not_heeded() -> None:
    pair = Pair()
    started, late = pair.start(), pair.start()
    pair.server.send_headers(late.number, OK)
    pair.say(*[RstStreamFrame(each.number, error_code=ErrorCodes.REFUSED_STREAM) for each in (started, late)])
    assert outcome(started.answer) == ("wait", "reset")
    assert started.stream.unheeded
    assert not late.stream.unheeded  # whatever it says: it has begun to answer
    assert outcome(late.answer) == ("receive", "reset")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ([(b":status", b"20")], "bad-status-line"),
        ([(b":status", b"200"), (b"Upper", b"x")], "bad-header"),
        ([(b":status", b"200"), (b"x", b"a\r\nb: c")], "bad-header"),
        ([(b":status", b"200"), (b"transfer-encoding", b"chunked")], "bad-header"),
        ([(b":status", b"200"), (b"content-length", b"5")], "bad-framing"),
        ([(b":status", b"200"), (b"content-length", b"x")], "bad-framing"),
        ([(b":status", b"200"), (b"content-length", b"0"), (b"content-length", b"1")], "bad-framing"),
        ([(b":status", b"103")], "bad-framing"),  # and yet the end of the stream
    ],
)
async def test_a_malformed_response_ends_its_stream_and_no_other(fields: list[tuple[bytes, bytes]], kind: str) -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    block = pair.server.encoder.encode(fields)
    frame = HeadersFrame(started.number, flags=["END_HEADERS", "END_STREAM"])
    frame.data = block
    pair.say(frame)
    assert outcome(started.answer) == ("protocol", kind)
    pair.respond(other.number)
    assert other.answer.result().status == 200
    assert pair.connection.ended is None


async def test_a_malformed_response_that_goes_on_is_reset_and_its_rest_passed_over() -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    pair.server.send_headers(started.number, [*OK, (b"Upper", b"x")])
    pair.say()
    assert outcome(started.answer) == ("protocol", "bad-header")
    data = DataFrame(started.number)
    data.data = b"x" * 1000
    pair.say(*[data] * 5)
    assert (started.number, ErrorCodes.CANCEL) in resets(pair)
    pair.respond(other.number)
    assert other.answer.result().status == 200


@pytest.mark.parametrize("first", ["data", "trailers", "a second head"])
async def test_frames_out_of_order_end_their_stream_and_no_other(first: str) -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    data = DataFrame(started.number)
    data.data = b"too early"
    if first == "data":
        pair.say(data)
    else:
        pair.server.send_headers(started.number, OK)
        pair.say()
        frame = HeadersFrame(started.number, flags=["END_HEADERS"])
        frame.data = b"\x88" if first == "a second head" else pair.server.encoder.encode([(b"x", b"y")])
        pair.say(frame)
    assert outcome(started.answer) == ("protocol", "bad-framing")
    assert failure(started.answer).phase == ("wait" if first == "data" else "receive")
    assert pair.transport.written == RstStreamFrame(started.number, error_code=ErrorCodes.PROTOCOL_ERROR).serialize()
    pair.say(data, RstStreamFrame(started.number))
    pair.respond(other.number)
    assert other.answer.result().status == 200


@pytest.mark.parametrize("body", [b"hell", b"hello!"])
async def test_a_body_of_another_length_than_said_ends_its_stream_and_no_other(body: bytes) -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    pair.respond(started.number, 200, body, (b"content-length", b"5"))
    assert outcome(started.answer) == ("protocol", "bad-framing")
    answer = failure(started.answer).answer
    assert answer is not None
    assert answer.status == 200
    pair.respond(other.number)
    assert other.answer.result().status == 200


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_what_has_no_body_may_end_with_an_empty_frame(method: str) -> None:
    pair = Pair()
    started = pair.start(method)
    status = b"200" if method == "HEAD" else b"304"
    pair.server.send_headers(started.number, [(b":status", status), (b"content-length", b"5")])
    pair.server.send_data(started.number, b"", end_stream=True)
    pair.say()
    assert started.answer.result().body == b""


async def test_a_body_that_is_too_large_resets_its_stream() -> None:
    pair = Pair()
    started = pair.start()
    pair.server.send_headers(started.number, OK)
    pair.server.send_data(started.number, b"x" * 5001)
    pair.say()
    assert outcome(started.answer) == ("body", "too-large")
    assert resets(pair) == [(started.number, ErrorCodes.CANCEL)]


async def test_a_drained_body_over_its_bound_is_given_up_and_the_answer_is_good() -> None:
    pair = Pair()
    started = pair.start(body="drain")
    pair.server.send_headers(started.number, OK)
    pair.server.send_data(started.number, b"x" * 51)
    pair.say()
    received = started.answer.result()
    assert (received.body, received.size, received.keep) == (b"", 51, True)
    assert resets(pair) == [(started.number, ErrorCodes.CANCEL)]


async def test_who_goes_away_resets_the_stream_and_leaves_the_connection() -> None:
    pair = Pair()
    started = pair.start()
    started.answer.cancel()
    started.stream.abandon(Closed.CANCELLED)
    started.stream.abandon(Closed.CANCELLED)
    assert resets(pair) == [(started.number, ErrorCodes.CANCEL)]
    assert (started.stream.ended, pair.connection.ended, pair.told) == (Closed.CANCELLED, None, ["vacated"])


@pytest.mark.parametrize("status", [b"200", b"20"])
async def test_an_answer_for_somebody_who_has_gone_is_nobodys(status: bytes) -> None:
    pair = Pair()
    started = pair.start()
    started.answer.cancel()
    pair.server.send_headers(started.number, [(b":status", status)], end_stream=True)
    pair.say()
    assert pair.told == ["vacated"]


async def test_an_early_answer_is_good_and_ends_the_sending() -> None:
    pair = Pair()
    started = pair.start("POST", content=b"x" * 70_000)
    pair.server.send_headers(started.number, [(b":status", b"413")], end_stream=True)
    pair.server.reset_stream(started.number, ErrorCodes.NO_ERROR)
    pair.say()
    assert started.answer.result().status == 413
    pair.server.increment_flow_control_window(100_000)
    pair.say()
    assert of(pair.hear(), DataReceived) == []


async def test_a_body_in_pieces_opens_with_its_head() -> None:
    pair = Pair()
    opened = pair.open()
    pair.server.send_headers(opened.number, [(b":status", b"103"), (b"link", b"</a>")])
    pair.server.send_headers(opened.number, [*OK, (b"x", b"y")])
    pair.say()
    opening = opened.answer.result()
    assert (opening.status, opening.head, opening.body) == (200, b"HTTP/2 200 \r\nx: y\r\n\r\n", b"")
    assert opened.interim == [b"HTTP/2 103 \r\nlink: </a>\r\n\r\n"]
    for piece in (b"one", b"two"):
        pair.server.send_data(opened.number, piece)
        pair.say()
    assert (await opened.inflow.read(1), await opened.inflow.read(1)) == (b"one", b"two")
    pair.server.send_headers(opened.number, [(b"x-sum", b"2")], end_stream=True)
    pair.say()
    assert await opened.inflow.read(1) == b""
    assert (opened.ends, opened.inflow.trailers) == ([True], ((b"x-sum", b"2"),))
    assert pair.told == ["vacated"]


async def test_a_body_in_pieces_may_be_none() -> None:
    pair = Pair()
    opened = pair.open()
    pair.respond(opened.number, 204)
    assert opened.answer.result().status == 204
    assert await opened.inflow.read(1) == b""


async def test_a_slow_reader_holds_the_server_back_and_a_reading_one_lets_it_go_on() -> None:
    pair = Pair()
    opened, other = pair.open(max_body=10 * STREAM_WINDOW), pair.start()
    pair.server.send_headers(opened.number, OK)
    while (room := pair.server.local_flow_control_window(opened.number)) > 0:
        pair.server.send_data(opened.number, b"x" * min(room, 16_384))
        pair.say()
    assert of(pair.hear(), WindowUpdated) == []
    assert opened.inflow.waiting == STREAM_WINDOW
    pair.respond(other.number, 200, b"not held up")
    assert other.answer.result().body == b"not held up"
    while opened.inflow.waiting > STREAM_WINDOW // 2:
        await opened.inflow.read(1)
    updates = of(pair.hear(), WindowUpdated)
    assert len(updates) == 2  # not one for each piece
    assert sum(update.delta for update in updates) == STREAM_WINDOW // 2


async def test_a_large_body_gives_back_both_windows_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milkrun.client.http2.connection._CREDIT", 300_000)
    pair = Pair()
    started = pair.start(max_body=10 * STREAM_WINDOW)
    pair.server.send_headers(started.number, OK)
    heard = []
    for _ in range(40):
        pair.server.send_data(started.number, b"x" * 16_384)
        pair.say()
        heard += of(pair.hear(), WindowUpdated)
    assert {event.stream_id for event in heard} == {0, started.number}
    pair.server.end_stream(started.number)
    pair.say()
    assert started.answer.result().size == 40 * 16_384


async def test_a_body_whose_last_piece_is_due_to_be_given_back_ends_well() -> None:
    pair = Pair()
    started = pair.start(max_body=STREAM_WINDOW)
    pair.server.send_headers(started.number, OK)
    for index in range(16):
        pair.server.send_data(started.number, b"x" * 16_384, end_stream=index == 15)
    pair.say()
    assert started.answer.result().size == STREAM_WINDOW // 4


async def test_what_is_read_after_the_end_gives_nothing_back() -> None:
    pair = Pair()
    opened = pair.open(max_body=STREAM_WINDOW)
    pair.server.send_headers(opened.number, OK)
    for _ in range(17):
        pair.server.send_data(opened.number, b"x" * 16_384)
    pair.server.end_stream(opened.number)
    pair.say()
    while await opened.inflow.read(1):
        pass
    assert pair.hear() == []


async def test_a_reader_waits_as_long_as_it_has_patience() -> None:
    pair = Pair()
    opened = pair.open()
    pair.server.send_headers(opened.number, OK)
    pair.say()
    pair.now += 100
    reading = asyncio.ensure_future(opened.inflow.read(3))
    await turns()
    assert opened.stream.due == pair.now + 3
    pair.now += 3
    pair.connection.strike(pair.now)
    with pytest.raises(RequestError) as caught:
        await reading
    assert (caught.value.layer, caught.value.kind) == ("receive", "timeout")
    assert opened.ends == [False]
    assert (opened.number, ErrorCodes.CANCEL) in resets(pair)
    opened.stream.await_more(5)
    assert opened.stream.due == float("inf")


async def test_a_body_in_pieces_that_breaks_off_tells_its_reader() -> None:
    pair = Pair()
    opened = pair.open()
    pair.server.send_headers(opened.number, OK)
    pair.server.send_data(opened.number, b"some")
    pair.server.reset_stream(opened.number, ErrorCodes.INTERNAL_ERROR)
    pair.say()
    assert await opened.inflow.read(1) == b"some"
    with pytest.raises(RequestError) as caught:
        await opened.inflow.read(1)
    assert (caught.value.layer, caught.value.kind) == ("receive", "reset")


async def test_an_opening_for_somebody_who_has_gone_is_nobodys() -> None:
    pair = Pair()
    opened = pair.open()
    opened.answer.cancel()
    pair.respond(opened.number, 200, b"x")
    assert opened.inflow.complete


async def test_a_stream_among_others_is_nothing_to_hand_over() -> None:
    with pytest.raises(UsageError, match="http2=False"):
        Pair().connection.join().hand_over()
