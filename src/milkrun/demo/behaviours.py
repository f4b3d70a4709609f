"""How a sample service answers: one small maker a behaviour, combined by the roster.

A behaviour writes its answer and returns whether the connection stays open. What is random is drawn from the
service's own seeded generator, so that every run of the demo tells the same story.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

REASONS = {200: "OK", 301: "Moved Permanently", 500: "Internal Server Error", 503: "Service Unavailable"}


class Exchange(msgspec.Struct, kw_only=True):
    """One request: its path, where the answer goes, and the service's own dice."""

    path: str
    writer: asyncio.StreamWriter
    dice: Random


Behaviour = Callable[[Exchange], Awaitable[bool]]


def response(status: int, body: bytes, **headers: str) -> bytes:
    """Build a response; `content_type="…"` and the like add headers."""
    fields = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def _send(exchange: Exchange, data: bytes) -> None:
    exchange.writer.write(data)
    await exchange.writer.drain()


def answers(
    body: object = None, *, status: int = 200, ms: float = 12.0, padding: int = 0, close: bool = False
) -> Behaviour:
    """Answer after about `ms` milliseconds, now and then much later, as real services do."""
    payload = json.dumps({"status": "ok"} if body is None else body).encode() + b" " * padding
    data = response(status, payload, **({"connection": "close"} if close else {}))

    async def behave(exchange: Exchange) -> bool:
        await asyncio.sleep(ms / 1_000 * exchange.dice.lognormvariate(0.0, 0.25))
        await _send(exchange, data)
        return not close

    return behave


def flaky(usually: Behaviour, *, share: float, otherwise: Behaviour) -> Behaviour:
    """Behave as `otherwise` for a share of the requests, 0 to 1."""

    async def behave(exchange: Exchange) -> bool:
        return await (otherwise if exchange.dice.random() < share else usually)(exchange)

    return behave


def outages(usually: Behaviour, *, every: float, lasting: float) -> Behaviour:
    """Answer 503 for the last `lasting` seconds of every `every` seconds of the clock."""
    out = answers({"status": "maintenance"}, status=503, ms=4)

    async def behave(exchange: Exchange) -> bool:
        return await (out if time.time() % every >= every - lasting else usually)(exchange)

    return behave


def redirects(*paths: str, then: Behaviour) -> Behaviour:
    """Lead from `/health` through `paths`, one after the other, and answer at the last of them."""
    steps = dict(zip(("/health", *paths), paths, strict=False))

    async def behave(exchange: Exchange) -> bool:
        if exchange.path not in steps:
            return await then(exchange)
        await _send(exchange, response(301, b"", location=steps[exchange.path]))
        return True

    return behave


def stalls() -> Behaviour:
    """Accept, read, and never say a word."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.writer.wait_closed()
        return False

    return behave


def hangs_up() -> Behaviour:
    """Close without an answer."""

    async def behave(_: Exchange) -> bool:
        return False

    return behave


def truncates() -> Behaviour:
    """Promise more than is sent."""
    data = response(200, b'{"rows": [' + b"0," * 500)

    async def behave(exchange: Exchange) -> bool:
        await _send(exchange, data[:-200])
        return False

    return behave


def lies_about_gzip() -> Behaviour:
    """Send a compressed body that breaks off in the middle, framed as if it were whole."""
    data = response(200, gzip.compress(json.dumps(list(range(2_000))).encode())[:700], content_encoding="gzip")

    async def behave(exchange: Exchange) -> bool:
        await _send(exchange, data)
        return True

    return behave


def trickles(*, pieces: int, ms: float) -> Behaviour:
    """Send a chunked body piece by piece, `ms` milliseconds apart: time spent receiving, not waiting."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"

    async def behave(exchange: Exchange) -> bool:
        await _send(exchange, head)
        for _ in range(pieces):
            await asyncio.sleep(ms / 1_000)
            await _send(exchange, b"7\r\nparcel\n\r\n")
        await _send(exchange, b"0\r\n\r\n")
        return True

    return behave
