"""A channel's worker over a real database: what it delivers, when it tries again, and what it gives up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, time
from pathlib import Path

import pytest
from msgspec.structs import replace

from milkrun.alerting import links
from milkrun.alerting.channel import PermanentError, TransientError
from milkrun.config.settings import Rate
from milkrun.core.alert import Message, Purpose, QuietHours
from milkrun.core.incident import OURSELVES, IncidentKey, Severity
from milkrun.store.opening import open_store
from milkrun.store.outbox_protocol import Attempt, Claim
from milkrun.store.protocol import Batch, StoreUnavailableError
from milkrun.store.sql import SqlStore
from tests.support.alerts import KEY, a_message, a_route, a_subject, an_outage
from tests.support.deliveries import SECRET, Puppet, at_work
from tests.support.history import START
from tests.support.outboxes import enable
from tests.support.turns import until

DAY = 86_400


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(tmp_path / "milkrun.db")
    yield opened
    await opened.close()


def another(number: int, **changes: object) -> Message:
    return replace(a_message(incident=IncidentKey(number, START)), **changes)


async def attempts(store: SqlStore) -> list[str | None]:
    """What came of the attempts, oldest first."""
    return [attempt.error for attempt in await store.attempts("ops", limit=99)][::-1]


async def test_what_is_due_goes_as_one_letter_with_links(store: SqlStore) -> None:
    async with at_work(store, Puppet()) as bench:
        own = a_message(incident=IncidentKey(OURSELVES, START), subject=a_subject(severity=Severity.NOTICE))
        await bench.put(a_message(), a_message(Purpose.RESOLVE), own)
        await bench.idle()
    [letter] = bench.puppet.letters
    assert bench.told == [["trigger", "resolve", "trigger"]]
    trigger, resolve, notice = letter.messages
    assert (letter.at, letter.dashboard) == (START, "https://status.example/")
    assert letter.incident_urls == {
        message.id: f"https://status.example/incidents/{KEY}" for message in (trigger, resolve)
    }
    assert letter.ack_urls.keys() == {trigger.id, notice.id}
    token = letter.ack_urls[trigger.id].removeprefix("https://status.example/ack/")
    assert links.read(SECRET, token, START).incident == KEY
    assert await attempts(store) == [None]


async def test_what_is_due_waits_for_others_to_go_with_it_however_long_its_check_took(store: SqlStore) -> None:
    async with at_work(store, Puppet(), routes=[a_route(wait=2_000)]) as bench:
        await bench.put(a_message(at=START - 9_000))
        assert await bench.after(1) == 0
        await bench.put(another(2), another(3))
        assert await bench.after(1) == 1
        await bench.put(another(4))
        assert [await bench.after(seconds) for seconds in (1, 1)] == [1, 2]
    assert [len(told) for told in bench.told] == [3, 1]


async def test_a_flood_is_one_letter_for_as_long_as_it_lasts_but_not_for_ever(store: SqlStore) -> None:
    async with at_work(store, Puppet(), routes=[a_route(wait=2_000)]) as bench:
        for number in range(2, 17):
            await bench.put(another(number))
            await bench.after(0.45)
    assert [len(told) for told in bench.told] == [9]


async def test_what_is_taken_back_while_it_waits_for_others_leaves_no_wait_begun(store: SqlStore) -> None:
    async with at_work(store, Puppet(), routes=[a_route(wait=2_000)]) as bench:
        message = a_message()
        await bench.put(message)
        await bench.idle()
        await store.write(Batch(withdrawn=(message.incident,)))
        assert await bench.after(10) == 0
        await bench.put(another(2))
        assert await bench.after(1) == 0
        await bench.put(another(3))
        assert await bench.after(3) == 1
    assert [len(told) for told in bench.told] == [2]


async def test_a_letter_that_is_refused_for_now_is_tried_again_each_time_later_and_the_same(store: SqlStore) -> None:
    puppet = Puppet(TransientError("503"), TransientError("503"), TransientError("503"))
    async with at_work(store, puppet) as bench:
        await bench.put(a_message())
        assert [await bench.after(seconds) for seconds in (4, 1, 9, 1, 19, 1)] == [1, 2, 2, 3, 3, 4]
    assert len({letter.id for letter in puppet.letters}) == 1
    assert {tuple(letter.ack_urls.values()) for letter in puppet.letters} == {
        tuple(puppet.letters[0].ack_urls.values())
    }
    assert await attempts(store) == ["503", "503", "503", None]


async def test_what_comes_meanwhile_goes_after_what_is_tried_again(store: SqlStore) -> None:
    async with at_work(store, Puppet(TransientError("503"))) as bench:
        await bench.put(a_message())
        await bench.idle()
        await bench.put(a_message(Purpose.RESOLVE), another(2))
        assert await bench.after(4) == 1
        assert await bench.after(1) == 3
    assert bench.told == [["trigger"], ["trigger"], ["resolve", "trigger"]]


async def test_a_receiver_that_says_when_is_left_alone_until_then(store: SqlStore) -> None:
    async with at_work(store, Puppet(TransientError("429", after=120.0))) as bench:
        await bench.put(a_message())
        assert [await bench.after(seconds) for seconds in (119, 1)] == [1, 2]


async def test_a_channel_that_cannot_work_is_disabled_and_says_why(store: SqlStore) -> None:
    async with at_work(store, Puppet(PermanentError("410: the hook is gone"))) as bench:
        await bench.put(a_message())
        assert await bench.after(60) == 1
        [state] = await store.channels()
        assert (state.disabled, state.failed) == ("410: the hook is gone", 1)
        await enable(store, "ops")
        assert await bench.after(60) == 2, "without being told: another process may have done it"


async def test_what_a_channel_should_not_raise_is_tried_again_and_only_named(store: SqlStore) -> None:
    async with at_work(store, Puppet(KeyError("hunter2"), TimeoutError())) as bench:
        await bench.put(a_message())
        await bench.after(5)
        assert await bench.after(10) == 3
    assert await attempts(store) == ["the channel broke off: KeyError", "not delivered within 15 s", None]


async def test_a_channel_that_hangs_has_its_time_and_no_more(store: SqlStore) -> None:
    async with at_work(store, Puppet(asyncio.Event()), timeout=0.01) as bench:
        await bench.put(a_message())
        assert await until(lambda: len(bench.puppet.letters) == 1)
        await bench.idle()
        assert await attempts(store) == ["not delivered within 0.01 s"]
        assert await bench.after(5) == 2


async def test_what_could_not_be_delivered_for_a_day_is_given_up_visibly(store: SqlStore) -> None:
    async with at_work(store, Puppet(*[TransientError("503") for _ in range(4)])) as bench:
        await bench.put(a_message())
        await bench.after(5)
        await bench.put(another(2, due=START + DAY * 1_000))
        bench.clock.step_wall(DAY)
        await bench.after(10)
        [state] = await store.channels()
        assert (state.pending, state.failed) == (1, 1)
        assert await bench.after(60) == 5
    assert [letter.messages[0].incident.endpoint for letter in bench.puppet.letters] == [1, 1, 1, 2, 2]


async def test_letters_go_at_their_channels_rate_and_gather_what_waits(store: SqlStore) -> None:
    async with at_work(store, Puppet(), rate=Rate(count=2, per=60_000)) as bench:
        for number in range(1, 5):
            await bench.put(another(number))
            await bench.idle()
        assert len(bench.puppet.letters) == 2
        assert [await bench.after(seconds) for seconds in (29, 1)] == [2, 3]
    assert [len(told) for told in bench.told] == [1, 1, 2]


async def test_what_falls_into_quiet_hours_while_it_waits_goes_after_them(store: SqlStore) -> None:
    kind = QuietHours(begins=time(15, 0), ends=time(16, 0), zone=UTC)
    assert START % (DAY * 1_000) == 15 * 3_600_000, "the clock begins where they do"
    async with at_work(store, Puppet(), routes=[a_route(quiet=kind)]) as bench:
        await bench.put(a_message(), another(2, id="else", route="else"))
        bench.clock.step_wall(3_540)
        assert await bench.after(59) == 1
        assert await bench.after(1) == 2
    assert [letter.messages[0].route for letter in bench.puppet.letters] == ["else", "core"]


async def test_what_is_all_held_back_is_no_letter(store: SqlStore) -> None:
    kind = QuietHours(begins=time(15, 0), ends=time(16, 0), zone=UTC)
    async with at_work(store, Puppet(), routes=[a_route(quiet=kind)]) as bench:
        await bench.put(a_message())
        await bench.idle()
        assert await store.next_due("ops") == START + 3_600_000
    assert bench.puppet.letters == []


async def test_reminders_follow_until_somebody_is_on_it(store: SqlStore) -> None:
    async with at_work(store, Puppet(), routes=[a_route(repeat=600_000)]) as bench:
        await store.write(Batch(incidents=[an_outage()]))
        await bench.put(a_message(), a_message(Purpose.REPEAT, at=START - 1))
        assert [await bench.after(seconds) for seconds in (599, 1, 600)] == [1, 2, 3]
        assert await store.acknowledge(KEY, by="ada", at=START)
        assert await bench.after(700) == 3
    assert bench.told == [["trigger", "repeat"], ["repeat"], ["repeat"]]


async def test_nobody_is_reminded_of_what_is_over(store: SqlStore) -> None:
    async with at_work(store, Puppet(), routes=[a_route(repeat=600_000)]) as bench:
        await bench.put(a_message(), a_message(Purpose.RESOLVE))
        assert await bench.after(700) == 1


async def test_ten_thousand_at_once_are_one_letter(store: SqlStore) -> None:
    async with at_work(store, Puppet()) as bench:
        await bench.put(*[another(number) for number in range(1, 10_001)])
        await bench.idle()
    assert [len(letter.messages) for letter in bench.puppet.letters] == [10_000]


async def test_a_receiver_of_single_incidents_gets_them_in_letters_of_so_many_each_tried_as_if_it_were_the_first(
    store: SqlStore,
) -> None:
    class OneAtATime(Puppet):
        most = 2

    puppet = OneAtATime(TransientError("429"), TransientError("429"), None, TransientError("429"))
    async with at_work(store, puppet) as bench:
        await bench.put(*[another(number) for number in range(1, 6)])
        assert [await bench.after(seconds) for seconds in (0, 5, 10, 5)] == [1, 2, 4, 6]
    assert [len(letter.messages) for letter in puppet.letters] == [2, 2, 2, 2, 2, 1]
    assert len({letter.id for letter in puppet.letters}) == 3


async def test_who_stops_in_the_middle_leaves_it_to_the_next_at_once(store: SqlStore) -> None:
    async with at_work(store, Puppet(asyncio.Event())) as bench:
        await bench.put(a_message())
        assert await until(lambda: len(bench.puppet.letters) == 1)
    assert await attempts(store) == ["Milkrun stopped, or the channel changed, before the delivery ended"]
    async with at_work(store, Puppet()) as heir:
        assert len(heir.puppet.letters) == 1
    assert heir.puppet.letters[0].id == bench.puppet.letters[0].id


async def test_who_is_asked_to_stop_ends_what_it_delivers(store: SqlStore) -> None:
    event = asyncio.Event()
    async with at_work(store, Puppet(event)) as bench:
        await bench.put(a_message())
        assert await until(lambda: bench.worker.delivering)
        bench.worker.stop()
        event.set()
        assert await until(lambda: not bench.worker.delivering)
    assert await attempts(store) == [None]


async def test_who_dies_before_marking_has_the_letter_sent_again_and_what_follows_after_it(store: SqlStore) -> None:
    await store.configure({"ops": "first"}, now=START)
    await store.write(Batch(messages=[a_message()]))
    dead = await store.claim("ops", now=START, lease=45_000, limit=9)
    assert dead is not None
    async with at_work(store, Puppet()) as bench:
        await bench.put(a_message(Purpose.RESOLVE))
        assert await bench.after(40) == 0
        assert await bench.after(5) == 2
    assert bench.told == [["trigger"], ["resolve"]]


class Forgetful:
    """An outbox that cannot mark anything for a while; the rest is the store's."""

    def __init__(self, store: SqlStore, *, fails: int) -> None:
        self._store = store
        self._fails = fails
        self.next_due = store.next_due
        self.claim = store.claim

    async def sent(self, claim: Claim, attempt: Attempt, *, follow: Sequence[Message] = ()) -> None:
        self._trouble()
        await self._store.sent(claim, attempt, follow=follow)

    def _trouble(self) -> None:
        self._fails -= 1
        if self._fails >= 0:
            raise StoreUnavailableError("the disk is full")


