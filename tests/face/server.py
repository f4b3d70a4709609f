"""The server of this suite: hypercorn, one process for a test run, with a plain door and one over TLS.

It imports nothing of the client's, so that it starts quickly.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from tests.conformance.door import Door, Layer, Manner, Order, opened
from tests.face.sdk_site import sdk_site
from tests.face.site import Message, Receive, Send, site

if TYPE_CHECKING:
    import socket

    from hypercorn.typing import ASGIFramework


class FaceServer:
    """What runs it. HTTP/2 is spoken at the TLS door, where the client offers it."""

    name = "face"
    remedy = "pip install hypercorn"
    layers = frozenset({Layer.PLAIN, Layer.TLS})
    http2 = True
    patience = 30.0
    lifetime = 1_000_000
    codings: frozenset[str] = frozenset()
    trailers = False
    lingers = True

    def program(self) -> str | None:
        """Python itself."""
        return sys.executable

    def command(self, order: Order) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __name__, order.text()]


def ordered(folder: Path, pem: str) -> "tuple[Order, dict[Door, socket.socket]]":
    """The order for one server, and the sockets of its doors."""
    sockets = {}
    for layer in sorted(FaceServer.layers):
        listening = opened()
        door = Door(manner=Manner.STEADY, layer=layer, fd=listening.fileno(), port=listening.getsockname()[1])
        sockets[door] = listening
    order = Order(
        folder=str(folder),
        site=str(folder),
        pem=pem,
        doors=tuple(sockets),
        application=0,
        patience=FaceServer.patience,
        lifetime=FaceServer.lifetime,
    )
    return order, sockets


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The site, and what the packages under test ask for beside it."""
    if scope["type"] == "lifespan":
        return
    part = sdk_site if scope["path"].startswith("/v1/") else site
    await part(scope, receive, send)


async def serve(order: Order) -> None:
    """Serve until killed."""
    from hypercorn.asyncio import serve as serve_door
    from hypercorn.config import Config

    async with asyncio.TaskGroup() as doors:
        for door in order.doors:
            options: dict[str, object] = {"bind": [f"fd://{door.fd}"], "loglevel": "CRITICAL"}
            options["keep_alive_timeout"] = order.patience
            if door.layer is Layer.TLS:
                options |= {"certfile": order.pem, "keyfile": order.pem}
            config = Config.from_mapping(options)
            doors.create_task(serve_door(cast("ASGIFramework", application), config, mode="asgi"))


if __name__ == "__main__":
    asyncio.run(serve(msgspec.json.decode(sys.argv[1], type=Order)))
