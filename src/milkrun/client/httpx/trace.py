"""The `trace` extension: a callback that is awaited for each step of a request, in order, while it happens.

Steps happen where nothing can be awaited, so until the response's head is there a task of its own awaits the callback
for one after the other; the response is handed on once all is told. From then on whoever reads tells.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

from milkrun.client.events import Event
from milkrun.client.httpx.naming import Narrator, Told
from milkrun.client.response_stream import StreamedResponse

_THE_END = ("", dict[str, Any]())


class Trace:
    """The trace of one request.

    What the callback raises ends the request, and is raised in its place; nothing is told after that.

    Args:
        callback: asynchronous, given a name and details.
        request: the face's.
    """

    def __init__(self, callback: Callable[[str, dict[str, Any]], Any], request: Any) -> None:
        self._callback = callback
        self._request = request
        self._narrator = Narrator(request)
        self._steps: asyncio.Queue[Told] = asyncio.Queue()
        self._is_broken = False

    def hear(self, event: Event) -> None:
        """A hook for the client's events."""
        for step in self._narrator.narrate(event):
            self._steps.put_nowait(step)

    async def during(self, opening: Coroutine[Any, Any, StreamedResponse]) -> StreamedResponse:
        """Tell what happens while a response opens. Raises what the opening raises, or else the callback.

        A cancellation ends a callback that is waited for, as with httpcore, and with it the telling.
        """
        response: StreamedResponse | None = None
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(self._tell_all(), name="trace")
                try:
                    response = await opening
                    self._steps.put_nowait(self._narrator.head(response))
                except BaseException as err:  # noqa: BLE001  # it is raised again, after it was told
                    failure = err
                    if self._is_broken and isinstance(err, asyncio.CancelledError):
                        telling.cancel()
                self._steps.put_nowait(_THE_END)
        except BaseExceptionGroup as err:
            failure = err.exceptions[0]
        except asyncio.CancelledError as err:  # while the last of it was told
            failure = err
        if failure is not None:
            if response is not None:
                response.cut()
            raise failure
        return cast("StreamedResponse", response)

    @asynccontextmanager
    async def step(self, name: str, **details: Any) -> AsyncIterator[None]:
        """Tell of what happens inside."""
        await self._tell(f"{self._narrator.prefix}.{name}.started", details)
        try:
            yield
        except BaseException as err:
            await self._tell(f"{self._narrator.prefix}.{name}.failed", {"exception": err})
            raise
        await self._tell(f"{self._narrator.prefix}.{name}.complete", {"return_value": None})

    async def _tell_all(self) -> None:
        while (step := await self._steps.get()) is not _THE_END:
            await self._tell(*step)

    async def _tell(self, name: str, details: dict[str, Any]) -> None:
        if self._is_broken:
            return
        self._is_broken = True  # until it has proved otherwise
        telling = self._callback(name, details)
        if not inspect.isawaitable(telling):
            raise TypeError("the trace callback is an ordinary function; expected an asynchronous one: async def")
        await telling
        self._is_broken = False
