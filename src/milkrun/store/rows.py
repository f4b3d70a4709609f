"""A Result as a row of the `result` table.

Durations are whole microseconds, `started` too; everything else comes back as it was. What many results share is in
their scene, what few have in `rare`, and `rest` is what `total` has beyond its phases: each column costs every row a
byte, and a small number fewer bytes than a large one.
"""

from typing import Any

import msgspec

from milkrun.core.result import Result

Row = tuple[Any, ...]

# Where in a row these stand.
SLOT, ENDPOINT, LOCATION, ATTEMPT, SCENE = range(5)
RARE = 13


class Rare(msgspec.Struct, frozen=True, array_like=True, gc=False, omit_defaults=True):
    """What most results do not have: the phases of a new connection, and remarks, shared by id or written out."""

    dns: int = 0
    connect: int = 0
    tls: int = 0
    remarks: int = 0
    aside: str | None = None


_encode_rare = msgspec.msgpack.Encoder().encode
decode_rare = msgspec.msgpack.Decoder(Rare).decode


def encode(result: Result, location: int, scene: int, remarks: int, aside: str | None) -> Row:
    """The row's values in the order of the table's columns; `remarks` is 0 for none that are shared."""
    http, slot, timings = result.http, result.slot, result.timings
    send, wait, receive = round(timings.send * 1e6), round(timings.wait * 1e6), round(timings.receive * 1e6)
    rest = round(timings.total * 1e6) - send - wait - receive
    rare = None
    # A warm check has no dns, connect or tls: to ask costs a fifth of rounding a 0.
    if remarks or aside is not None or timings.connect or timings.dns or timings.tls:
        dns, connect, tls = round(timings.dns * 1e6), round(timings.connect * 1e6), round(timings.tls * 1e6)
        rest -= dns + connect + tls
        rare = _encode_rare(Rare(dns, connect, tls, remarks, aside))
    return (
        slot,
        result.endpoint,
        location,
        result.attempt,
        scene,
        http.bytes if http else 0,
        round(result.started * 1e6) - slot * 1_000,
        round(result.lag_ms * 1e3),
        round(timings.queue * 1e6),
        send,
        wait,
        receive,
        rest,
        rare,
    )
