"""What is taken back, held back or not said any more, asked of each database: ends, reminders, whoever is on it."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from milkrun.core.alert import Firing, Message, Purpose
from milkrun.core.incident import IncidentKey, Moment
from milkrun.store.protocol import Batch
from milkrun.store.sql import SqlStore
from tests.support.alerts import KEY, a_message, a_subject, an_outage
from tests.support.history import START
from tests.support.outboxes import ALL, LATER, LEASE, arrived, claimed, purposes, put, refused, told


async def test_an_end_goes_to_where_the_beginning_went_and_nowhere_else(outbox: SqlStore) -> None:
    await told(outbox, a_message())
    await put(outbox, a_message(Purpose.RESOLVE, at=LATER), a_message(Purpose.RESOLVE, at=LATER, channel="pager"))
    assert purposes(await claimed(outbox, now=LATER)) == [Purpose.RESOLVE]
    assert await outbox.next_due("pager") is None


async def test_an_end_that_comes_in_time_takes_back_what_is_not_firm(outbox: SqlStore) -> None:
    await put(outbox, a_message(due=LATER, firm=LATER))
    await put(outbox, a_message(Purpose.RESOLVE, at=LATER - 1))
    assert await outbox.next_due("ops") is None


async def test_an_end_in_the_same_transaction_takes_back_too(outbox: SqlStore) -> None:
    await put(outbox, a_message(due=LATER, firm=LATER), a_message(Purpose.RESOLVE, at=LATER - 1))
    assert await outbox.next_due("ops") is None


async def test_what_is_firm_is_told_and_its_end_after_it(outbox: SqlStore) -> None:
    await put(outbox, a_message(due=LATER, firm=START))
    await put(outbox, a_message(Purpose.RESOLVE, at=START))
    assert await outbox.next_due("ops") == LATER
    assert await outbox.claim("ops", now=LATER - 1, lease=LEASE, limit=ALL) is None
    assert purposes(await claimed(outbox, now=LATER)) == [Purpose.TRIGGER, Purpose.RESOLVE]


async def test_an_end_is_told_of_what_may_have_been_sent(outbox: SqlStore) -> None:
    await put(outbox, a_message(firm=LATER))
    claim = await claimed(outbox)
    await put(outbox, a_message(Purpose.RESOLVE, at=START))
    await outbox.put_off(claim, refused(claim), until=START)
    assert await ends_follow(outbox, START)


async def ends_follow(outbox: SqlStore, now: int) -> bool:
    """A beginning is tried, and its end after it."""
    first = await claimed(outbox, now=now)
    await outbox.sent(first, arrived(first))
    return [*purposes(first), *purposes(await claimed(outbox, now=now))] == [Purpose.TRIGGER, Purpose.RESOLVE]


async def test_what_a_dead_worker_had_claimed_may_have_been_sent(outbox: SqlStore) -> None:
    await put(outbox, a_message(firm=LATER))
    await claimed(outbox)
    heir = await claimed(outbox, now=START + LEASE)
    await outbox.put_off(heir, None, until=START)
    await put(outbox, a_message(Purpose.RESOLVE, at=START))
    assert await ends_follow(outbox, START + LEASE)


async def test_a_route_that_does_not_tell_of_ends_takes_back_all_the_same(outbox: SqlStore) -> None:
    await told(outbox, a_message())
    reminder = a_message(Purpose.REPEAT, due=LATER, firm=LATER)
    await put(outbox, reminder)
    await put(outbox, a_message(Purpose.RESOLVE, at=LATER - 1, tells=False))
    assert await outbox.next_due("ops") is None


async def test_ends_of_other_incidents_routes_and_channels_take_nothing_back(outbox: SqlStore) -> None:
    await put(outbox, a_message(firm=LATER))
    await put(
        outbox,
        a_message(Purpose.RESOLVE, incident=IncidentKey(1, START + 1)),
        a_message(Purpose.RESOLVE, incident=IncidentKey(2, START)),
        a_message(Purpose.RESOLVE, route="other"),
        a_message(Purpose.RESOLVE, channel="pager"),
    )
    assert purposes(await claimed(outbox)) == [Purpose.TRIGGER]


async def test_what_nobody_needs_to_be_told_is_withdrawn_unless_it_was_tried(outbox: SqlStore) -> None:
    await put(outbox, a_message(), a_message(incident=IncidentKey(2, START)), a_message(channel="pager"))
    pager = await claimed(outbox, "pager")
    await outbox.put_off(pager, refused(pager), until=START)
    await put(outbox, withdrawn=[KEY])
    assert [message.incident.endpoint for message in (await claimed(outbox)).messages] == [2]
    assert len((await claimed(outbox, "pager")).messages) == 1


async def test_what_comes_with_its_own_withdrawal_is_told(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    await put(outbox, a_message(at=START + 1), withdrawn=[KEY])
    assert [message.created for message in (await claimed(outbox, now=LATER)).messages] == [START + 1]


async def test_a_letter_that_arrives_is_marked_in_the_timelines_of_its_incidents(outbox: SqlStore) -> None:
    await put(outbox, a_message(), a_message(Purpose.ESCALATE), incidents=[an_outage()])
    claim = await claimed(outbox)
    await outbox.sent(claim, arrived(claim, at=LATER))
    case = await outbox.case(KEY)
    assert case is not None
    assert {(entry.at, entry.moment, entry.text) for entry in case.entries} == {
        (LATER, Moment.NOTIFIED, "ops: trigger"),
        (LATER, Moment.ESCALATED, "ops: escalate"),
    }


def reminder(**changes: Any) -> Message:
    return a_message(Purpose.REPEAT, at=LATER, **changes)


async def remind(outbox: SqlStore, *reminders: Message) -> int | None:
    """What is next to be said, after a letter that reminders follow."""
    await put(outbox, a_message())
    claim = await claimed(outbox)
    await outbox.sent(claim, arrived(claim), follow=reminders)
    return await outbox.next_due("ops")


async def test_a_reminder_follows_while_the_incident_is_open(outbox: SqlStore) -> None:
    await put(outbox, incidents=[an_outage()])
    assert await remind(outbox, reminder()) == LATER
    await put(outbox, a_message(Purpose.RESOLVE, at=START + 1))
    assert purposes(await claimed(outbox, now=LATER)) == [Purpose.RESOLVE], "the end takes the reminder back"


async def test_no_reminder_follows_where_another_waits(outbox: SqlStore) -> None:
    await put(outbox, reminder(), incidents=[an_outage()])
    assert await remind(outbox, replace(reminder(created=LATER + 1), due=START)) == LATER


@pytest.mark.parametrize(
    "why",
    [
        pytest.param(Batch(messages=[a_message(Purpose.RESOLVE, due=LATER)]), id="over"),
        pytest.param(Batch(incidents=[an_outage(parent=7)]), id="explained"),
    ],
)
async def test_no_reminder_follows_where_there_is_nothing_to_be_reminded_of(outbox: SqlStore, why: Batch) -> None:
    await put(outbox, a_message(), incidents=[an_outage()])
    claim = await claimed(outbox)
    await outbox.write(why)
    await outbox.sent(claim, arrived(claim), follow=[reminder()])
    assert Purpose.REPEAT not in purposes(await outbox.claim("ops", now=LATER, lease=LEASE, limit=ALL))


async def test_who_is_on_it_is_not_pressed_any_more(outbox: SqlStore) -> None:
    await put(outbox, a_message(), reminder(), a_message(Purpose.ESCALATE, channel="pager"), incidents=[an_outage()])
    assert await outbox.acknowledge(KEY, by="ada", at=LATER)
    claim = await claimed(outbox, now=LATER)
    assert purposes(claim) == [Purpose.TRIGGER]
    await outbox.sent(claim, arrived(claim), follow=[reminder()])
    assert await outbox.next_due("ops") is None
    assert await outbox.next_due("pager") is None
    case = await outbox.case(KEY)
    assert case is not None
    assert ("ada", Moment.ACKNOWLEDGED) in [(entry.by, entry.moment) for entry in case.entries]


async def test_nobody_is_called_to_what_somebody_is_on_already(outbox: SqlStore) -> None:
    await put(outbox, incidents=[an_outage(), an_outage(2)])
    assert await outbox.acknowledge(KEY, by="ada", at=START)
    await put(outbox, a_message(Purpose.ESCALATE), a_message(Purpose.ESCALATE, incident=IncidentKey(2, START)))
    assert [message.incident.endpoint for message in (await claimed(outbox)).messages] == [2]


@pytest.mark.parametrize("incidents", [[], [an_outage(closed=LATER)]], ids=["not there", "over"])
async def test_nobody_can_be_on_what_is_not_open(outbox: SqlStore, incidents: Sequence[Any]) -> None:
    await put(outbox, incidents=incidents)
    assert not await outbox.acknowledge(KEY, by="ada", at=LATER)


async def test_somebody_can_be_on_what_is_told_of_on_after_it_came_back(outbox: SqlStore) -> None:
    firing = Firing(endpoint=1, route="core", channels=("ops",), incident=an_outage(), subject=a_subject())
    await put(outbox, incidents=[an_outage(closed=LATER)], firings={(1, "core"): firing})
    assert await outbox.acknowledge(KEY, by="ada", at=LATER)


async def test_a_note_is_added_to_an_incident_that_there_is(outbox: SqlStore) -> None:
    assert not await outbox.note(KEY, by="ada", at=LATER, text="the switch")
    await put(outbox, incidents=[an_outage(closed=LATER)])
    assert await outbox.note(KEY, by="ada", at=LATER, text="the switch")
    case = await outbox.case(KEY)
    assert case is not None
    assert [(entry.moment, entry.by, entry.text) for entry in case.entries] == [(Moment.NOTE, "ada", "the switch")]


async def test_what_is_held_back_takes_what_tells_of_its_end_with_it(outbox: SqlStore) -> None:
    other = a_message(incident=IncidentKey(2, START))
    await put(outbox, a_message(), other)
    claim = await claimed(outbox)
    await put(outbox, a_message(Purpose.RESOLVE))
    left = await outbox.hold(claim, {a_message().id: LATER})
    assert left is not None
    assert left.messages == (other,)
    await outbox.sent(left, arrived(left))
    assert await outbox.next_due("ops") == LATER
    assert purposes(await claimed(outbox, now=LATER)) == [Purpose.TRIGGER, Purpose.RESOLVE]


async def test_a_claim_of_which_everything_is_held_back_is_none(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    assert await outbox.hold(await claimed(outbox), {a_message().id: LATER}) is None
    await put(outbox, a_message(incident=IncidentKey(2, START)))
    assert len((await claimed(outbox)).messages) == 1


async def test_ten_thousand_messages_and_their_ends_go_through_as_any_others(outbox: SqlStore) -> None:
    keys = [IncidentKey(number, START) for number in range(1, 10_001)]
    await put(outbox, *[a_message(incident=key, firm=LATER) for key in keys])
    claim = await claimed(outbox, limit=5_000)
    await outbox.sent(claim, arrived(claim), follow=[reminder(incident=key) for key in keys[:5_000]])
    await put(outbox, *[a_message(Purpose.RESOLVE, at=START + 1, incident=key) for key in keys])
    ends = await claimed(outbox, now=LATER)
    assert purposes(ends) == [Purpose.RESOLVE] * 5_000
    await outbox.sent(ends, arrived(ends))
    assert await outbox.next_due("ops") is None
    await put(outbox, *[a_message(at=LATER, incident=key) for key in keys])
    await put(outbox, withdrawn=keys)
    assert await outbox.next_due("ops") is None
