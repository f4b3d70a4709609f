"""One HTTP/2 connection and its owner: room, beginning, end, and what server and time do to it."""

import asyncio
import ssl
from collections.abc import Callable

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, PingReceived, RemoteSettingsChanged, RequestReceived, StreamReset
from h2.settings import SettingCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from milkrun.client import RequestError, RequestTimeoutError, UsageError
from milkrun.client.exchange.link import Closed
from milkrun.client.http1.wire import Received
from milkrun.client.http2.connection import MOST_STREAMS
from milkrun.client.http2.pulse import QUIET
from milkrun.client.http2.session import Session
from tests.support.http2_pair import MAX_HEAD, Pair, goaway, of
from tests.support.turns import turns

MAX = SettingCodes.MAX_CONCURRENT_STREAMS


async def failure(answer: asyncio.Future[Received]) -> tuple[str, str]:
    assert answer.done()
    with pytest.raises(RequestError) as caught:
        await answer
    return caught.value.layer, caught.value.kind


async def test_the_preface_forbids_pushes_bounds_heads_and_opens_wide_windows() -> None:
    pair = Pair(greet=False)
    (told,) = of(pair.hear(), RemoteSettingsChanged)
    settings = {code: change.new_value for code, change in told.changed_settings.items()}
    assert settings[SettingCodes.ENABLE_PUSH] == 0
    assert settings[SettingCodes.MAX_HEADER_LIST_SIZE] == MAX_HEAD
    assert settings[SettingCodes.INITIAL_WINDOW_SIZE] >= 1024 * 1024
    assert pair.server.outbound_flow_control_window > 16 * 1024 * 1024


async def test_there_is_room_for_one_until_the_server_has_said_for_how_many() -> None:
    pair = Pair({MAX: 3}, greet=False)
    connection = pair.connection
    assert (connection.room, connection.is_settled) == (1, False)
    connection.join()
    assert connection.room == 0
    pair.say()
    assert (connection.room, connection.is_settled) == (2, True)
    assert pair.told == ["settled"]


async def test_without_a_limit_of_the_servers_there_is_one_of_ours() -> None:
    assert Pair().connection.room == MOST_STREAMS


async def test_a_limit_lowered_midway_holds_for_what_comes_next() -> None:
    pair = Pair({MAX: 3})
    started = pair.start(), pair.start()
    pair.server.update_settings({MAX: 1})
    pair.say()
    assert pair.connection.room == 0
    for each in started:
        pair.respond(each.number)
        await each.answer
    assert pair.connection.room == 1
    assert pair.told == ["vacated"]


async def test_who_took_a_place_that_the_server_has_taken_back_may_ask_elsewhere() -> None:
    pair = Pair({MAX: 2})
    first, second = pair.connection.join(), pair.connection.join()
    answer = first.start(pair.prepare(), pair.trip())
    pair.hear()
    pair.server.update_settings({MAX: 1})
    pair.say()
    late = second.start(pair.prepare("POST", content=b"x"), pair.trip())
    assert await failure(late) == ("wait", "closed")
    assert second.unheeded
    pair.respond(first.number)
    assert (await answer).status == 200


async def test_what_starts_in_one_turn_of_the_loop_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    written: list[bytes] = []
    monkeypatch.setattr(pair.transport, "write", written.append)
    for _ in range(5):
        pair.connection.join().start(pair.prepare(), pair.trip())
    assert len(written) == 1  # the first does not wait for the others
    await turns()
    assert len(written) == 2
    assert len(of(pair.server.receive_data(b"".join(written)), RequestReceived)) == 5


async def test_the_last_of_several_exchanges_vacates_the_connection() -> None:
    pair = Pair()
    first, second = pair.start(), pair.start()
    pair.respond(first.number)
    assert pair.told == []
    pair.respond(second.number)
    assert pair.told == ["vacated"]
    await asyncio.gather(first.answer, second.answer)


async def test_an_exchange_may_be_over_before_anybody_owns_the_connection() -> None:
    pair = Pair(owned=False)
    started = pair.start()
    pair.respond(started.number)
    assert (await started.answer).status == 200
    assert pair.connection.room == MOST_STREAMS


