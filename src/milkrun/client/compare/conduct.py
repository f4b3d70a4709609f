"""The comparison: the contestants take turns, round by round, each turn in a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec

from milkrun.client.client import Client
from milkrun.client.compare.figures import Round, Standing, standing
from milkrun.client.compare.plan import (
    WITH_HTTPX2,
    WITHOUT_HTTPX2,
    CompareError,
    Contestant,
    Load,
    Plan,
    check,
)
from milkrun.client.compare.processes import environment, measured, own_origin
from milkrun.client.compare.target import OWN_NETWORKS, Target, addresses_of, judge
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.url import parse_url

MOST_BYTES = 1_000_000


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask.

    Attributes:
        timeout: seconds for a request.
        insecure: any certificate will do.
        ca_file: PEM roots to trust instead of the system's.
        http2: HTTP/2 is offered.
        yes: the target may be anywhere.
    """

    timeout: float = 10.0
    insecure: bool = False
    ca_file: str | None = None
    http2: bool = False
    yes: bool = False


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        url: of the target, without credentials; None: the comparison's own server.
        version: of HTTP, that the target spoke; `bytes`: of its body.
        rounds: how many were completed, of those that `load` asks for: time may run out.
    """

    url: str | None
    version: str
    bytes: int
    load: Load
    rounds: int
    standings: tuple[Standing, ...]


def contestants() -> tuple[Contestant, ...]:
    """Who can take part here: without httpx2, Milkrun's own alone."""
    return WITHOUT_HTTPX2 if find_spec("httpx2") is None else WITH_HTTPX2


async def compare(
    url: str | None,
    load: Load,
    wishes: Wishes,
    *,
    on_turn: Callable[[Round], None],
    parties: Sequence[Contestant] | None = None,
) -> Comparison:
    """Compare the parties (by default all that can) against a URL, or against a server of our own.

    Raises:
        UsageError: bad input, or a target that needs --yes.
        CompareError: the target does not answer, or nothing was complete when the time was up.
    """
    check(load)
    _check(wishes, url, load)
    async with _target(url, load, wishes) as (target, roots):
        version, size = await _look(target, wishes, roots)
        plan = _plan(target, load, wishes)
        env = environment(roots)
        rounds = await _rounds(plan, parties or contestants(), load, env, on_turn)
    return Comparison(
        url=None if url is None else target.shown,
        version=version,
        bytes=size,
        load=load,
        rounds=len(rounds),
        standings=tuple(standing(turns) for turns in zip(*rounds, strict=True)),
    )


def _check(wishes: Wishes, url: str | None, load: Load) -> None:
    if not 0 < wishes.timeout <= load.within:
        raise UsageError(f"--timeout {wishes.timeout:g}: expected more than 0, and {load.within:g} at most")
    if wishes.ca_file is None:
        return
    if url is None:
        raise UsageError("--ca-file is for a server of yours: add its URL")
    if not Path(wishes.ca_file).is_file():
        raise UsageError(f"--ca-file {wishes.ca_file}: there is no such file")


@asynccontextmanager
async def _target(url: str | None, load: Load, wishes: Wishes) -> AsyncIterator[tuple[Target, str | None]]:
    """The target, and the file of the roots to trust there."""
    if url is not None:
        parsed = parse_url(url)
        addresses = await addresses_of(parsed)
        yield judge(url, parsed, addresses, load, yes=wishes.yes), wishes.ca_file
        return
    async with own_origin() as (own, roots):
        yield Target(url=own, shown=own, allow=OWN_NETWORKS), roots


def _plan(target: Target, load: Load, wishes: Wishes) -> Plan:
    return Plan(
        contestant=Contestant.MILKRUN_SHARED,
        url=target.url,
        requests=load.requests,
        concurrency=load.concurrency,
        timeout=wishes.timeout,
        insecure=wishes.insecure,
        http2=wishes.http2,
        allow=target.allow,
    )


async def _look(target: Target, wishes: Wishes, roots: str | None) -> tuple[str, int]:
    """Ask once before all others: that it answers, in which version and with how many bytes."""
    policy = None if target.allow is None else AddressPolicy(allow=target.allow)
    try:
        async with Client(  # noqa: MRC003  # for one request a run
            addresses=policy, resolver="system", ca_file=roots, insecure=wishes.insecure, http2=wishes.http2
        ) as client:
            response = await client.get(target.url, timeout=wishes.timeout, max_body=MOST_BYTES)
    except RequestError as err:
        if err.layer == "body":
            raise UsageError(f"{target.shown} answers with more than a megabyte: choose a smaller page") from err
        raise CompareError(f"{target.shown} does not answer: {err.layer}: {err.message}") from err
    return response.version, len(response.body)


async def _rounds(
    plan: Plan, parties: Iterable[Contestant], load: Load, env: dict[str, str], on_turn: Callable[[Round], None]
) -> list[list[Round]]:
    """Every whole round that there was time for, at least one."""
    rounds: list[list[Round]] = []
    try:
        async with asyncio.timeout(load.within):
            while len(rounds) < load.rounds:
                rounds.append([await _turn(plan, party, env, on_turn) for party in parties])
    except TimeoutError as err:
        if not rounds:
            raise CompareError(f"no round ended within {load.within:g} s: fewer --requests, or more --within") from err
    return rounds


async def _turn(plan: Plan, party: Contestant, env: dict[str, str], on_turn: Callable[[Round], None]) -> Round:
    turn = await measured(msgspec.structs.replace(plan, contestant=party), env)
    on_turn(turn)
    return turn
