"""`milkrun demo`: fifty endpoints, all checked within the first interval, mostly well, gone when it stops."""

import asyncio
import resource
import signal
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.support.command_line import COMMAND, Served, environment, serving

pytestmark = pytest.mark.slow

INTERVAL = 10.0
SLOWEST_CHECK = 5.0


async def all_endpoints(served: Served) -> list[dict[str, Any]]:
    first = await served.get("/api/v1/endpoints")
    found: list[dict[str, Any]] = first["items"]
    number = 1
    while len(found) < first["total"]:
        number += 1
        found += (await served.get(f"/api/v1/endpoints?page={number}"))["items"]
    return found


async def until_all_are_checked(served: Served) -> list[dict[str, Any]]:
    async with asyncio.timeout(INTERVAL + SLOWEST_CHECK + 10):
        while True:
            found = await all_endpoints(served)
            if all(each["last"] for each in found):
                return found
            await asyncio.sleep(0.2)


async def test_the_demo_checks_its_fifty_endpoints_and_stops_with_everything_it_started() -> None:
    async with serving("demo", "--port", 0) as served:
        endpoints = await until_all_are_checked(served)
        states = Counter(each["state"] for each in endpoints)
        assert await served.stop(signal.SIGTERM, 5.0) == 0
    assert len(endpoints) == 50
    assert states["up"] >= 35
    assert states["degraded"] >= 2
    assert 3 <= states["down"] <= 10
    assert not states["unknown"]
    for each in endpoints:
        port = int(each["url"].rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


def test_a_demo_that_cannot_start_its_services_says_so_and_exits_2() -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "milkrun: the sample services of the demo did not start"
    assert "Traceback" not in done.stderr