async def test_a_place_given_up_before_it_was_used_vacates_the_connection() -> None:
    pair = Pair()
    stream = pair.connection.join()
    stream.abandon(Closed.CANCELLED)
    assert pair.told == ["vacated"]
    assert pair.hear() == []


async def test_an_idle_connection_expires_and_a_busy_one_does_not() -> None:
    pair = Pair()
    pair.connection.rest(pair.now, None)
    assert pair.connection.due == pair.now + 60
    pair.connection.join()
    assert pair.connection.due > pair.now + 60
    idle = Pair()
    idle.connection.strike(idle.now)
    assert idle.told == ["expired"]


async def test_uses_and_the_gap_before_them_are_counted_over_all_streams() -> None:
    pair = Pair()
    first = pair.start()
    assert pair.connection.gap == float("inf")
    pair.respond(first.number)
    pair.connection.rest(pair.now, None)
    pair.now += 7
    second, third = pair.start(), pair.start()
    assert (first.stream.uses, second.stream.uses, third.stream.uses, pair.connection.uses) == (1, 2, 3, 3)
    assert pair.connection.gap == second.stream.gap == 7
    assert second.stream.survived == float("inf")
    facts = second.stream.facts(pair.now)
    assert (facts.reused, facts.uses, facts.age) == (True, 1, 7.0)
    assert third.stream.facts(pair.now).uses == 2


async def test_closing_says_goodbye_and_waits_for_the_last_exchange() -> None:
    pair = Pair()
    started, reserved = pair.start(), pair.connection.join()
    pair.connection.close(Closed.MAX_AGE)
    pair.connection.close(Closed.CLIENT)
    assert pair.connection.room == 0
    late = reserved.start(pair.prepare(), pair.trip())
    pair.hear()
    pair.respond(started.number)
    assert pair.told == []
    pair.respond(reserved.number)
    assert (await late).status == 200
    assert len(of(pair.hear(), ConnectionTerminated)) == 1
    assert (pair.transport.ended, pair.connection.ended) == ("closed", Closed.MAX_AGE)
    assert pair.told == ["ending"]


async def test_an_idle_connection_closes_at_once() -> None:
    pair = Pair()
    pair.connection.close(Closed.IDLE)
    assert len(of(pair.hear(), ConnectionTerminated)) == 1
    assert pair.transport.ended == "closed"
    pair.connection.connection_lost(None)
    assert pair.told == ["ending", "lost"]
    assert pair.connection.ended is Closed.IDLE


async def test_goodbye_to_an_idle_connection_ends_it() -> None:
    pair = Pair()
    pair.say(goaway(0))
    assert pair.told == [Closed.NOT_KEPT, "ending"]
    assert pair.transport.ended == "closed"


async def test_goodbye_before_anybody_owned_the_connection_ends_it_too() -> None:
    pair = Pair(owned=False)
    pair.say(goaway(0))
    assert pair.connection.ended is Closed.NOT_KEPT
    pair.connection.connection_lost(None)


async def test_after_goodbye_the_accepted_run_on_and_the_others_may_be_sent_elsewhere() -> None:
    pair = Pair()
    accepted, ignored, reserved = pair.start(), pair.start(), pair.connection.join()
    pair.say(goaway(accepted.number))
    assert pair.told == [Closed.NOT_KEPT]
    assert await failure(ignored.answer) == ("wait", "closed")
    assert ignored.stream.unheeded
    assert await failure(reserved.start(pair.prepare(), pair.trip())) == ("wait", "closed")
    assert reserved.unheeded
    pair.server.send_headers(accepted.number, [(b":status", b"200")])
    pair.say()
    pair.server.send_data(accepted.number, b"on and on", end_stream=True)
    pair.say(goaway(accepted.number))
    assert (await accepted.answer).body == b"on and on"
    assert not accepted.stream.unheeded
    assert pair.transport.ended == "closed"


async def test_goodbye_in_two_steps_first_names_no_stream() -> None:
    pair = Pair()
    started = pair.start()
    pair.say(goaway(2**31 - 1))
    assert pair.connection.room == 0
    assert not started.answer.done()
    pair.say(goaway(0))
    assert await failure(started.answer) == ("wait", "closed")