@pytest.mark.parametrize(("fails", "letters"), [(3, 1), (32, 2)], ids=["for seconds", "longer than its lease"])
async def test_what_arrived_is_sent_again_only_if_it_cannot_be_marked_for_as_long_as_its_lease_lasts(
    store: SqlStore, fails: int, letters: int
) -> None:
    async with at_work(store, Puppet(), outbox=Forgetful(store, fails=fails)) as bench:  # type: ignore[arg-type]  # as far as it goes
        await bench.put(a_message())
        for _ in range(60):
            await bench.after(1)
        assert await attempts(store) == [None]
    assert len(bench.puppet.letters) == letters


async def test_who_comes_too_late_for_a_claim_looks_again_in_a_second(store: SqlStore) -> None:
    class Rivalled(Forgetful):
        def __init__(self) -> None:
            super().__init__(store, fails=0)
            self.claim = self._claim
            self._rival = True

        async def _claim(self, channel: str, *, now: int, lease: int, limit: int) -> Claim | None:
            if self._rival:
                self._rival = False
                return None
            return await store.claim(channel, now=now, lease=lease, limit=limit)

    async with at_work(store, Puppet(), outbox=Rivalled()) as bench:  # type: ignore[arg-type]  # as far as it goes
        await bench.put(a_message())
        await bench.idle()
        assert bench.puppet.letters == []
        assert await bench.after(1) == 1


async def test_a_store_that_fails_is_asked_again(store: SqlStore) -> None:
    class Gone(Forgetful):
        def __init__(self) -> None:
            super().__init__(store, fails=2)
            self.next_due = self._next_due

        async def _next_due(self, channel: str) -> int | None:
            self._trouble()
            return await store.next_due(channel)

    async with at_work(store, Puppet(), outbox=Gone()) as bench:  # type: ignore[arg-type]  # as far as it goes
        await bench.put(a_message())
        assert await bench.after(2) == 1
