"""Checks as a user makes them: a configuration file, the whole of `app.check`, and the Results it tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from milkrun import app
from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from milkrun.clock import SystemClock
from milkrun.config.load import load
from milkrun.config.settings import Settings
from milkrun.core.endpoint import Endpoint
from milkrun.core.outcome import Layer
from milkrun.core.result import Result
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.once import check_once
from milkrun.probes.kinds import KINDS
from milkrun.probes.registry import probe_makers
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.samples import write_configuration

SOON = "300ms"  # for servers that are to be given up
SLACK = 1.0  # seconds after its deadline by which a check has ended, on a machine busy with other things
_TRIES = 6
_PATIENCE = 30.0  # a check that never ends is a failure too


class Checks:
    """Makes checks from configuration files in one folder.

    Where this machine held the event loop long enough to be blamed for a timeout, the checks are made again: that
    the result then says so is right, and is tested on its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sections: dict[str, object] = {}  # of the configuration, beside its endpoints

    def settings(self, *endpoints: dict[str, object]) -> Settings:
        return load([write_configuration(self._folder, endpoints, **self.sections)], KINDS, CHANNELS)

    async def of(self, url: str, *conditions: str, rounds: int = 1, **keys: object) -> list[Result]:
        """The results of one endpoint, one a round."""
        told = await self.all(endpoint("target", url, *conditions, **keys), rounds=rounds)
        return told["target"]

    async def all(self, *endpoints: dict[str, object], rounds: int = 1) -> dict[str, list[Result]]:
        """The results of several endpoints by name, in order."""
        settings = self.settings(*endpoints)
        told: dict[str, list[Result]] = {}
        for _ in range(_TRIES):
            told.clear()
            async with asyncio.timeout(_PATIENCE):
                await app.check(settings, rounds=rounds, on_result=lambda each, result: _keep(told, each, result))
            if not _overloaded(told):
                break
        for each in settings.endpoints:
            assert len(told[each.name]) == rounds
            assert all(_ended_in_time(each, result) for result in told[each.name])
        return told

    async def by(self, client: Client, url: str, *conditions: str, **keys: object) -> Result:
        """The one result of a check on a client of the test's own."""
        settings = self.settings(endpoint("target", url, *conditions, **keys))
        told: dict[str, list[Result]] = {}
        for _ in range(_TRIES):
            told.clear()
            async with asyncio.timeout(_PATIENCE):
                await _check(client, settings.endpoints, told)
            if not _overloaded(told):
                break
        (result,) = told["target"]
        assert _ended_in_time(settings.endpoints[0], result)
        return result


def endpoint(name: str, url: str, *conditions: str, **keys: object) -> dict[str, object]:
    """An endpoint as a configuration has it; `timeout` and `insecure` go where they belong."""
    client = {key: keys.pop(key) for key in ("timeout", "insecure") if key in keys}
    return {"name": name, "url": url, "conditions": list(conditions), "client": client} | keys


def failure(result: Result) -> tuple[str, str] | None:
    """Layer and kind."""
    return None if result.failure is None else (result.failure.layer.value, result.failure.kind)


async def _check(client: Client, endpoints: Sequence[Endpoint], told: dict[str, list[Result]]) -> None:
    clock = SystemClock()
    lag = LagMeter(clock)
    ticking = asyncio.create_task(lag.run())
    try:
        await check_once(
            endpoints,
            rounds=1,
            on_result=lambda each, result: _keep(told, each, result),
            makers=probe_makers(client, clock=clock, lag_since=lag.since),
            clock=clock,
            location="local",
        )
    finally:
        ticking.cancel()


def _keep(told: dict[str, list[Result]], each: Endpoint, result: Result) -> None:
    told.setdefault(each.name, []).append(result)


def _overloaded(told: dict[str, list[Result]]) -> bool:
    failures = [result.failure for results in told.values() for result in results if result.failure is not None]
    return any(each.layer is Layer.SELF and each.kind == "overload" for each in failures)


def _ended_in_time(each: Endpoint, result: Result) -> bool:
    return result.timings.total + result.timings.queue <= each.timeout + SLACK


@pytest.fixture
async def checks(tmp_path: Path) -> AsyncIterator[Checks]:
    """Checks that leave no socket open."""
    before = open_sockets()
    yield Checks(tmp_path)
    assert await settled(before)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A certificate authority that this machine trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", made.ca_file)
    return made