async def test_goodbye_and_the_rest_of_the_answer_may_come_in_one_piece() -> None:
    pair = Pair()
    started = pair.start()
    pair.server.send_headers(started.number, [(b":status", b"200")], end_stream=True)
    answer = pair.server.data_to_send()
    pair.say(goaway(started.number).serialize() + answer)
    assert (await started.answer).status == 200


async def test_when_stream_numbers_run_out_the_connection_takes_nothing_new() -> None:
    pair = Pair()
    pair.connection._session.highest_outbound_stream_id = 2**31 - 1 - 2 * MOST_STREAMS - 4
    first = pair.start()
    assert pair.connection.room > 0
    last = pair.start()
    assert (pair.connection.room, pair.told) == (0, [Closed.NOT_KEPT])
    pair.respond(first.number)
    pair.respond(last.number)
    await asyncio.gather(first.answer, last.answer)
    assert pair.connection.ended is Closed.NOT_KEPT


async def test_a_server_that_closes_while_idle_spoils_the_connection() -> None:
    pair = Pair()
    pair.connection.eof_received()
    assert pair.told == [Closed.SERVER, "ending"]
    pair.connection.connection_lost(None)
    assert pair.told[-1] == "lost"
    assert pair.connection.ended is Closed.SERVER


async def test_a_connection_lost_before_it_settled_is_settled_for_good() -> None:
    pair = Pair(greet=False)
    pair.connection.connection_lost(ConnectionResetError())
    assert pair.told == ["ending", "settled", "lost"]
    assert pair.connection.room == 0
    unowned = Pair(greet=False, owned=False)
    unowned.connection.connection_lost(None)
    assert unowned.connection.lost
    assert await failure(unowned.connection.join().start(unowned.prepare(), unowned.trip())) == ("wait", "closed")


@pytest.mark.parametrize(
    ("cause", "kinds"),
    [
        (None, {"wait": "closed", "receive": "truncated"}),
        (ConnectionResetError(), {"wait": "reset", "receive": "reset"}),
        (ssl.SSLError(1, "bad record"), {"wait": "closed", "receive": "truncated"}),
    ],
)
async def test_a_lost_connection_fails_every_exchange_in_its_own_layer(
    cause: Exception | None, kinds: dict[str, str]
) -> None:
    pair = Pair()
    waiting, receiving = pair.start(), pair.start()
    pair.server.send_headers(receiving.number, [(b":status", b"500")])
    pair.say()
    pair.connection.connection_lost(cause)
    assert await failure(waiting.answer) == ("wait", kinds["wait"])
    with pytest.raises(RequestError) as caught:
        await receiving.answer
    assert (caught.value.layer, caught.value.kind) == ("receive", kinds["receive"])
    assert caught.value.__cause__ is cause
    assert caught.value.answer is not None
    assert caught.value.answer.status == 500
    assert pair.told == ["ending", "lost"]
    assert pair.connection.ended is Closed.FAILED


async def test_the_end_of_what_the_server_says_fails_what_waits_for_more() -> None:
    pair = Pair()
    started = pair.start()
    pair.connection.eof_received()
    assert await failure(started.answer) == ("wait", "closed")
    pair.connection.connection_lost(None)
    assert pair.told == ["ending", "lost"]


async def test_closing_the_client_gives_everybody_its_error() -> None:
    pair = Pair()
    started, opened, pending = pair.start(), pair.open(), pair.open()
    pair.respond(opened.number, 200, b"some")
    pair.server.send_headers(pending.number, [(b":status", b"200")])
    pair.say()
    await opened.answer
    await pending.answer
    pair.connection.dismiss(UsageError("closed"))
    with pytest.raises(UsageError):
        await started.answer
    with pytest.raises(UsageError):
        await pending.inflow.read(1)
    assert await opened.inflow.read(1) == b"some"
    assert pair.transport.ended == "aborted"
    assert pair.connection.ended is Closed.CLIENT


def rst(number: int) -> Frame:
    return RstStreamFrame(number)


def push() -> Frame:
    frame = PushPromiseFrame(1)
    frame.promised_stream_id = 2
    frame.flags.add("END_HEADERS")
    return frame


def headers(number: int, data: bytes = b"\x88") -> HeadersFrame:
    frame = HeadersFrame(number)
    frame.data = data
    frame.flags.add("END_HEADERS")
    return frame


