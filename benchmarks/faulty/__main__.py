"""The misbehaving origins' process.

Run as `python -m benchmarks.faulty FIRST_PORT TLS_PORTS HTTP2_PORTS CERTIFICATE KEY SEED`; it prints a line once it
listens, and serves until it is terminated.
"""

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import Callable

import uvloop

from benchmarks.faulty.frames import Frames
from benchmarks.faulty.mischief import IN_HANDSHAKES, Mischief, Mood
from benchmarks.faulty.served import Served, reset_at_close
from benchmarks.faulty.text import Text
from benchmarks.measure import raise_descriptor_limit

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the only listen that answers on all of 127.0.0.0/8
_BACKLOG = 4096
_ALERT = bytes.fromhex("15 0303 0002 02 28")  # fatal, handshake_failure (RFC 8446 6)


async def serve(base: int, tls_ports: int, http2_ports: int, certificate: str, key: str, seed: int) -> None:
    """Listen until terminated."""
    mood = Mood(seed)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Text(mood), _EVERYWHERE, base, backlog=_BACKLOG)
    async with asyncio.TaskGroup() as doors:
        for port in range(base + 1, base + 1 + tls_ports):
            doors.create_task(_welcome(port, _context("http/1.1", certificate, key), mood, Text))
        for port in range(base + 1 + tls_ports, base + 1 + tls_ports + http2_ports):
            doors.create_task(_welcome(port, _context("h2", certificate, key), mood, Frames))
        await asyncio.sleep(0)
        print("listening", flush=True)


def _context(alpn: str, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([alpn])
    return context


async def _welcome(port: int, context: ssl.SSLContext, mood: Mood, make: Callable[[Mood], Served]) -> None:
    """Accept connections for ever; a handshake may be where one ends."""
    loop = asyncio.get_running_loop()
    with socket.create_server((_EVERYWHERE, port), backlog=_BACKLOG) as listener:
        listener.setblocking(False)
        async with asyncio.TaskGroup() as handshakes:
            while True:
                sock, _ = await loop.sock_accept(listener)
                mischief = mood.decide(IN_HANDSHAKES)
                if mischief is None:
                    handshakes.create_task(_shake_hands(sock, context, lambda: make(mood)))
                else:
                    handshakes.create_task(_refuse(sock, mischief))


async def _shake_hands(sock: socket.socket, context: ssl.SSLContext, make: Callable[[], Served]) -> None:
    with contextlib.suppress(OSError):  # the client has gone
        await asyncio.get_running_loop().connect_accepted_socket(make, sock, ssl=context)


async def _refuse(sock: socket.socket, mischief: Mischief) -> None:
    loop = asyncio.get_running_loop()
    with sock, contextlib.suppress(OSError):
        await loop.sock_recv(sock, 65_536)
        match mischief:
            case Mischief.ALERT:
                await loop.sock_sendall(sock, _ALERT)
            case Mischief.RESET:
                reset_at_close(sock)
            case Mischief.STALL:
                await loop.sock_recv(sock, 1)


if __name__ == "__main__":
    raise_descriptor_limit()
    base, tls_ports, http2_ports, certificate, key, seed = sys.argv[1:]
    uvloop.run(serve(int(base), int(tls_ports), int(http2_ports), certificate, key, int(seed)))
