"""All channels together: on a thread of their own, exchanged while they run, with a heartbeat beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from milkrun.alerting.crew import Crew, fingerprint
from milkrun.alerting.delivery import Deliveries
from milkrun.alerting.heartbeat import HEARTBEAT, Heartbeat, Pulse, why_not
from milkrun.alerting.kinds import CHANNELS
from milkrun.alerting.letters import LetterWriter
from milkrun.client import Client
from milkrun.clock import ManualClock, SystemClock, settle
from milkrun.config.settings import AlertingSettings, ChannelSettings, HeartbeatSettings
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import IncidentKey
from milkrun.store.opening import open_store
from milkrun.store.outbox_protocol import ChannelState
from milkrun.store.protocol import Batch, StoreError, StoreUnavailableError
from milkrun.store.sql import SqlStore
from tests.support.alerts import a_message, a_route
from tests.support.configuring import Configured
from tests.support.deliveries import ADDRESS, SECRET, Puppet, a_channel, a_clock, sleeps
from tests.support.history import START
from tests.support.peers import closed_port
from tests.support.receivers import HANG, OK, Answer, receiver
from tests.support.turns import PATIENCE, until

ALIVE = Pulse(at=0.0, due=0, done=0, error=None)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(tmp_path / "milkrun.db")
    yield opened
    await opened.close()


@asynccontextmanager
async def a_crew(store: SqlStore, puppet: Puppet, clock: ManualClock | None = None) -> AsyncIterator[Crew]:
    async with Client() as client:
        crew = Crew(
            outbox=store,
            letters=LetterWriter(url=ADDRESS, secret=SECRET),
            kinds={"puppet": puppet},
            client=client,
            clock=clock or SystemClock(),
            secret=SECRET,
        )
        try:
            yield crew
        finally:
            await crew.stop()


def alerting(*channels: ChannelSettings) -> AlertingSettings:
    return AlertingSettings(channels=channels, routes=(a_route(),))


async def put(store: SqlStore, crew: Crew, *messages: Message) -> None:
    await store.write(Batch(messages=messages))
    crew.wake()


def number(count: int, channel: str = "ops") -> Message:
    return a_message(incident=IncidentKey(count, START), channel=channel)


async def test_a_channel_that_hangs_holds_up_nobody_else(store: SqlStore) -> None:
    puppet = Puppet(asyncio.Event())
    async with a_crew(store, puppet) as crew:
        await crew.use(alerting(a_channel("hung"), a_channel("ops")))
        await put(store, crew, number(1, "hung"))
        assert await until(lambda: len(puppet.letters) == 1)
        for count in range(2, 7):
            await put(store, crew, number(count))
            assert await until(partial(_has, puppet.letters, count))
    assert [letter.messages[0].channel for letter in puppet.letters] == ["hung", *["ops"] * 5]


def _has(found: Sequence[object], count: int) -> bool:
    return len(found) == count


async def test_other_settings_exchange_only_the_channels_that_changed(store: SqlStore) -> None:
    puppet = Puppet()
    async with a_crew(store, puppet) as crew:
        await crew.use(alerting(a_channel("ops"), a_channel("pager"), a_channel("gone")))
        await crew.use(alerting(a_channel("ops"), a_channel("pager", word="other")))
        assert len(puppet.opened) == 4
        await put(store, crew, number(1), number(2, "pager"))
        assert await until(lambda: len(puppet.letters) == 2)


async def test_what_waits_for_a_channel_survives_its_exchange_and_is_given_up_where_it_goes(store: SqlStore) -> None:
    puppet = Puppet(asyncio.Event())
    async with a_crew(store, puppet) as crew:
        await crew.use(alerting(a_channel("ops"), a_channel("gone")))
        await put(store, crew, number(1))
        assert await until(lambda: len(puppet.letters) == 1)
        await store.write(Batch(messages=[number(2), number(3, "nobody")]))
        await crew.use(alerting(a_channel("ops", word="other")))
        assert await until(lambda: len(puppet.letters) == 3)
        states = {state.channel: state for state in await store.channels()}
    assert [letter.messages[0].incident.endpoint for letter in puppet.letters] == [1, 1, 2]
    assert (states["nobody"].pending, states["nobody"].failed) == (0, 1)


async def test_a_store_that_does_not_take_the_channels_yet_is_asked_again(store: SqlStore) -> None:
    tried: list[int] = []
    real, clock = store.configure, a_clock()

    async def configure(channels: dict[str, str], *, now: int) -> None:
        tried.append(now)
        if len(tried) == 1:
            raise StoreUnavailableError("the disk is full")
        await real(channels, now=now)

    store.configure = configure  # type: ignore[method-assign,assignment]
    async with a_crew(store, Puppet(), clock) as crew:
        using = asyncio.ensure_future(crew.use(alerting(a_channel())))
        assert await until(lambda: sleeps(clock))
        await clock.advance(1.0)
        await using
    assert tried == [START, START + 1_000]


def test_a_fingerprint_changes_with_a_secret_and_does_not_show_it() -> None:
    marks = {fingerprint(SECRET, a_channel(word=word)) for word in ("hunter1", "hunter2")}
    assert len(marks) == 2
    assert not any("hunter" in mark for mark in marks)


@asynccontextmanager
async def delivering(store: SqlStore, settings: AlertingSettings) -> AsyncIterator[Deliveries]:
    deliveries = Deliveries(settings, outbox=store, kinds=CHANNELS, url=ADDRESS, clock=SystemClock())
    store.listen(deliveries.wake)
    await asyncio.to_thread(deliveries.start)
    try:
        yield deliveries
    finally:
        await asyncio.to_thread(deliveries.stop, 5.0)


def webhooks(folder: Path, **urls: str) -> AlertingSettings:
    channels = "\n".join(f"    {name}: {{type: webhook, url: '{url}'}}" for name, url in urls.items())
    names = ", ".join(urls)
    text = f"alerting:\n  channels:\n{channels}\n  routes:\n    - {{name: all, channels: [{names}], group-wait: 0s}}\n"
    return Configured(folder).load(text).alerting


async def state(store: SqlStore, name: str, true: Callable[[ChannelState], bool]) -> ChannelState:
    """A channel's state, once something is true of it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = {one.channel: one for one in await store.channels()}
            if name in found and true(found[name]):
                return found[name]
            await asyncio.sleep(0)


