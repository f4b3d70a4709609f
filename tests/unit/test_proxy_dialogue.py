"""The conversation with a proxy: read in any pieces, bounded, and what follows it is left to the target."""

import asyncio

import pytest

from milkrun.client.proxy.dialogue import NonsenseError
from tests.support.proxy_talk import opened
from tests.support.turns import turns

HEAD = b"HTTP/1.1 200 OK\r\nVia: p\r\n\r\n"


class Recorder(asyncio.Protocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(exc)


async def test_a_head_is_read_in_any_pieces_and_no_further() -> None:
    for size in range(1, len(HEAD) + 5):
        dialogue, wire = opened()
        reading = asyncio.ensure_future(dialogue.head(b"HTTP/1.", 1000))
        for start in range(0, len(HEAD) + 5, size):
            dialogue.data_received((HEAD + b"early")[start : start + size])
            await turns(2)

        assert await reading == HEAD
        recorder = Recorder()
        dialogue.step_aside().admit(wire, recorder)
        assert recorder.events == [b"early"]


async def test_a_head_of_lone_line_feeds_is_one_too() -> None:
    dialogue, _ = opened()
    dialogue.data_received(b"HTTP/1.1 200 OK\n\nearly")

    assert await dialogue.head(b"HTTP/1.", 1000) == b"HTTP/1.1 200 OK\n\n"


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"HT!", b"\x05", b"HTTP/2"])
async def test_what_cannot_become_a_head_is_nonsense_at_once(said: bytes) -> None:
    dialogue, _ = opened()
    dialogue.data_received(said)

    with pytest.raises(NonsenseError):
        await dialogue.head(b"HTTP/1.", 1000)


@pytest.mark.parametrize("length", [1000, 2000])
async def test_a_head_without_end_is_nonsense(length: int) -> None:
    dialogue, _ = opened()
    dialogue.data_received(b"HTTP/1.1 200 " + b"x" * (length - 13))

    with pytest.raises(NonsenseError):
        await dialogue.head(b"HTTP/1.", 1000)


async def test_exactly_as_much_is_taken_as_was_asked_for() -> None:
    dialogue, _ = opened()
    reading = asyncio.ensure_future(dialogue.exactly(3))
    for piece in (b"a", b"b", b"cd"):
        await turns(2)
        dialogue.data_received(piece)

    assert await reading == b"abc"
    assert await dialogue.exactly(1) == b"d"


@pytest.mark.parametrize("reason", [None, ConnectionAbortedError("gone"), RuntimeError("odd")])
async def test_a_lost_connection_ends_the_reading(reason: Exception | None) -> None:
    dialogue, _ = opened()
    reading = asyncio.ensure_future(dialogue.exactly(3))
    await turns(2)
    dialogue.connection_lost(reason)

    with pytest.raises(ConnectionAbortedError if isinstance(reason, OSError) else ConnectionResetError):
        await reading
    with pytest.raises(OSError, match=r".*"):
        await dialogue.head(b"HTTP/1.", 1000)


async def test_what_was_said_before_the_loss_is_still_read() -> None:
    dialogue, _ = opened()
    dialogue.data_received(b"abc")
    dialogue.connection_lost(None)

    assert await dialogue.exactly(3) == b"abc"


async def test_nothing_is_read_between_the_proxy_and_the_target() -> None:
    dialogue, wire = opened()
    doorstep = dialogue.step_aside()

    assert not wire.reading
    assert wire.protocol is doorstep
    assert not doorstep.heard


async def test_a_loss_while_the_proxy_steps_aside_reaches_the_targets_protocol() -> None:
    dialogue, wire = opened()
    dialogue.data_received(b"bye")
    dialogue.connection_lost(None)
    recorder = Recorder()
    dialogue.step_aside().admit(wire, recorder)

    assert recorder.events == [b"bye", None]


async def test_a_reader_that_was_cancelled_is_not_woken() -> None:
    dialogue, _ = opened()
    reading = asyncio.ensure_future(dialogue.exactly(3))
    await turns(2)
    reading.cancel()
    dialogue.data_received(b"abc")
    await turns(2)

    assert reading.cancelled()
