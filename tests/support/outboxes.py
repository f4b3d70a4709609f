"""What a worker does to an outbox, in a word each; and an outbox enabled as `milkrun alert enable` does it."""

import asyncio
from functools import partial
from typing import Any

from msgspec.structs import replace

from milkrun.core.alert import Message, Purpose
from milkrun.store import outbox_channels
from milkrun.store.aside import aside
from milkrun.store.outbox_protocol import Attempt, Claim
from milkrun.store.protocol import Batch
from milkrun.store.sql import SqlStore
from tests.support.database import store_of
from tests.support.history import START

LEASE = 60_000
ALL = 20_000
LATER = START + 10_000


async def put(outbox: SqlStore, *messages: Message, **more: Any) -> None:
    await outbox.write(Batch(messages=messages, **more))


async def claimed(outbox: SqlStore, channel: str = "ops", *, now: int = START, limit: int = ALL) -> Claim:
    claim = await outbox.claim(channel, now=now, lease=LEASE, limit=limit)
    assert claim is not None
    return claim


def purposes(claim: Claim | None) -> list[Purpose]:
    return [] if claim is None else [message.purpose for message in claim.messages]


def arrived(claim: Claim, *, at: int = START) -> Attempt:
    return Attempt(channel=claim.channel, at=at, took=0.25, messages=len(claim.messages))


def refused(claim: Claim, *, at: int = START, error: str = "503") -> Attempt:
    return replace(arrived(claim, at=at), error=error)


async def told(outbox: SqlStore, *messages: Message) -> None:
    """They were sent."""
    await put(outbox, *messages)
    claim = await claimed(outbox, messages[0].channel, now=max(message.due for message in messages))
    await outbox.sent(claim, arrived(claim))


async def enable(outbox: SqlStore, channel: str) -> None:
    """Another process lets a disabled channel deliver again."""
    await asyncio.to_thread(aside, store_of(outbox), partial(outbox_channels.enable, channel=channel))
