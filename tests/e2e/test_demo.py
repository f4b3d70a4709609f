"""`milkrun demo`: fifty endpoints, all checked within the first interval, mostly well, gone when it stops."""

import asyncio
import signal
from collections import Counter
from typing import Any

import pytest

from tests.support.command_line import Served, serving

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
