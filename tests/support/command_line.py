"""The real command line in processes of its own: run to its end, or started and watched, always ended."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import msgspec

START_WITHIN = 30.0
SETTLE_WITHIN = 30.0
STOP_WITHIN = 10.0
COMMAND = (str(Path(sys.executable).with_name("milkrun")),)


def environment(**extra: str) -> dict[str, str]:
    """The test's own environment, with no colour forced and output as it is written."""
    kept = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def milkrun(*arguments: object, cwd: Path | None = None, **extra: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=environment(**extra)
    )


class Served(msgspec.Struct):
    """A running `milkrun serve` or `milkrun demo`, and a client of its interface."""

    process: asyncio.subprocess.Process
    address: str
    http: httpx2.AsyncClient

    async def get(self, path: str) -> Any:
        """The JSON at `path`."""
        answer = await self.http.get(path)
        answer.raise_for_status()
        return answer.json()

    async def eventually(self, path: str, is_so: Callable[[Any], bool], within: float = SETTLE_WITHIN) -> Any:
        """Ask again until the answer is so; TimeoutError when it never is."""
        async with asyncio.timeout(within):
            while not is_so(answer := await self.get(path)):
                await asyncio.sleep(0.05)
        return answer

    async def stop_and_read_errors(self) -> str:
        """Stop it, and return all that it wrote to a standard error that was piped."""
        self.process.terminate()
        async with asyncio.timeout(SETTLE_WITHIN):
            _, errors = await self.process.communicate()
        return errors.decode()

    async def stop(self, signal: int, within: float) -> int:
        """Send a signal and return the exit status; TimeoutError when it does not end in time."""
        self.process.send_signal(signal)
        async with asyncio.timeout(within):
            return await self.process.wait()


@asynccontextmanager
async def serving(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, stderr: int | None = None
) -> AsyncIterator[Served]:
    """Start a serving command and wait for the line that says where its pages are."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, arguments),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment(**(env or {})),
    )
    try:
        address = await _announced(process)
        async with httpx2.AsyncClient(base_url=address, timeout=10) as http:
            yield Served(process, address, http)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it stop by itself, make it where it does not, and read its pipe to the end, or that is a leak."""
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_WITHIN):
            await process.wait()
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


async def _announced(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(START_WITHIN):
        async for line in process.stdout:
            if found := re.search(rb"http://\S+", line):
                return found[0].decode().rstrip("/.")
    raise AssertionError("it ended without saying where its pages are")
