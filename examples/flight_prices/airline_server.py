"""The process of the airlines: ten ports, TLS on each, every new connection kept waiting for its handshake.

Run as `python -m examples.flight_prices.airline_server FOLDER`. It writes the authority to trust to `ca.pem` in that
folder and a line of JSON, each airline's address by its code, to standard output. It serves until its standard input
ends, as that pipe does when the parent ends, however that ends; its last line is what each airline has seen.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
from pathlib import Path

import trustme
import uvloop

from examples.flight_prices.airlines import AIRLINES, Airline, Desk
from examples.flight_prices.conversations import Http1, Http2
from milkrun.client import raise_limit

_HOST = "127.0.0.1"
_BACKLOG = 4096


class Front:
    """An airline's port. `accepted` connections, and of these `greeted`: the handshake came to its end."""

    def __init__(self, airline: Airline, context: ssl.SSLContext) -> None:
        self._airline = airline
        self._desk = Desk(airline)
        self._context = context
        self._listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._greetings: set[asyncio.Task[None]] = set()
        self.accepted = self.greeted = 0

    @property
    def address(self) -> str:
        """Where it is."""
        return f"https://{_HOST}:{self._listener.getsockname()[1]}"

    async def welcome(self) -> None:
        """Accept connection after connection, each with a task of its own."""
        loop = asyncio.get_running_loop()
        while True:
            guest, _ = await loop.sock_accept(self._listener)
            self.accepted += 1
            greeting = loop.create_task(self._greet(guest))
            self._greetings.add(greeting)
            greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, guest: socket.socket) -> None:
        """Shake hands in a while: until then the kernel keeps what the client says."""
        await asyncio.sleep(self._airline.handshake)
        speak = Http2 if self._airline.http2 else Http1
        with contextlib.suppress(OSError):  # the guest has gone meanwhile
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: speak(self._desk), guest, ssl=self._context
            )
            self.greeted += 1

    def seen(self) -> dict[str, int]:
        """What it has counted."""
        return {
            "accepted": self.accepted,
            "greeted": self.greeted,
            "asked": self._desk.asked,
            "refused": self._desk.refused,
        }


def _context(authority: trustme.CA, *, http2: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    authority.issue_cert(_HOST).configure_cert(context)
    return context


async def serve(folder: Path) -> None:
    """Serve all of them until standard input ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    contexts = {http2: _context(authority, http2=http2) for http2 in (False, True)}
    fronts = {airline.code: Front(airline, contexts[airline.http2]) for airline in AIRLINES}
    _tell({code: front.address for code, front in fronts.items()})
    welcoming = [asyncio.create_task(front.welcome(), name=code) for code, front in fronts.items()]
    await _end_of_input()
    for task in welcoming:
        task.cancel()
    _tell({code: front.seen() for code, front in fronts.items()})


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise_limit()
    uvloop.run(serve(Path(sys.argv[1])))
