"""The application's client as a handler gets it: the same in everything, but not the handler's to close."""

from typing import Any, NoReturn, Self

from milkrun.client.client import Client
from milkrun.client.errors import UsageError

NOT_YOURS = (
    "this client is the whole application's, which closes it at its end: use it as it is, "
    "without `async with` and without `aclose()`"
)

_MARK = "_is_lent"


class Lent(Client):
    """A client that somebody else closes.

    Attributes:
        owner: the client itself.
    """

    __slots__ = ("owner",)  # outside the state that both have in common
    owner: Client

    async def __aenter__(self) -> Self:
        raise UsageError(NOT_YOURS)

    async def aclose(self) -> NoReturn:
        """Raise UsageError: it is not yours."""
        raise UsageError(NOT_YOURS)

    def __del__(self) -> None:  # type: ignore[override]  # the owner tells what it leaves open
        """Say nothing."""

    @property
    def under_way(self) -> int:
        """How many requests were begun and are not over, the waiting ones among them."""
        return self._pool.total.used or self._pool.queued


def lend(client: Client) -> Lent:
    """The client, of its own class, but that it cannot be closed.

    Both have one and the same state, and so there is no call in between.
    """
    kind = type(client)
    lent: Lent = object.__new__(type(f"Lent{kind.__name__}", (Lent, kind), {}))
    lent.__dict__ = _common(client)
    lent.owner = client
    return lent


def _common(client: Client) -> dict[str, Any]:
    # A dictionary of two instances whose keys are shared by their class is not what the interpreter is quick with:
    # 23 ns an attribute, where a plain one costs 7.5 and an instance's own 6. So it becomes plain when first lent.
    state = vars(client)
    if _MARK not in state:
        client.__dict__ = state = {**state, _MARK: True}
    return state
