"""A stream may have ended before anybody is told what came before its end: all of that arrives in one piece."""

from h2.errors import ErrorCodes
from hyperframe.frame import WindowUpdateFrame

from milkrun.client import RequestError
from milkrun.client.http2.session import STREAM_WINDOW
from tests.support.http2_pair import Pair

OK = [(b":status", b"200")]


async def test_a_body_that_arrives_with_its_end_gives_no_window_back_to_a_stream_that_is_over() -> None:
    pair = Pair()
    started = pair.start(max_body=STREAM_WINDOW)
    pair.server.send_headers(started.number, OK)
    for _ in range(20):
        pair.server.send_data(started.number, b"x" * 16_000)
    pair.server.end_stream(started.number)
    pair.say()
    assert started.answer.result().body == b"x" * 320_000
    assert pair.connection.ended is None


async def test_room_for_content_that_arrives_with_the_streams_reset_is_not_used() -> None:
    pair = Pair()
    started = pair.start("POST", content=b"x" * 100_000)  # more than the first window
    room = WindowUpdateFrame(0, window_increment=100_000).serialize()
    pair.server.reset_stream(started.number, ErrorCodes.CANCEL)
    pair.connection.data_received(room + pair.server.data_to_send())
    error = started.answer.exception()
    assert isinstance(error, RequestError)
    assert error.kind == "reset"
    assert pair.connection.ended is None
