"""The two packages whose transport we are, httpx2 and httpx: their classes by one set of names.

Their classes are each its own: a request of the one cannot be answered with a response or an error of the other. So
what a request is answered with is decided by the package that its class comes from.
"""

import importlib
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from milkrun.client.errors import UsageError

_PACKAGES = {"httpx2": "httpcore2", "httpx": "httpcore"}  # each with the one that its own transport is made of
_faces: dict[type, "Face"] = {}
_MISSING = "milkrun.client.httpx needs httpx2: pip install 'milkrun[httpx]'"


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """One of the packages.

    Attributes:
        module: its interface: `Response`, `AsyncByteStream`, `ByteStream`, the exceptions.
        core: whose exceptions a network stream raises.
    """

    module: Any
    core: Any

    def error(self, name: str, message: str, request: Any) -> Exception:
        """An exception of the face's, by name."""
        error: Exception = getattr(self.module, name)(message, request=request)
        return error


def face_of(request: object) -> Face:
    """The face that a request's class belongs to, or derives from."""
    kind = type(request)
    face = _faces.get(kind)
    if face is None:
        face = _faces[kind] = _face(_package(kind))
    return face


def _package(kind: type) -> str:
    for base in kind.__mro__:
        package = base.__module__.partition(".")[0]
        if package in _PACKAGES:
            return package
    raise UsageError(f"a {kind.__qualname__} is no request of {' or '.join(_PACKAGES)}")


def is_client(kind: type) -> bool:
    """Whether a class is an asynchronous client of a face's, or derives from one."""
    return any(
        base.__qualname__ == "AsyncClient" and base.__module__.partition(".")[0] in _PACKAGES for base in kind.__mro__
    )


@cache
def _face(package: str) -> Face:
    return Face(module=importlib.import_module(package), core=importlib.import_module(_PACKAGES[package]))


def _installed() -> ModuleType:
    for package in _PACKAGES:
        try:
            return importlib.import_module(package)
        except ModuleNotFoundError as err:
            if err.name != package:
                raise
    raise ImportError(_MISSING)


if TYPE_CHECKING:
    import httpx
    import httpx2

    class AsyncBaseTransport(httpx2.AsyncBaseTransport, httpx.AsyncBaseTransport):
        """For whoever checks types it is both; the faces themselves look at nothing but the methods."""

        async def handle_async_request(self, request: Any) -> Any:
            """As either has it."""
else:
    AsyncBaseTransport = _installed().AsyncBaseTransport

__all__ = ["AsyncBaseTransport", "Face", "face_of"]
