"""How each kind of fault is done, wherever it is done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tests.support.fault_proxy.plan import Kind
from tests.support.fault_proxy.wires import Line

_PIECES = 8  # into which a throttle cuts what comes next


class ResetError(Exception):
    """The connection is to be closed with RST."""


class TruncatedError(Exception):
    """The connection is to be closed without a word."""


class Spot(NamedTuple):
    """Where a fault strikes: the client's end, whom the bytes that come next were meant for, and those.

    `flowing` is set while anything passes.
    """

    client: Line
    sink: Line
    rest: bytes
    flowing: asyncio.Event


async def _delay(spot: Spot, seconds: float) -> None:
    spot.flowing.clear()
    await asyncio.sleep(seconds)
    spot.flowing.set()
    await spot.sink.send(spot.rest)


async def _stall(spot: Spot, _: float) -> None:
    spot.flowing.clear()


async def _reset(_: Spot, __: float) -> None:
    raise ResetError


async def _half_close(spot: Spot, _: float) -> None:
    await spot.client.finish()
    await spot.sink.send(spot.rest)


async def _truncate(_: Spot, __: float) -> None:
    raise TruncatedError


async def _corrupt(spot: Spot, _: float) -> None:
    if spot.sink is spot.client:
        await spot.client.send_spoilt(spot.rest)
    else:
        spot.client.spoil_input()
        await spot.sink.send(spot.rest)


async def _throttle(spot: Spot, seconds: float) -> None:
    size = len(spot.rest) // _PIECES + 1
    for start in range(0, len(spot.rest), size):
        await asyncio.sleep(seconds / _PIECES)
        await spot.sink.send(spot.rest[start : start + size])


STRIKES: Mapping[Kind, Callable[[Spot, float], Awaitable[None]]] = MappingProxyType(
    {
        Kind.DELAY: _delay,
        Kind.STALL: _stall,
        Kind.RESET: _reset,
        Kind.HALF_CLOSE: _half_close,
        Kind.TRUNCATE: _truncate,
        Kind.CORRUPT: _corrupt,
        Kind.THROTTLE: _throttle,
    }
)
