"""uvicorn, one server a door in one process. It closes idle connections without a word."""

import asyncio
import sys
from importlib.util import find_spec
from typing import Any

import msgspec

from tests.conformance.door import Door, Layer, Manner, Order, inherited
from tests.conformance.servers.application import Application


class Uvicorn:
    """On httptools, which is its faster parser."""

    name = "uvicorn"
    remedy = "pip install uvicorn"
    layers = frozenset({Layer.PLAIN, Layer.TLS})
    manners = frozenset(Manner)
    http2 = False
    patience = 0.02
    lifetime = 1
    codings: frozenset[str] = frozenset()

    def program(self) -> str | None:
        """Python itself, if it has the package."""
        return sys.executable if find_spec("uvicorn") else None

    def command(self, order: Order) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __name__, order.text()]


async def serve(order: Order) -> None:
    """Serve until killed."""
    import uvicorn

    application = Application(order.site)
    async with asyncio.TaskGroup() as doors:
        for door in order.doors:
            config = uvicorn.Config(application, **_options(order, door))
            doors.create_task(uvicorn.Server(config).serve(sockets=[inherited(door)]))


def _options(order: Order, door: Door) -> dict[str, Any]:
    options: dict[str, Any] = {"lifespan": "off", "log_level": "warning", "access_log": False, "ws": "none"}
    if door.layer is Layer.TLS:
        options["ssl_certfile"] = order.pem
    if door.manner is Manner.IMPATIENT:
        options["timeout_keep_alive"] = order.patience
    if door.manner is Manner.FLEETING:
        options["headers"] = [("connection", "close")]
    return options


if __name__ == "__main__":
    asyncio.run(serve(msgspec.json.decode(sys.argv[1], type=Order)))
