"""Where something belongs that lives on an event loop; whoever uses it elsewhere is told what to do instead."""

import os
import threading
from asyncio import AbstractEventLoop, _get_running_loop  # the one that does not raise: this is asked for each piece

from milkrun.client.errors import UsageError


class Home:
    """The event loop, thread and process that something belongs to.

    Args:
        what: it is, in errors.

    Attributes:
        loop: None until it has settled.
    """

    __slots__ = ("_pid", "_thread", "_what", "loop")

    def __init__(self, what: str) -> None:
        self._what = what
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        self.loop: AbstractEventLoop | None = None

    @classmethod
    def here(cls, what: str) -> "Home":
        """The loop that is running."""
        home = cls(what)
        home.settle()
        return home

    def settle(self) -> AbstractEventLoop:
        """Belong to the running loop from now on. Raises UsageError if there is none, or another one already."""
        loop = _get_running_loop()
        if loop is None or self.loop is not None or self._pid != os.getpid():
            raise self.misuse()
        self.loop, self._thread = loop, threading.get_ident()
        return loop

    def check(self) -> None:
        """Raise UsageError anywhere else."""
        # None in a forked child: asyncio knows that it does not run its parent's loop.
        if _get_running_loop() is not self.loop:
            raise self.misuse()

    def misuse(self) -> UsageError:
        """The error for a use elsewhere: it says what to do."""
        what = self._what
        if self._pid != os.getpid():
            return UsageError(f"the process was forked after the {what} was made; make a {what} in each process")
        if self.loop is None:
            return UsageError(f"no event loop is running; use the {what} inside one: asyncio.run(main())")
        if self.loop.is_closed():  # whichever thread it ran in: no work can be handed over to it
            return UsageError(
                f"the {what} belongs to an event loop that is closed; close a {what} before its loop ends, "
                f"and make a {what} for each loop"
            )
        if self._thread != threading.get_ident():
            return UsageError(
                f"the {what} belongs to the event loop of another thread; make a {what} for each loop, "
                "or hand the work over: asyncio.run_coroutine_threadsafe(…, loop)"
            )
        return UsageError(f"the {what} belongs to the event loop that first used it; make a {what} for each loop")