def data(number: int, content: bytes = b"", *, end: bool = False) -> DataFrame:
    frame = DataFrame(number)
    frame.data = content
    if end:
        frame.flags.add("END_STREAM")
    return frame


def window(number: int, increment: int) -> Frame:
    return WindowUpdateFrame(number, window_increment=increment)


def unfinished() -> bytes:
    frame = HeadersFrame(1)
    frame.data = b"\x88"
    return frame.serialize() + PingFrame(0, opaque_data=b"12345678").serialize()


def endless() -> bytes:
    frame = HeadersFrame(1)
    frame.data = b"\x88"
    return frame.serialize() + ContinuationFrame(1).serialize() * 64


VIOLATIONS: dict[str, Callable[[], Frame | bytes]] = {
    "a frame that is too long": lambda: b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + bytes(16385),
    "an answer to nothing": lambda: headers(99),
    "a stream of the server's": lambda: headers(2),
    "a push": push,
    "rubbish for fields": lambda: headers(1, b"\xff\xff\xff\xff\xff\xff"),
    "an index that is in no table": lambda: headers(1, b"\xfe"),
    "a head cut by another frame": unfinished,
    "a continuation of nothing": lambda: ContinuationFrame(1),
    "a head in pieces without end": endless,
    "settings on a stream": lambda: b"\x00\x00\x00\x04\x00\x00\x00\x00\x01",
    "half a setting": lambda: b"\x00\x00\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00",
    "a bad setting": lambda: SettingsFrame(0, settings={SettingCodes.INITIAL_WINDOW_SIZE: 2**31}),
    "a window of nothing": lambda: b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "a window without end": lambda: window(0, 2**31 - 1),
    "a short ping": lambda: b"\x00\x00\x01\x06\x00\x00\x00\x00\x00\x00",
    "data on no stream": lambda: b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x",
    "data on a stream not begun": lambda: data(99, b"x"),
    "padding beyond the frame": lambda: b"\x00\x00\x02\x00\x08\x00\x00\x00\x01\xff\x00",
}


@pytest.mark.parametrize("violation", VIOLATIONS)
async def test_who_breaks_the_rules_loses_the_connection_and_every_exchange_says_so(violation: str) -> None:
    pair = Pair()
    waiting, receiving = pair.start(), pair.start()
    pair.server.send_headers(receiving.number, [(b":status", b"200")])
    pair.say()
    pair.say(VIOLATIONS[violation]())
    assert await failure(waiting.answer) == ("protocol", "bad-framing")
    assert await failure(receiving.answer) == ("protocol", "bad-framing")
    assert (pair.transport.ended, pair.connection.ended) == ("closed", Closed.FAILED)
    assert pair.told == ["ending", Closed.FAILED]
    (bye,) = of(pair.hear(), ConnectionTerminated)
    assert bye.error_code != ErrorCodes.NO_ERROR
    pair.connection.data_received(b"and more")


async def test_what_came_before_the_breach_has_happened() -> None:
    pair = Pair()
    first, second = pair.start(), pair.start()
    pair.server.send_headers(first.number, [(b":status", b"200")], end_stream=True)
    pair.say(push())
    assert (await first.answer).status == 200
    assert await failure(second.answer) == ("protocol", "bad-framing")


async def test_who_breaks_the_rules_while_idle_is_not_used_again() -> None:
    pair = Pair()
    pair.say(push())
    assert pair.told == ["ending", Closed.UNASKED]
    assert pair.connection.ended is Closed.UNASKED


@pytest.mark.parametrize("owned", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        headers(1).serialize(),
        PingFrame(0, opaque_data=b"12345678").serialize(),
        b"\x00\x00\x00\x04\x01\x00\x00\x00\x00",
    ],
)
async def test_who_does_not_begin_as_http_2_does_speaks_something_else(words: bytes, owned: bool) -> None:
    pair = Pair(greet=False, owned=owned)
    answer = pair.connection.join().start(pair.prepare(), pair.trip())
    for index in range(len(words)):
        pair.connection.data_received(words[index : index + 1])
    assert await failure(answer) == ("protocol", "bad-status-line")
    assert pair.connection.is_settled


