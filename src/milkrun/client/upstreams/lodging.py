"""Where something stays that has tasks waiting in it: on one event loop at a time."""

from asyncio import _get_running_loop  # the one that does not raise: this is asked for each call
from collections.abc import Callable

from milkrun.client.home import Home


class Lodging:
    """The event loop that something belongs to while it is in use.

    Nothing of it is bound to a loop while it is not: so one that a module holds may serve each test's loop in turn.

    Args:
        what: it is, in errors.
        busy: whether it is in use.
    """

    __slots__ = ("_busy", "_home", "_what")

    def __init__(self, what: str, busy: Callable[[], bool]) -> None:
        self._what = what
        self._busy = busy
        self._home = Home(what)

    def check(self) -> None:
        """Belong to the running loop. Raises UsageError if there is none, or if another one's tasks are using it."""
        if _get_running_loop() is self._home.loop is not None:
            return
        if self._busy():
            raise self._home.misuse()
        self._home = Home.here(self._what)
