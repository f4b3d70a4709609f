"""Checks made now, by hand: every endpoint a few times over, nothing scheduled and nothing stored."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from milkrun.clock import Clock
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.observation import Observation
from milkrun.core.result import Result, Trigger
from milkrun.monitor.route import Stop
from milkrun.monitor.runner import Runner
from milkrun.monitor.timeline import Timeline
from milkrun.probes.protocol import ProbeMaker

# More at a time would wait for the client's own limits, and that wait is part of a check's deadline.
AT_ONCE = 200

OnResult = Callable[[Endpoint, Result], None]


class _Told:
    """The recorder that tells what a slot finally came to, as soon as it is known."""

    def __init__(self, endpoints: Mapping[int, Endpoint], on_result: OnResult) -> None:
        self._endpoints = endpoints
        self._on_result = on_result

    def add(self, result: Result) -> None:
        """An attempt that will be repeated is not what the check came to."""

    def skip(self, result: Result) -> None:
        self._on_result(self._endpoints[result.endpoint], result)

    def settle(self, registered: Registered, result: Result, seen: Observation | None = None) -> None:  # noqa: ARG002 - the seam's shape
        self._on_result(registered.endpoint, result)


async def check_once(
    endpoints: Sequence[Endpoint],
    *,
    rounds: int,
    on_result: OnResult,
    makers: Mapping[str, ProbeMaker],
    clock: Clock,
    location: str,
) -> None:
    """Check all endpoints `rounds` times over, each round after the one before; retries are honoured."""
    stops = [
        Stop(Registered(id=place, revision=1, endpoint=endpoint), makers[endpoint.kind](endpoint))
        for place, endpoint in enumerate(endpoints)
    ]
    recorder = _Told(dict(enumerate(endpoints)), on_result)
    runner = Runner(clock=clock, timeline=Timeline(clock), recorder=recorder, location=location)
    try:
        for _ in range(rounds):
            await _round(runner, stops, clock)
    finally:
        await runner.drain(0)


async def _round(runner: Runner, stops: Sequence[Stop], clock: Clock) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    for stop in stops:
        await turns.acquire()
        runner.start(stop, int(clock.wall() * 1_000), Trigger.MANUAL).add_done_callback(lambda _: turns.release())
    await runner.idle()