async def test_a_head_that_only_a_bomb_unpacks_to_ends_the_connection() -> None:
    pair = Pair()
    started = pair.start()
    block = Encoder().encode([(b":status", b"200"), (b"x", b"y" * 4000)])
    pair.say(headers(started.number, block + b"\xbe" * 10))  # the entry of 4 KB, named again and again
    assert await failure(started.answer) == ("protocol", "header-too-large")
    assert pair.connection.ended is Closed.FAILED


async def test_a_head_over_the_limit_ends_its_stream_alone() -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    pair.respond(started.number, 200, b"", (b"x", b"y" * MAX_HEAD))
    assert await failure(started.answer) == ("protocol", "header-too-large")
    pair.respond(other.number)
    assert (await other.answer).status == 200
    assert of(pair.hear(), StreamReset) == []  # the server had ended it already


FLOODS: dict[str, Frame | bytes] = {
    "pings": PingFrame(0, opaque_data=b"12345678"),
    "settings": SettingsFrame(0),
    "acknowledgements": SettingsFrame(0, flags=["ACK"]),
    "empty data": data(1),
    "windows": window(0, 1),
    "resets of what is over": rst(1),
    "unknown frames": b"\x00\x00\x00\xee\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_of_frames_that_bring_nothing_ends_the_connection(flood: str) -> None:
    pair = Pair()
    first, second = pair.start(), pair.start()
    if flood.startswith("resets"):
        pair.respond(first.number)
    else:
        pair.server.send_headers(first.number, [(b":status", b"200")])
    pair.say(*[FLOODS[flood]] * 900)
    assert not second.answer.done()
    pair.say(*[FLOODS[flood]] * 200)
    assert await failure(second.answer) == ("protocol", "bad-framing")
    assert len(pair.transport.written) < 30_000
    (bye,) = of(pair.hear(), ConnectionTerminated)
    assert bye.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    if not flood.startswith("resets"):
        await failure(first.answer)


async def test_a_server_that_floods_and_does_not_read_is_cut_off() -> None:
    pair = Pair()
    started = pair.start()
    pair.connection.pause_writing()
    pair.say(*[FLOODS["pings"]] * 1100)
    await failure(started.answer)
    assert pair.transport.ended == "aborted"


async def test_frames_that_bring_something_make_good_for_those_that_did_not() -> None:
    pair = Pair()
    for _ in range(3):
        started = pair.start()
        pair.say(*[FLOODS["pings"]] * 600)
        pair.respond(started.number)
        await started.answer
    assert pair.connection.ended is None


async def test_a_ping_is_answered() -> None:
    pair = Pair()
    pair.server.ping(b"12345678")
    pair.say()
    assert pair.transport.written == PingFrame(0, opaque_data=b"12345678", flags=["ACK"]).serialize()


async def test_a_long_silence_is_asked_about_and_then_the_connection_is_dead() -> None:
    pair = Pair()
    started, opened = pair.start(), pair.open()
    pair.server.send_headers(opened.number, [(b":status", b"200")])
    pair.say()
    assert (await opened.answer).status == 200
    pair.now += QUIET - 1
    pair.connection.strike(pair.now)
    assert of(pair.hear(), PingReceived) == []
    pair.now += 1
    pair.connection.strike(pair.now)
    assert len(of(pair.hear(), PingReceived)) == 1
    pair.now += QUIET - 1
    pair.connection.strike(pair.now)
    assert (pair.hear(), pair.connection.due) == ([], pair.now + 1)
    pair.now += 1
    pair.connection.strike(pair.now)
    with pytest.raises(RequestTimeoutError) as caught:
        await started.answer
    assert caught.value.layer == "wait"
    with pytest.raises(RequestTimeoutError) as caught:
        await opened.inflow.read(1)
    assert caught.value.layer == "receive"
    assert (pair.transport.ended, pair.connection.ended) == ("aborted", Closed.TIMEOUT)


async def test_an_answered_ping_gives_as_much_time_again() -> None:
    pair = Pair()
    started = pair.start(timeout=100)
    for _ in range(3):
        pair.now += QUIET
        pair.connection.strike(pair.now)
        assert len(of(pair.hear(), PingReceived)) == 1
        pair.say()
        assert pair.connection.due <= pair.now + QUIET
    pair.respond(started.number)
    assert (await started.answer).status == 200


async def test_a_deadline_resets_its_stream_and_no_other() -> None:
    pair = Pair()
    short, long = pair.start(timeout=2), pair.start(timeout=9)
    assert pair.connection.due == pair.now + 2
    pair.now += 2
    pair.connection.strike(pair.now)
    with pytest.raises(RequestTimeoutError) as caught:
        await short.answer
    assert caught.value.layer == "wait"
    (reset,) = of(pair.hear(), StreamReset)
    assert (reset.stream_id, reset.error_code) == (short.number, ErrorCodes.CANCEL)
    pair.respond(long.number)
    assert (await long.answer).status == 200
    assert (pair.connection.ended, pair.told) == (None, ["vacated"])


async def test_a_deadline_that_is_looked_at_in_time_anyway_is_not_watched_again() -> None:
    pair = Pair()
    first = pair.start(timeout=2)
    pair.respond(first.number)
    await first.answer
    watched = pair.connection.watched
    pair.start(timeout=4)
    assert pair.connection.watched == watched


async def test_the_last_deadline_leaves_an_idle_connection() -> None:
    pair = Pair()
    only = pair.start(timeout=2)
    pair.now += 2
    pair.connection.strike(pair.now)
    assert await failure(only.answer) == ("wait", "timeout")
    assert pair.told == ["vacated"]


async def test_a_request_has_one_header_list_however_often_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milkrun.client.http2.connection._MOST_KNOWN", 2)
    pair = Pair()
    requests = [pair.prepare() for _ in range(3)]
    lists = [pair.connection._header_list(request) for request in requests[:2]]
    assert pair.connection._header_list(requests[0]) is lists[0]
    pair.connection._header_list(requests[2])
    assert len(pair.connection._known) == 1


async def test_nothing_is_left_of_exchanges_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "MAX_CLOSED_STREAMS", 5)
    pair = Pair()
    for index in range(20):
        started = pair.start("POST", content=b"x")
        if index % 2:
            started.stream.abandon(Closed.CANCELLED)
        else:
            pair.respond(started.number)
            await started.answer
        pair.hear()
    session = pair.connection._session
    assert len(session.streams) <= 1
    assert len(session._closed_streams) == 5
    assert not pair.connection._streams
    assert not pair.connection.outflow._parcels


