"""The process of one contestant's round, so that its CPU time, its descriptors and its hooks are its own.

Run as `python -m milkrun.client.compare.measured`. It reads a `Plan` (a line of JSON) from standard input and writes a
`Round` to standard output. When its standard input ends before, so has whoever wanted to know, and it stops.
"""

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from functools import partial

import msgspec

from milkrun.client.compare.counting import CountingLoop, Counts, counted_tls
from milkrun.client.compare.doorstep import doorstep
from milkrun.client.compare.figures import Round
from milkrun.client.compare.ours import SESSIONS
from milkrun.client.compare.plan import Plan
from milkrun.client.compare.turn import Session, run
from milkrun.client.dial.policy import AddressPolicy


def session_of(plan: Plan) -> Callable[[Plan, Counts], Session]:
    """How the contestant asks. Those that are httpx2's need it, the others do without."""
    theirs = plan.contestant not in SESSIONS
    sessions = importlib.import_module("milkrun.client.compare.theirs").SESSIONS if theirs else SESSIONS
    make: Callable[[Plan, Counts], Session] = sessions[plan.contestant]
    return make


def measure(plan: Plan) -> Round:
    """Warm up, then run the round, each on a loop of its own."""
    session = session_of(plan)
    with asyncio.Runner(loop_factory=partial(CountingLoop, Counts())) as runner:
        runner.run(_warm_up(session, plan))
    counts = Counts()
    policy = None if plan.allow is None else AddressPolicy(allow=plan.allow)
    with counted_tls(counts), asyncio.Runner(loop_factory=partial(CountingLoop, counts, policy)) as runner:
        return runner.run(_unless_forsaken(run(plan, counts, session(plan, counts))))


async def _warm_up(session: Callable[[Plan, Counts], Session], plan: Plan) -> None:
    async with doorstep() as url, session(msgspec.structs.replace(plan, url=url), Counts()) as ask:
        await ask()


async def _unless_forsaken(work: Coroutine[None, None, Round]) -> Round:
    """Do the work, and end with standard input if that is earlier: the parent holds its other end open for as long."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), task.cancel)
    try:
        return await task
    finally:
        loop.remove_reader(sys.stdin.fileno())


if __name__ == "__main__":
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    sys.stdout.write(msgspec.json.encode(measure(plan)).decode() + "\n")
