"""hypercorn, one server a door in one process. Without TLS, too, it knows HTTP/2 by its preface."""

import asyncio
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

import msgspec

from tests.conformance.door import Door, Layer, Manner, Order
from tests.conformance.servers.application import Application

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework


class Hypercorn:
    """On h11 and h2."""

    name = "hypercorn"
    remedy = "pip install hypercorn"
    layers = frozenset(Layer)
    http2 = True
    patience = 0.3  # also of a connection that has not asked anything yet, so it has to last for the asking
    lifetime = 3
    codings: frozenset[str] = frozenset()
    trailers = False
    lingers = False  # over HTTP/2, what is on its way to a stream that it has ended may cost the connection

    def program(self) -> str | None:
        """Python itself, if it has the package."""
        return sys.executable if find_spec("hypercorn") else None

    def command(self, order: Order) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __name__, order.text()]


async def serve(order: Order) -> None:
    """Serve until killed."""
    from hypercorn.asyncio import serve as serve_door
    from hypercorn.config import Config

    application = Application(order.site)
    async with asyncio.TaskGroup() as doors:
        for door in order.doors:
            config = Config.from_mapping(_options(order, door))
            doors.create_task(serve_door(cast("ASGIFramework", application), config, mode="asgi"))


def _options(order: Order, door: Door) -> dict[str, object]:
    options: dict[str, object] = {"bind": [f"fd://{door.fd}"], "loglevel": "WARNING"}
    if door.layer is Layer.TLS:
        options |= {"certfile": order.pem, "keyfile": order.pem}
    if door.manner is Manner.IMPATIENT:
        options["keep_alive_timeout"] = order.patience
    if door.manner is Manner.FLEETING:
        options["keep_alive_max_requests"] = order.lifetime
    return options


if __name__ == "__main__":
    asyncio.run(serve(msgspec.json.decode(sys.argv[1], type=Order)))
