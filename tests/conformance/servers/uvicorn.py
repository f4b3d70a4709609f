"""uvicorn, one server a door in one process. It closes idle connections without a word."""

import asyncio
import sys
from importlib.util import find_spec
from typing import Any, Literal

import msgspec

from tests.conformance.door import Door, Layer, Manner, Order, inherited
from tests.conformance.servers.application import Application

_HTTP2_PARSER = "zttp"


class Uvicorn:
    """On httptools, which is its usual parser, or on zttp, by which it speaks HTTP/2 as well."""

    lifetime = 1
    codings: frozenset[str] = frozenset()
    trailers = False
    lingers = True

    def __init__(self, parser: Literal["httptools", "zttp"] = "httptools") -> None:
        self.http2 = parser == _HTTP2_PARSER
        self.name = "uvicorn-zttp" if self.http2 else "uvicorn"
        self.remedy = f"pip install uvicorn {parser}"
        self.layers = frozenset(Layer) if self.http2 else frozenset({Layer.PLAIN, Layer.TLS})
        self.patience = 0.3 if self.http2 else 0.02  # zttp's connections have to ask their first within it, too
        self._parser = parser

    def program(self) -> str | None:
        """Python itself, if it has the packages."""
        return sys.executable if find_spec("uvicorn") and find_spec(self._parser) else None

    def command(self, order: Order) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __name__, self._parser, order.text()]


async def serve(parser: str, order: Order) -> None:
    """Serve until killed."""
    import uvicorn

    application = Application(order.site)
    async with asyncio.TaskGroup() as doors:
        for door in order.doors:
            config = uvicorn.Config(application, **_options(parser, order, door))
            doors.create_task(uvicorn.Server(config).serve(sockets=[inherited(door)]))


def _options(parser: str, order: Order, door: Door) -> dict[str, Any]:
    options: dict[str, Any] = {"http": parser, "http2": parser == _HTTP2_PARSER}
    options |= {"lifespan": "off", "log_level": "warning", "access_log": False, "ws": "none"}
    if door.layer is Layer.TLS:
        options["ssl_certfile"] = order.pem
    if door.manner is Manner.IMPATIENT:
        options["timeout_keep_alive"] = order.patience
    if door.manner is Manner.FLEETING:
        options["headers"] = [("connection", "close")]
    return options


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Order)))
