"""How much work the client does for something: calls counted, not time, so that the machine's mood decides nothing."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import milkrun.client

_HOME = str(Path(milkrun.client.__file__).parent)


class Effort:
    """So many `calls`: of functions of the client's, and by them of anything written in C."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(_HOME):
            self.calls += 1


@contextmanager
def counted() -> Iterator[Effort]:
    """Count what the client does in this thread until the end of the block."""
    effort, before = Effort(), sys.getprofile()
    sys.setprofile(effort)
    try:
        yield effort
    finally:
        sys.setprofile(before)


async def effort_of(work: Callable[[], Awaitable[object]], *, times: int = 8) -> int:
    """Calls for one piece of work; the least of several, for what else falls due now and then is not its own."""
    return min([await _once(work) for _ in range(times)])


async def _once(work: Callable[[], Awaitable[object]]) -> int:
    with counted() as effort:
        await work()
    return effort.calls
