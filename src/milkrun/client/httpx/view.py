"""A view of a face's client that closes nothing: for who insists on closing the client it was given."""

from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from milkrun.client.errors import UsageError
from milkrun.client.httpx.faces import is_client

T = TypeVar("T")


def unclosable(client: T) -> T:
    """The same client once more, one `AsyncClient` to whoever looks, but closing it does nothing.

    It shares all that the client has: transport, cookies, headers, hooks, and whether it is closed. What may be
    closed by many can so be given to each of them; you close the client itself.

    Raises:
        UsageError: it is no AsyncClient of httpx2 or httpx.
    """
    if isinstance(client, _Unclosable):
        return client
    if not is_client(type(client)):
        raise UsageError(f"unclosable() takes an AsyncClient of httpx2 or httpx, not {client!r}")
    view: T = object.__new__(_view_of(cast("Any", type(client))))
    view.__dict__ = client.__dict__
    return view


class _Unclosable:
    async def aclose(self) -> None:
        """Nothing is closed: the client is somebody else's."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is closed."""


@cache
def _view_of(kind: Any) -> Any:
    return type(f"Unclosable{kind.__name__}", (_Unclosable, kind), {})
