"""The benchmarks' harness: that what it says was done was done. It asserts no time."""

from collections.abc import Iterator

import pytest
from benchmarks import fan_out_rows
from benchmarks.child import Child
from benchmarks.origins import Origins, origins

ORIGINS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[Origins]:
    with origins(own=True) as running:
        yield running


@pytest.mark.parametrize("name", ["bare", "milkrun"])
@pytest.mark.parametrize("tls", [False, True])
def test_warm_requests_open_one_connection_an_origin_and_the_origins_count_them(
    server: Origins, name: str, tls: bool
) -> None:
    urls = server.tls(ORIGINS) if tls else server.plain(ORIGINS)
    before = server.counts()
    with Child(name, urls, server.ca) as child:
        child.ask("visit", 0, ORIGINS)
        assert child.ask("spin", ORIGINS, 0.05) > 0
        assert child.ask("pace", ORIGINS, 100.0, 0.2) > 0
        after = server.counts()
    assert after.accepts - before.accepts == ORIGINS
    assert after.requests - before.requests > ORIGINS + 20


@pytest.mark.parametrize("name", ["bare", "milkrun"])
def test_fresh_requests_open_a_connection_each(server: Origins, name: str) -> None:
    before = server.counts()
    with Child(name, server.tls(ORIGINS), server.ca) as child:
        child.ask("fresh", ORIGINS, 0.05)
    after = server.counts()
    assert after.accepts - before.accepts == after.requests - before.requests > 0


async def test_a_fan_out_is_measured_over_as_many_warm_connections_as_by_hand(server: Origins) -> None:
    before = server.counts()
    taken = await fan_out_rows.measured(server.plain(fan_out_rows.UPSTREAMS), seconds=0.02, rounds=2)
    after = server.counts()
    assert {name: len(each) for name, each in taken.items()} == {"by hand": 2, "fan_out": 2, "limited": 2}
    assert after.accepts - before.accepts == fan_out_rows.UPSTREAMS