async def test_an_answer_that_comes_with_a_breach_is_an_answer_though_h2_has_forgotten_its_stream() -> None:
    pair = Pair()
    started, other = pair.start(), pair.start()
    pair.server.send_headers(started.number, [(b":status", b"200")], end_stream=True)
    pair.say(headers(99))  # at which h2 counts its streams, and forgets those that ended
    assert (await started.answer).status == 200
    assert await failure(other.answer) == ("protocol", "bad-framing")


async def test_bodies_that_nobody_wants_do_not_use_up_the_connections_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milkrun.client.http2.session.CONNECTION_WINDOW", 100_000)
    pair = Pair()
    for _ in range(20):
        started = pair.start()
        pair.server.send_headers(started.number, [(b":status", b"200")])
        pair.server.send_data(started.number, b"x" * 16_384)
        started.stream.abandon(Closed.CANCELLED)
        pair.say()
        pair.hear()
    assert pair.connection.ended is None
    assert pair.server.outbound_flow_control_window >= 16_384


async def test_secrets_are_sent_and_never_indexed() -> None:
    pair = Pair()
    for _ in range(2):
        started = pair.start(headers={"Authorization": "Bearer secret"})
        (request,) = of(started.heard, RequestReceived)
        assert (b"authorization", b"Bearer secret") in request.headers
        pair.respond(started.number)
        await started.answer
    assert b"secret" not in repr(pair.connection._session.encoder.header_table).encode()


async def test_the_servers_table_size_is_heeded_up_to_ours() -> None:
    pair = Pair({SettingCodes.HEADER_TABLE_SIZE: 65_536})
    assert pair.connection._session.encoder.header_table_size == 4096
    pair.server.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    pair.say()
    pair.hear()
    for _ in range(2):
        started = pair.start(headers={"X-Some": "thing"})
        (request,) = of(started.heard, RequestReceived)
        assert (b"x-some", b"thing") in request.headers
        pair.respond(started.number)
        await started.answer
