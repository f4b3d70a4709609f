"""The sample services' HTTP: a listener each, just enough of HTTP/1.1 to be asked again and again."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from random import Random

from milkrun.demo.behaviours import Behaviour, Exchange
from milkrun.demo.certificates import chain_file
from milkrun.demo.roster import Sample

LOOPBACK = "127.0.0.1"


class Services:
    """Opens every sample's port and keeps it; `addresses` says where each is."""

    def __init__(self, certificates: Path) -> None:
        self._certificates = certificates
        self._held: list[socket.socket | asyncio.Server] = []
        self._conversations: set[asyncio.Task[None]] = set()
        self.addresses: dict[str, str] = {}

    async def open(self, roster: Iterable[Sample]) -> None:
        """Open a port for each sample; the system chooses which."""
        for sample in roster:
            port = self._reserve() if sample.behaviour is None else await self._listen(sample, sample.behaviour)
            scheme = "https" if sample.tls else "http"
            self.addresses[sample.key] = f"{scheme}://{LOOPBACK}:{port}"

    def _reserve(self) -> int:
        """Bind without listening: connections are refused, and nobody else gets the port meanwhile."""
        held = socket.socket()
        held.bind((LOOPBACK, 0))
        self._held.append(held)
        return int(held.getsockname()[1])

    async def _listen(self, sample: Sample, behaviour: Behaviour) -> int:
        dice = Random(sample.key)  # noqa: S311 - dice for a play, not for a secret

        # A plain function with tasks of our own: asyncio's own tasks complain aloud when the end cancels them.
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_converse(reader, writer, behaviour, dice, idle=sample.idle))
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)

        server = await asyncio.start_server(connected, LOOPBACK, 0, ssl=self._context(sample))
        self._held.append(server)
        if not server.sockets:  # asyncio passes over a socket that it could not make, as one of a family not built in
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return int(server.sockets[0].getsockname()[1])

    def _context(self, sample: Sample) -> ssl.SSLContext | None:
        if sample.tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain_file(self._certificates, sample.tls))
        return context

    async def close(self) -> None:
        """Close every port and end every conversation."""
        for held in self._held:
            held.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    behaviour: Behaviour,
    dice: Random,
    *,
    idle: float | None,
) -> None:
    """Answer request after request until either side has had enough, or nothing was asked for `idle` seconds."""
    with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        while True:
            async with asyncio.timeout(idle):
                head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            if not await behaviour(Exchange(path=path, writer=writer, dice=dice)):
                return
