"""What every implementation of the Live seam does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future

import pytest
import uvloop

from milkrun.clock import settle
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.live import Committed, EndpointsChanged, Event, Live, Lost, Snapshot, Vitals
from tests.support.rounds import an_endpoint, registered

PATIENCE = 10.0

MakeLive = Callable[[int], Live]


@pytest.fixture(params=[lambda limit: LiveHub(queue_limit=limit)], ids=["hub"])
def make_live(request: pytest.FixtureRequest) -> MakeLive:
    """Makes the implementation, with a queue limit for its subscribers."""
    make: MakeLive = request.param
    return make


def vitals(at: float = 0.0) -> Vitals:
    return Vitals(at=at, client={}, schedule={}, storage={})


def came(*ids: int) -> EndpointsChanged:
    return EndpointsChanged(registered=tuple(registered(an_endpoint(f"a_{n}"), id=n) for n in ids), removed=())


def went(*ids: int) -> EndpointsChanged:
    return EndpointsChanged(registered=(), removed=ids)


def committed(state: Outcome = Outcome.UP, *ids: int) -> Committed:
    states = {n: EndpointState(state=state, settled=state) for n in ids}
    return Committed(results=(), states=states, changes=(), stored=True)


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(events) for _ in range(count)]


async def test_a_subscriber_gets_every_event_in_order(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        for n in range(50):
            live.publish(vitals(n))
        assert await take(aiter(watching), 50) == [vitals(n) for n in range(50)]


async def test_a_waiting_subscriber_is_woken(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        waiting = asyncio.ensure_future(take(aiter(watching), 2))
        await asyncio.sleep(0)
        live.publish(vitals(1))
        live.publish(vitals(2))
        assert await waiting == [vitals(1), vitals(2)]


async def test_a_snapshot_shows_who_is_there_and_where_they_stand(make_live: MakeLive) -> None:
    live = make_live(100)
    live.publish(came(1, 2, 3))
    live.publish(committed(Outcome.DOWN, 1, 2))
    live.publish(committed(Outcome.UP, 2))
    live.publish(went(3))
    live.publish(vitals(7))
    with live.subscribe() as watching:
        snapshot = watching.snapshot()
    assert [each.id for each in snapshot.registered] == [1, 2]
    assert {n: state.state for n, state in snapshot.states.items()} == {1: Outcome.DOWN, 2: Outcome.UP}
    assert snapshot.vitals == vitals(7)


async def test_a_snapshot_of_nothing_is_empty(make_live: MakeLive) -> None:
    with make_live(100).subscribe() as watching:
        assert watching.snapshot() == Snapshot(registered=(), states={}, vitals=None)


async def test_what_an_endpoint_that_went_left_behind_is_not_shown(make_live: MakeLive) -> None:
    live = make_live(100)
    live.publish(came(1))
    live.publish(went(1))
    live.publish(committed(Outcome.UP, 1))
    with live.subscribe() as watching:
        assert watching.snapshot().states == {}


async def test_a_snapshot_discards_the_events_before_it(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        live.publish(vitals(1))
        live.publish(vitals(2))
        assert await take(aiter(watching), 1) == [vitals(1)]
        watching.snapshot()
        live.publish(vitals(3))
        assert await take(aiter(watching), 1) == [vitals(3)]


async def test_a_subscriber_that_falls_behind_gets_one_lost_event_with_the_count(make_live: MakeLive) -> None:
    live = make_live(3)
    with live.subscribe() as watching:
        for n in range(10):
            live.publish(vitals(n))
        events = aiter(watching)
        assert await take(events, 1) == [Lost(events=10)]
        live.publish(vitals(10))
        assert await take(events, 1) == [vitals(10)]


async def test_one_slow_subscriber_costs_another_nothing(make_live: MakeLive) -> None:
    live = make_live(3)
    with live.subscribe() as slow, live.subscribe() as quick:
        for n in range(10):
            live.publish(vitals(n))
            assert await take(aiter(quick), 1) == [vitals(n)]
        assert await take(aiter(slow), 1) == [Lost(events=10)]


async def test_closing_ends_every_subscription_after_what_was_queued(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        live.publish(vitals(1))
        live.close()
        async with asyncio.timeout(PATIENCE):
            assert [event async for event in watching] == [vitals(1)]


async def test_closing_wakes_a_waiting_subscriber(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        waiting = asyncio.ensure_future(anext(aiter(watching), None))
        await asyncio.sleep(0)
        live.close()
        async with asyncio.timeout(PATIENCE):
            assert await waiting is None


async def test_a_subscription_to_a_closed_hub_ends_at_once(make_live: MakeLive) -> None:
    live = make_live(100)
    live.close()
    with live.subscribe() as watching:
        async with asyncio.timeout(PATIENCE):
            assert [event async for event in watching] == []


async def test_one_who_left_is_told_nothing_more(make_live: MakeLive) -> None:
    live = make_live(100)
    with live.subscribe() as watching:
        pass
    live.publish(vitals(1))
    live.close()
    waiting = asyncio.ensure_future(anext(aiter(watching)))
    await settle()
    assert not waiting.done()
    waiting.cancel()


async def test_publishing_to_a_subscriber_whose_loop_is_gone_raises_nothing(make_live: MakeLive) -> None:
    live = make_live(100)

    async def watch() -> object:
        subscription = live.subscribe()
        subscription.__enter__()
        return subscription

    def elsewhere() -> object:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(watch())

    kept = await asyncio.to_thread(elsewhere)
    live.publish(vitals(1))
    live.publish(vitals(2))
    assert kept is not None


async def test_every_event_crosses_to_a_loop_on_another_thread_exactly_once(make_live: MakeLive) -> None:
    count = 2_000
    live = make_live(count)
    subscribed = threading.Event()
    received: Future[list[Event]] = Future()

    async def watch() -> list[Event]:
        with live.subscribe() as watching:
            subscribed.set()
            return [event async for event in watching]

    def elsewhere() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            received.set_result(runner.run(watch()))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert await asyncio.to_thread(subscribed.wait, PATIENCE)
    for n in range(count):
        live.publish(vitals(n))
    live.close()
    await asyncio.to_thread(thread.join, PATIENCE)
    assert received.result(0) == [vitals(n) for n in range(count)]
