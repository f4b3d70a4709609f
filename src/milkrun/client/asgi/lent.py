"""The application's client as a handler gets it: the same in everything, but not the handler's to close."""

from typing import NoReturn, Self

from milkrun.client.client import Client
from milkrun.client.errors import UsageError

NOT_YOURS = (
    "this client is the whole application's, which closes it at its end: use it as it is, "
    "without `async with` and without `aclose()`"
)


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

    Both have one and the same state, and so the lent one is no slower: there is no call in between.
    """
    kind = type(client)
    lent: Lent = object.__new__(type(f"Lent{kind.__name__}", (Lent, kind), {}))
    lent.__dict__ = client.__dict__
    lent.owner = client
    return lent
