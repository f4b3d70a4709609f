"""The classes of clients that are counted, and what is put around their constructors and around what closes them."""

import sys
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import msgspec

from milkrun.client.guard.calling import caller, foreign
from milkrun.client.guard.observers import roll
from milkrun.client.guard.patches import Patches


class Kind(msgspec.Struct, frozen=True):
    """A class of clients: the module that has it, its name there, and the methods that close one."""

    module: str
    name: str
    closers: tuple[str, ...]


KINDS = (
    Kind("httpx2", "AsyncClient", ("aclose", "__aexit__")),
    Kind("httpx2", "Client", ("close", "__exit__")),
    Kind("httpx", "AsyncClient", ("aclose", "__aexit__")),
    Kind("httpx", "Client", ("close", "__exit__")),
    Kind("aiohttp", "ClientSession", ("close",)),
    Kind("niquests", "AsyncSession", ("close",)),
    Kind("niquests", "Session", ("close",)),
    Kind("milkrun.client", "Client", ("aclose",)),
)

# They open no connections, or on a client that is counted itself.
_WITHOUT_CONNECTIONS = frozenset({"ASGITransport", "MockTransport", "WSGITransport", "_TestClientTransport"})
_ON_OUR_CLIENT = "milkrun.client."


def patch_class(patches: Patches, cls: type, kind: Kind) -> None:
    """Tell the observers of each construction and closing of a `cls` and of its subclasses."""
    patches.replace(cls, "__init__", _constructing(vars(cls)["__init__"], f"{kind.module}.{kind.name}"))
    for name in kind.closers:
        patches.replace(cls, name, _closing(vars(cls)[name]))


def _constructing(original: Callable[..., None], what: str) -> Callable[..., None]:
    @wraps(original)
    def construct(self: object, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if ("transport" in kwargs or "connector_owner" in kwargs) and _borrows(kwargs):
            return
        observers = roll.observers
        if observers:
            frame = sys._getframe(1)  # noqa: SLF001  # the way to look outwards without a traceback
            code = frame.f_code
            if foreign[code.co_filename] or code.co_name == "__init__":
                frame = caller(frame, self)
            for observer in observers:
                observer.constructed(self, what, frame)

    return construct


def _borrows(options: dict[str, Any]) -> bool:
    """Whether a client made with these options has no connections of its own."""
    transport = options.get("transport")
    if transport is not None:
        return any(
            kind.__name__ in _WITHOUT_CONNECTIONS or kind.__module__.startswith(_ON_OUR_CLIENT)
            for kind in type(transport).__mro__
        )
    return options.get("connector_owner") is False  # aiohttp's word for a connector that others share


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(original):

        @wraps(original)
        async def close_soon(self: object, *args: Any, **kwargs: Any) -> Any:
            for observer in roll.observers:
                observer.closed(self)
            return await original(self, *args, **kwargs)

        return close_soon

    @wraps(original)
    def close(self: object, *args: Any, **kwargs: Any) -> Any:
        for observer in roll.observers:
            observer.closed(self)
        return original(self, *args, **kwargs)

    return close
