"""Letting tasks go: they are cancelled and waited for, but nobody waits for ever."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any, TypeAlias

Work: TypeAlias = asyncio.Task[Any]

GRACE = 0.05
"""Seconds that cancelled tasks have for their clean-up before the one who let them go proceeds without them."""

_log = logging.getLogger("milkrun.client")
_leaving: set[Work] = set()  # a loop refers to its tasks only weakly


async def let_go(tasks: Collection[Work]) -> None:
    """Cancel tasks and wait for their end, `GRACE` seconds at most.

    What goes on after that (it has swallowed its cancellation) cannot be ended by anybody: it is logged, and so is an
    error in a clean-up. What has failed by itself before is nobody's business any more.
    """
    going = [task for task in tasks if not task.done()]
    for task in tasks:
        if task in going:
            _leaving.add(task)
            task.add_done_callback(_left)
            task.cancel()
        elif not task.cancelled():
            task.exception()  # or asyncio would say that nobody asked
    if going:
        _, late = await asyncio.wait(going, timeout=GRACE)
        for task in late:
            _log.warning("%s goes on although it was cancelled", task.get_name())


def _left(task: Work) -> None:
    _leaving.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.warning("%s failed while it was cancelled", task.get_name(), exc_info=error)
