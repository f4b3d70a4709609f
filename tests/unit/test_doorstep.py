"""The doorstep: a connection's first events reach its protocol whole, and in order."""

import asyncio
import ssl

import pytest

from milkrun.client.dial.doorstep import Doorstep


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.closing = False
        self.protocol: asyncio.BaseProtocol | None = None

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Recorder(asyncio.Protocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.events.append(transport)

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(exc)


def test_a_new_connection_reads_nothing_until_its_protocol_is_there() -> None:
    transport, doorstep = FakeTransport(), Doorstep()

    doorstep.connection_made(transport)
    assert not transport.reading

    doorstep.admit(transport, Recorder())
    assert transport.reading


def test_what_came_early_follows_the_opening_in_order() -> None:
    transport, doorstep, protocol = FakeTransport(), Doorstep(), Recorder()
    doorstep.data_received(b"one")
    doorstep.data_received(b"two")
    assert doorstep.heard

    doorstep.admit(transport, protocol)

    assert protocol.events == [transport, b"one", b"two"]
    assert transport.protocol is protocol


def test_a_peer_that_hung_up_early_is_told_after_all_it_said() -> None:
    transport, doorstep, protocol = FakeTransport(), Doorstep(), Recorder()
    doorstep.connection_made(transport)
    doorstep.data_received(b"bye")
    doorstep.connection_lost(None)

    doorstep.admit(transport, protocol)

    assert protocol.events == [transport, b"bye", None]
    assert not transport.reading


@pytest.mark.parametrize(
    ("reason", "expected"), [(None, ConnectionResetError), (ssl.SSLError(1, "alert"), ssl.SSLError)]
)
def test_a_connection_lost_early_is_no_open_one(reason: Exception | None, expected: type[OSError]) -> None:
    transport, doorstep = FakeTransport(), Doorstep()
    doorstep.require_open(transport)
    doorstep.connection_lost(reason)

    with pytest.raises(expected):
        doorstep.require_open(transport)


def test_a_connection_that_is_closing_is_no_open_one() -> None:
    transport = FakeTransport()
    transport.closing = True

    with pytest.raises(ConnectionResetError):
        Doorstep().require_open(transport)
