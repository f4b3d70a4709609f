"""The comparison's processes: in sessions of their own, so that an interrupt is the parent's alone; always ended."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import msgspec

from milkrun.client.compare.figures import Round
from milkrun.client.compare.plan import LABELS, CompareError, Plan
from milkrun.client.pool.descriptors import descriptor_limit
from milkrun.client.url import parse_url

_PACKAGE = "milkrun.client.compare"
_PATIENCE = 5.0


class Running:
    """A process and its ends of our pipes. That its standard input ends is how it learns that nobody waits any more."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.stdin = cast("asyncio.StreamWriter", process.stdin)  # typed as if it had not been asked for, as these all
        self.stdout = cast("asyncio.StreamReader", process.stdout)
        self.stderr = cast("asyncio.StreamReader", process.stderr)

    async def last_words(self) -> str:
        """The last line that it wrote to standard error, once it has ended."""
        lines = (await self.stderr.read()).decode(errors="replace").splitlines()
        return lines[-1] if lines else f"exit status {await self.process.wait()}"


def environment(roots: str | None) -> dict[str, str]:
    """What a process finds: no proxy, for that would be measured; the roots to trust, by OpenSSL's name for them."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept if roots is None else {**kept, "SSL_CERT_FILE": roots}


async def measured(plan: Plan, env: Mapping[str, str]) -> Round:
    """Run one contestant's round. Raises CompareError if its process ends early."""
    async with _running("measured", env=env) as running:
        running.stdin.write(msgspec.json.encode(plan) + b"\n")
        answer = await running.stdout.readline()
        words = "" if answer else await running.last_words()
    if words:
        told = words.replace(plan.url, parse_url(plan.url).text)
        raise CompareError(f"the process that measures {LABELS[plan.contestant]} ended early: {told}")
    return msgspec.json.decode(answer, type=Round)


@asynccontextmanager
async def own_origin() -> AsyncIterator[tuple[str, str]]:
    """Run the comparison's own server; gives its URL and the file of the roots to trust there."""
    async with _running("origin", env=environment(None)) as running:
        line = await running.stdout.readline()
        if not line:
            raise CompareError(f"the comparison's own server did not start: {await running.last_words()}")
        yield msgspec.json.decode(line, type=tuple[str, str])


@asynccontextmanager
async def _running(module: str, *, env: Mapping[str, str]) -> AsyncIterator[Running]:
    command = (sys.executable, "-m", f"{_PACKAGE}.{module}")
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=dict(env), start_new_session=True
        )
    except OSError as err:  # uvloop does not say which: mostly there are no descriptors left for the pipes
        limit = f"the limit of descriptors (ulimit -n) is {descriptor_limit()}"
        raise CompareError(f"no process could be started ({err.strerror}); {limit}") from err
    running = Running(process)
    try:
        yield running
    finally:
        running.stdin.close()
        await _ended(process)


async def _ended(process: Process) -> None:
    """Wait until it has ended, which the end of its standard input is to make it do; make it where that does not."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
