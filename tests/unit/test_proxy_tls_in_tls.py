"""Which versions of asyncio cannot carry TLS inside TLS, and that they are mended without touching anything else."""

import asyncio
from asyncio.sslproto import _SSLProtocolTransport
from typing import Any, cast

import pytest

from milkrun.client.dial.connect import Connected
from milkrun.client.dial.doorstep import Doorstep
from milkrun.client.proxy.tls_in_tls import carry, is_broken


def closed_transport() -> _SSLProtocolTransport:
    transport = object.__new__(_SSLProtocolTransport)
    transport._closed = True  # else it would warn at its end
    return transport


def connected(transport: object) -> Connected:
    return Connected(cast("asyncio.Transport", transport), Doorstep(), None, "p.test:443")


@pytest.mark.parametrize(
    ("version", "broken"),
    [
        ((3, 11, 0), True),
        ((3, 11, 7), True),
        ((3, 11, 8), False),
        ((3, 12, 0), True),
        ((3, 12, 1), True),
        ((3, 12, 2), False),
        ((3, 13, 0), False),
        ((3, 14, 0), False),
    ],
)
def test_the_fault_is_known_by_version(version: tuple[int, int, int], broken: bool) -> None:
    assert is_broken(version) is broken


def test_a_mended_session_ends_when_the_inner_one_fails() -> None:
    outer: Any = closed_transport()
    ended: list[bool] = []
    outer.abort = lambda: ended.append(True)
    carry(connected(outer), broken=True)

    outer._force_close(ConnectionResetError())

    assert ended == [True]


def test_what_is_not_broken_is_left_alone() -> None:
    outer = closed_transport()
    other = object()

    assert type(carry(connected(outer), broken=False).transport) is _SSLProtocolTransport
    assert carry(connected(other), broken=True).transport is other
