"""What is called: any function that takes no arguments and gives something to await."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from milkrun.client.errors import UsageError

T = TypeVar("T")

Call: TypeAlias = Callable[[], Awaitable[T]]
"""Asks once: `lambda: client.get(url)`, a coroutine function without arguments, or what `Upstream.call` gives."""


def checked(name: str, call: Call[T]) -> Call[T]:
    """A call, or UsageError for what has been called already: it would else be one more answer that is missing."""
    if not callable(call):
        raise UsageError(f"{name!r}: expected a function that is called here: lambda: client.get(url), not {call!r}")
    return call


def begin(call: Call[T], name: str) -> asyncio.Task[T]:
    """Make a call in a task of its own."""
    return asyncio.create_task(_made(call), name=name)


async def _made(call: Call[T]) -> T:
    return await call()
