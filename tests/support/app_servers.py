"""Real servers of ASGI applications in processes of their own: started on a free port, always ended."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.support.command_line import environment

WITHIN = 60.0  # seconds: several workers that start on a busy machine take their time
ROOT = Path(__file__).resolve().parents[2]
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "0")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--no-control-socket")

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(?!0\b)\d+")


class Server:
    """A running server and all it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self._more = asyncio.Event()
        self.said = ""
        # A worker of uvicorn says that it has started before it listens, so a first connection may be refused.
        patient = httpx2.AsyncHTTPTransport(retries=6)
        self.http = httpx2.AsyncClient(timeout=WITHIN, headers={"Connection": "close"}, transport=patient)

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            self.said += line.decode()
            self._more.set()
        self._more.set()

    async def says(self, words: str | re.Pattern[str]) -> str:
        """Wait until the server has said this; TimeoutError if it never does."""
        async with asyncio.timeout(WITHIN):
            while not (found := re.search(words, self.said)):
                assert not self._reading.done(), self.said
                self._more.clear()
                await self._more.wait()
        return found[0]

    async def stop(self) -> int:
        """End it in good order, and wait for that; its exit status."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended, and has said all; its exit status."""
        async with asyncio.timeout(WITHIN):
            await self._reading
            return await self._process.wait()


@asynccontextmanager
async def server(command: tuple[str, ...], application: str) -> AsyncIterator[Server]:
    """Run `python -m …` with an application of `worker_apps`; its address is `http`'s once it has said it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "always::ResourceWarning", "-m", *command, f"tests.support.worker_apps:{application}"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    running = Server(process)
    try:
        async with running.http:
            yield running
    finally:
        if process.returncode is None:
            await _stopped(running, process)


async def _stopped(running: Server, process: asyncio.subprocess.Process) -> None:
    try:
        await running.stop()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)  # its workers with it
        await running.ended()


async def address(running: Server) -> str:
    """Where it listens, once it does: uvicorn says where before."""
    await running.says("startup complete|Listening at")
    return await running.says(_ADDRESS)
