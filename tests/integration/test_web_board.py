"""The board: what pages know, from the hub and from the store."""

import asyncio

import pytest

from milkrun.clock import settle
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.live import EndpointsChanged
from milkrun.store.protocol import StoreUnavailableError
from milkrun.web.board import BACKLOG, Board, Watcher
from tests.support.browsing import browsing
from tests.support.scene import Scene, result


async def test_a_start_brings_the_stores_history_under_the_hubs_snapshot() -> None:
    scene = Scene()
    await scene.add(3)
    await scene.play(turns=40, days=2)
    async with browsing(scene) as (_, site):
        entry = site.entry("core_checkout")
        assert len(entry.recent()) == 40
        assert entry.uptime() == pytest.approx(1.0, abs=0.2)
        assert entry.state.state is Outcome.UP
        assert site.board.counts[Outcome.UP] == 3


async def test_live_results_and_states_move_the_board() -> None:
    scene = Scene()
    await scene.add(2)
    async with browsing(scene) as (_, site):
        one = scene.registered[0]
        down = EndpointState(state=Outcome.DOWN, settled=Outcome.DOWN, since=scene.now)
        scene.tell(result(one, scene.now, outcome=Outcome.DOWN, status=500), states={one.id: down})
        await settle()
        assert site.board.counts == {Outcome.DOWN: 1, Outcome.UNKNOWN: 1}
        assert site.board.groups["core"][Outcome.DOWN] == 1
        assert site.entry(one.endpoint.key).changed == site.board.sequence


async def test_a_board_that_fell_behind_starts_from_a_new_snapshot_without_what_went_meanwhile() -> None:
    scene = Scene()
    scene.live = LiveHub(queue_limit=2)
    await scene.add(2)
    board = Board(scene.store, scene.live)
    following = asyncio.create_task(board.follow())
    await board.ready.wait()
    one, other = scene.registered
    scene.live.publish(EndpointsChanged(registered=(), removed=(other.id,)))
    for turn in range(5):
        came = result(one, scene.now + turn)
        down = EndpointState(state=Outcome.DOWN, since=scene.now)
        scene.tell(came, states={one.id: down})
    await settle()
    assert board.counts[Outcome.DOWN] == 1
    assert list(board.entries) == [one.id]
    scene.live.close()
    await following


async def test_a_store_without_history_leaves_the_live_pages_working(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(**_: object) -> None:
        raise StoreUnavailableError("locked")

    scene = Scene()
    await scene.add(1)
    monkeypatch.setattr(scene.store, "tallies", fail)
    async with browsing(scene) as (client, site):
        scene.tell(result(scene.registered[0], scene.now))
        await settle()
        assert len(site.entry("core_checkout").recent()) == 1
        assert (await client.get("/")).status_code == 200


async def test_the_end_of_the_hub_is_the_end_of_following() -> None:
    scene = Scene()
    board = Board(scene.store, scene.live)
    following = asyncio.create_task(board.follow())
    await board.ready.wait()
    scene.live.close()
    await following


async def test_a_watcher_that_is_slow_loses_the_oldest_and_is_told_how_many() -> None:
    scene = Scene()
    await scene.add(1)
    async with browsing(scene) as (_, site):
        with site.board.watch() as watcher:
            for turn in range(BACKLOG + 3):
                scene.tell(result(scene.registered[0], scene.now + turn))
                await settle(2)
            await settle()
            events, lost = watcher.take()
        assert (len(events), lost) == (BACKLOG, 3)
        assert events[-1].results[0].slot == scene.now + BACKLOG + 2
        assert watcher.take() == ([], 0)


def test_a_watcher_wakes_whoever_waits() -> None:
    watcher = Watcher()
    assert not watcher.woken.is_set()
