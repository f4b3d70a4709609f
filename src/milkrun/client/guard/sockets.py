"""What is put around the calls that open TCP connections: each is told of once, by the name its caller gave."""

import asyncio.base_events
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import FrameType
from typing import Any

import aiohappyeyeballs

from milkrun.client.dial.reach import Reach
from milkrun.client.guard.calling import caller, trail
from milkrun.client.guard.observers import Dial, roll
from milkrun.client.guard.patches import Patches

Where = Callable[[tuple[Any, ...], dict[str, Any]], str | None]

_INTERNET = (socket.AF_INET, socket.AF_INET6)

# asyncio, Happy Eyeballs, anyio and our own dialer connect in calls within calls and in tasks of their own; the
# outermost call knows the name and has the stack, the innermost one the socket.
_under_way: ContextVar[Dial | None] = ContextVar("milkrun_guard_dial", default=None)


def patch_sockets(patches: Patches) -> None:
    """Tell the observers of what opens connections and is always imported."""
    for name in ("connect", "connect_ex"):
        patches.replace(socket.socket, name, _connecting(getattr(socket.socket, name)))
    patches.replace(socket, "create_connection", _calling(socket.create_connection))
    loop = asyncio.base_events.BaseEventLoop
    patches.replace(loop, "create_connection", _by_asyncio(loop.create_connection))
    patches.replace(Reach, "reach", _awaiting(Reach.reach, _of_origin))
    # As aiohttp connects: by one address after the other, each in a task in which the caller is not seen.
    start = aiohappyeyeballs.start_connection
    patches.replace(aiohappyeyeballs, "start_connection", _awaiting(start, _of_first_address))


def patch_uvloop(patches: Patches, uvloop: Any) -> None:
    """Tell of uvloop's own connections: they go past Python's sockets."""
    patches.replace(uvloop.Loop, "create_connection", _by_uvloop(uvloop.Loop.create_connection))


def patch_anyio(patches: Patches, anyio: Any) -> None:
    """Tell of anyio's connections by name: it resolves names itself, and connects to addresses."""
    patches.replace(anyio, "connect_tcp", _awaiting(anyio.connect_tcp, _of_host("remote_host", "remote_port")))


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def connect(self: socket.socket, *args: Any) -> Any:
        if self.type is not socket.SOCK_STREAM or self.family not in _INTERNET:
            return original(self, *args)
        dial = _now() or _set_out(_of_address(args, {}), sys._getframe(1))  # noqa: SLF001  # no traceback is needed
        _open(dial)
        try:
            return original(self, *args)
        finally:  # a socket that does not block connects after this call
            _reach(dial, self.fileno())

    return connect


def _calling(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _dialling(_of_address(args, kwargs), sys._getframe(1)):  # noqa: SLF001  # as above
            return original(*args, **kwargs)

    return call


def _awaiting(original: Callable[..., Any], where: Where) -> Callable[..., Any]:
    @wraps(original)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with _dialling(where(args, kwargs), sys._getframe(1)):  # noqa: SLF001  # as above
            return await original(*args, **kwargs)

    return call


def _by_asyncio(original: Callable[..., Any]) -> Callable[..., Any]:
    where = _of_host("host", "port")

    @wraps(original)
    async def create_connection(self: object, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        with _dialling(where(args, kwargs), sys._getframe(1)) as dial:  # noqa: SLF001  # as above

            def made() -> Any:  # once it is connected: what the protocol opens is something else
                if dial is not None:
                    dial.over = True
                return protocol_factory()

            return await original(self, made, *args, **kwargs)

    return create_connection


def _by_uvloop(original: Callable[..., Any]) -> Callable[..., Any]:
    where = _of_host("host", "port")

    @wraps(original)
    async def create_connection(self: object, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        with _dialling(where(args, kwargs), sys._getframe(1)) as dial:  # noqa: SLF001  # as above
            _open(dial)
            _under_way.set(None)  # what Python's sockets do now, for the protocol, is something else
            transport, protocol = await original(self, protocol_factory, *args, **kwargs)
            sock = transport.get_extra_info("socket")
            if sock is not None:  # the protocol may have closed it already
                _reach(dial, sock.fileno())
            return transport, protocol

    return create_connection


@contextmanager
def _dialling(origin: str | None, frame: FrameType) -> Iterator[Dial | None]:
    """Inside, sockets connect to that origin for `frame`, or for whoever set out before; None: to none that counts."""
    outer = _now()
    dial = outer or _set_out(origin, frame)
    if origin is None or dial is None:
        yield None
        return
    _under_way.set(dial)
    try:
        yield dial
    finally:
        _under_way.set(outer)
        if outer is None:
            dial.over = True


def _now() -> Dial | None:
    dial = _under_way.get()
    return None if dial is None or dial.over else dial


def _set_out(origin: str | None, frame: FrameType) -> Dial | None:
    if origin is None or not roll.observers:
        return None
    found = caller(frame)
    dial = Dial(origin, trail(found))
    for observer in roll.observers:
        observer.setting_out(dial, frame)
    return dial


def _open(dial: Dial | None) -> None:
    if dial is not None and not dial.opened:
        dial.opened = True
        for observer in roll.observers:
            observer.opened(dial)


def _reach(dial: Dial | None, descriptor: int) -> None:
    if dial is not None and descriptor >= 0:
        for observer in roll.observers:
            observer.reached(dial, descriptor)


def _of_address(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    address = args[0] if args else kwargs.get("address")
    if not isinstance(address, tuple) or len(address) < 2:
        return None  # the call will say so itself
    return _named(address[0], address[1])


def _of_host(*names: str) -> Where:
    """The origin where host and port are the first arguments, or have these names."""

    def where(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        given = dict(zip(names, args, strict=False)) | kwargs
        host = given.get(names[0])
        return None if host is None else _named(host, given.get(names[1]))

    return where


def _of_first_address(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    infos = args[0] if args else kwargs.get("addr_infos")
    if not infos or infos[0][0] not in _INTERNET:
        return None
    host, port, *_ = infos[0][4]
    return _named(host, port)


def _of_origin(args: tuple[Any, ...], _: dict[str, Any]) -> str | None:
    origin, route = args[1:3]
    return None if route.unix_socket is not None else _named(origin.host, origin.port)


def _named(host: object, port: object) -> str:
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