async def now_due(store: SqlStore, *messages: Message) -> None:
    await store.write(Batch(messages=messages))


async def test_a_committed_message_reaches_a_real_receiver_at_once(store: SqlStore, tmp_path: Path) -> None:
    async with receiver() as server, delivering(store, webhooks(tmp_path, ops=server.url)):
        await now_due(store, number(1))
        assert await server.came()
        assert server.heard[0].key
        await state(store, "ops", lambda one: one.arrived == 1)


@pytest.mark.parametrize(
    ("answer", "error", "disabled"),
    [
        (Answer(status=503), "503", False),
        (Answer(status=429, headers=(("Retry-After", "120"),)), "429", False),
        (Answer(status=410), "410", True),
    ],
)
async def test_a_refusal_is_seen_and_either_waited_out_or_the_end_of_the_channel(
    store: SqlStore, tmp_path: Path, *, answer: Answer, error: str, disabled: bool
) -> None:
    async with receiver(answer) as server, delivering(store, webhooks(tmp_path, ops=server.url)):
        await now_due(store, number(1))
        found = await state(store, "ops", lambda one: one.refused == 1)
        assert found.last is not None
        assert error in str(found.last.error)
        assert (found.disabled is not None) is disabled
        due = await store.next_due("ops")
        assert (due is None) is disabled
        if due is not None and error == "429":
            assert due - found.last.at >= 120_000


async def test_a_receiver_that_is_down_or_hangs_leaves_the_others_alone(store: SqlStore, tmp_path: Path) -> None:
    async with receiver(HANG) as hung, receiver(OK) as well:
        settings = webhooks(tmp_path, hung=hung.url, down=f"http://127.0.0.1:{closed_port()}/", well=well.url)
        async with delivering(store, settings):
            await now_due(store, number(1, "hung"), number(1, "down"), number(1, "well"))
            assert await well.came()
            assert await hung.came()
            await state(store, "down", lambda one: one.refused == 1)
            await now_due(store, a_message(Purpose.RESOLVE, channel="well", incident=IncidentKey(1, START)))
            assert await well.came(2)
    assert len(hung.heard) == 1


async def test_other_channels_are_taken_over_while_deliveries_run(store: SqlStore, tmp_path: Path) -> None:
    async with receiver() as first, receiver() as second:
        async with delivering(store, webhooks(tmp_path, ops=first.url)) as deliveries:
            deliveries.use(webhooks(tmp_path, pager=second.url))
            await state(store, "pager", lambda one: one.pending == 0)
            await now_due(store, number(1, "pager"))
            assert await second.came()
        deliveries.wake()
        deliveries.stop(0.0)
    assert first.heard == []


async def test_a_heart_beats_beside_deliveries_and_goes_by_other_settings(store: SqlStore) -> None:
    async with receiver() as first, receiver() as second:
        beat = HeartbeatSettings(url=first.url, interval=0.01)
        async with delivering(store, AlertingSettings(heartbeat=beat)) as deliveries:
            deliveries.feel(Pulse(at=SystemClock().now(), due=0, done=0, error=None))
            assert await first.came(2)
            deliveries.use(AlertingSettings(heartbeat=HeartbeatSettings(url=second.url, interval=0.01)))
            assert await second.came()
        await state(store, HEARTBEAT, lambda one: one.last is not None and one.last.error is None)


async def test_a_worker_that_breaks_off_is_told_of(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    async def next_due(channel: str) -> int | None:
        raise KeyError(channel)

    store.next_due = next_due  # type: ignore[method-assign]
    async with a_crew(store, Puppet()) as crew:
        await crew.use(alerting(a_channel()))
        assert await until(lambda: "broke off" in capsys.readouterr().out)


async def test_deliveries_that_were_never_started_may_be_woken_and_stopped(store: SqlStore) -> None:
    deliveries = Deliveries(AlertingSettings(), outbox=store, kinds=CHANNELS, url=ADDRESS, clock=SystemClock())
    deliveries.wake()
    deliveries.stop(1.0)


async def test_deliveries_that_cannot_start_say_why(tmp_path: Path) -> None:
    closed = await open_store(tmp_path / "milkrun.db")
    await closed.close()
    deliveries = Deliveries(AlertingSettings(), outbox=closed, kinds=CHANNELS, url=ADDRESS, clock=SystemClock())
    with pytest.raises(StoreError, match="closed"):
        await asyncio.to_thread(deliveries.start)


@pytest.mark.parametrize(
    ("now", "at", "reason"),
    [
        pytest.param(Pulse(at=60.0, due=9, done=8, error=None), 60.0, None, id="checks end"),
        pytest.param(Pulse(at=60.0, due=5, done=5, error=None), 60.0, None, id="nothing was due"),
        pytest.param(Pulse(at=60.0, due=9, done=5, error=None), 60.0, "none has ended", id="checks hang"),
        pytest.param(
            Pulse(at=60.0, due=9, done=8, error="the disk is full"), 60.0, "disk is full", id="nothing stored"
        ),
        pytest.param(
            Pulse(at=60.0, due=5, done=5, error=None, watching=False), 60.0, "no endpoint", id="nobody to check"
        ),
        pytest.param(Pulse(at=20.0, due=9, done=8, error=None), 60.0, "stand still", id="the loop hangs"),
    ],
)
def test_a_heart_beats_only_while_milkrun_really_checks(now: Pulse, at: float, reason: str | None) -> None:
    found = why_not(Pulse(at=0.0, due=5, done=5, error=None), now, at)
    assert (found is None) if reason is None else (found is not None and reason in found)


async def beats(store: SqlStore, answers: Sequence[Answer], pulses: Sequence[Pulse]) -> list[str | None]:
    """What is written down, oldest first, of a beat for each pulse after the first; and how often somebody heard."""
    clock, felt = a_clock(), list(pulses)
    async with receiver(*answers) as server, Client() as client:
        settings = HeartbeatSettings(url=f"{server.url}/ping/s3cret", interval=60.0)
        heartbeat = Heartbeat(settings, client=client, outbox=store, clock=clock, pulse=lambda: felt.pop(0))
        task = asyncio.get_running_loop().create_task(heartbeat.run())
        for _ in pulses[1:]:
            assert await until(lambda: sleeps(clock))
            await clock.advance(60.0)
            await settle()
        assert await until(lambda: sleeps(clock))
        task.cancel()
        await asyncio.wait([task])
    attempts = await store.attempts(HEARTBEAT, limit=9)
    return [attempt.error for attempt in attempts][::-1]


def going(count: int, *, error: str | None = None) -> list[Pulse]:
    start = a_clock().now()
    return [Pulse(at=start + 60 * turn, due=turn, done=turn, error=error) for turn in range(count)]


async def test_what_comes_of_heartbeats_is_written_down_where_it_is_news(store: SqlStore) -> None:
    answers = [OK, OK, Answer(status=500), Answer(status=500), OK]
    assert await beats(store, answers, going(6)) == [None, "not heard: HTTP 500", None]


async def test_nobody_hears_a_heart_that_has_stopped(store: SqlStore) -> None:
    assert await beats(store, [OK], going(3, error="the disk is full")) == [
        "results cannot be stored: the disk is full"
    ]


async def test_a_heartbeat_that_cannot_go_out_is_told_without_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, felt = a_clock(), going(2)
    url = f"http://127.0.0.1:{closed_port()}/ping/s3cret"
    store = await open_store(tmp_path / "milkrun.db")
    await store.close()
    async with Client() as client:
        settings = HeartbeatSettings(url=url, interval=60.0)
        heartbeat = Heartbeat(settings, client=client, outbox=store, clock=clock, pulse=lambda: felt.pop(0))
        task = asyncio.get_running_loop().create_task(heartbeat.run())
        assert await until(lambda: sleeps(clock))
        await clock.advance(60.0)
        assert await until(lambda: sleeps(clock))
        task.cancel()
        await asyncio.wait([task])
    said = capsys.readouterr().out
    assert "not heard: connect/refused" in said
    assert "not written down" in said
    assert "s3cret" not in said
