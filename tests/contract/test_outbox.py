"""What every Outbox does, asked of each database: who delivers what, and how channels do."""

from msgspec.structs import replace

from milkrun.core.alert import Purpose
from milkrun.core.incident import IncidentKey
from milkrun.store.outbox_protocol import Attempt
from milkrun.store.sql import SqlStore
from tests.support.alerts import a_message, a_subject, an_outage
from tests.support.history import START
from tests.support.outboxes import ALL, LATER, LEASE, arrived, claimed, enable, put, refused


async def test_a_message_is_claimed_as_it_was_made_and_not_again_while_it_is(outbox: SqlStore) -> None:
    message = a_message(subject=a_subject(tags=("prod",), cause="ä\N{SNOWMAN}\0", description="runbook"))
    await put(outbox, message)
    claim = await claimed(outbox)
    assert claim.messages == (message,)
    assert (claim.channel, claim.tried, claim.failing) == ("ops", 0, None)
    assert await outbox.claim("ops", now=START + 1, lease=LEASE, limit=ALL) is None


async def test_the_same_message_twice_is_one(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    await put(outbox, a_message(), a_message())
    claim = await claimed(outbox)
    assert len(claim.messages) == 1
    await outbox.sent(claim, arrived(claim))
    await put(outbox, a_message())
    assert await outbox.next_due("ops") is None


async def test_messages_are_claimed_in_the_order_they_were_made_and_up_to_a_limit(outbox: SqlStore) -> None:
    made = [a_message(incident=IncidentKey(number, START)) for number in (3, 1, 2)]
    await put(outbox, *made)
    await put(outbox, a_message(incident=IncidentKey(0, START)))
    first = await claimed(outbox, limit=3)
    assert [message.incident.endpoint for message in first.messages] == [3, 1, 2]
    await outbox.sent(first, arrived(first))
    assert [message.incident.endpoint for message in (await claimed(outbox)).messages] == [0]


async def test_what_is_not_due_yet_waits_and_holds_up_nothing(outbox: SqlStore) -> None:
    await put(outbox, a_message(due=LATER), a_message(incident=IncidentKey(2, START)))
    claim = await claimed(outbox)
    assert [message.incident.endpoint for message in claim.messages] == [2]
    await outbox.sent(claim, arrived(claim))
    assert await outbox.next_due("ops") == LATER
    assert await outbox.claim("ops", now=LATER - 1, lease=LEASE, limit=ALL) is None
    assert len((await claimed(outbox, now=LATER)).messages) == 1


async def test_channels_are_claimed_each_for_itself(outbox: SqlStore) -> None:
    await put(outbox, a_message(), a_message(channel="pager"))
    await claimed(outbox)
    assert len((await claimed(outbox, "pager")).messages) == 1


async def test_a_lease_that_is_over_leaves_the_messages_to_the_next_worker_alone(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    dead = await claimed(outbox)
    assert await outbox.next_due("ops") == START + LEASE
    heir = await claimed(outbox, now=START + LEASE)
    assert heir.messages == dead.messages
    await outbox.sent(dead, arrived(dead))
    assert await outbox.claim("ops", now=START + LEASE, lease=LEASE, limit=ALL) is None, "the heir still has it"
    await outbox.put_off(heir, refused(heir), until=LATER)
    assert (await claimed(outbox, now=START + 2 * LEASE)).messages == dead.messages


async def test_whoever_starts_need_not_wait_for_the_leases_of_the_dead(outbox: SqlStore) -> None:
    await put(outbox, a_message(firm=LATER))
    dead = await claimed(outbox)
    await outbox.end_leases()
    assert (await claimed(outbox)).messages == dead.messages


async def test_what_waits_for_another_try_holds_up_what_came_later(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    claim = await claimed(outbox)
    await outbox.put_off(claim, refused(claim, at=START + 5), until=LATER)
    await put(outbox, a_message(incident=IncidentKey(2, START)))
    assert await outbox.next_due("ops") == LATER
    assert await outbox.claim("ops", now=LATER - 1, lease=LEASE, limit=ALL) is None
    again = await claimed(outbox, now=LATER)
    assert (again.messages, again.tried, again.failing) == (claim.messages, 1, START + 5)
    await outbox.sent(again, arrived(again))
    assert [message.incident.endpoint for message in (await claimed(outbox, now=LATER)).messages] == [2]


async def test_whoever_delivers_hears_of_messages_once_they_are_there(outbox: SqlStore) -> None:
    heard: list[None] = []
    outbox.listen(lambda: heard.append(None))
    await put(outbox, incidents=[an_outage()])
    assert heard == []
    await put(outbox, a_message())
    assert heard == [None]


async def test_a_letter_that_arrives_ends_the_trouble_of_its_channel(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    for tried in range(3):
        claim = await claimed(outbox, now=START + tried)
        assert claim.tried == tried
        await outbox.put_off(claim, refused(claim, at=START + tried), until=START + tried + 1)
    claim = await claimed(outbox, now=LATER)
    assert claim.failing == START
    await outbox.sent(claim, arrived(claim))
    await put(outbox, a_message(Purpose.REPEAT))
    assert (await claimed(outbox)).tried == 0


async def test_what_waits_for_a_rate_was_not_tried(outbox: SqlStore) -> None:
    await put(outbox, a_message(firm=LATER))
    await outbox.put_off(await claimed(outbox), None, until=START + 5)
    await put(outbox, a_message(Purpose.RESOLVE, at=START + 1))
    assert await outbox.next_due("ops") is None, "it was taken back by the end of its incident"
    assert await outbox.attempts("ops", limit=9) == []


async def test_what_has_waited_for_too_long_is_given_up_and_the_rest_goes_on(outbox: SqlStore) -> None:
    await put(outbox, a_message(), a_message(incident=IncidentKey(2, START), due=LATER))
    claim = await claimed(outbox, now=LATER)
    await outbox.put_off(claim, refused(claim), until=LATER + 1, stale=LATER)
    assert [message.due for message in (await claimed(outbox, now=LATER + 1)).messages] == [LATER]
    [state] = [state for state in await outbox.channels() if state.channel == "ops"]
    assert (state.pending, state.failed) == (1, 1)


async def test_a_channel_that_cannot_work_is_disabled_until_somebody_enables_it(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    claim = await claimed(outbox)
    await outbox.give_up(claim, refused(claim, error="403: key revoked"), disable=True)
    await put(outbox, a_message(incident=IncidentKey(2, START)))
    assert await outbox.next_due("ops") is None
    assert await outbox.claim("ops", now=LATER, lease=LEASE, limit=ALL) is None
    [state] = [state for state in await outbox.channels() if state.channel == "ops"]
    assert (state.pending, state.failed, state.disabled) == (1, 1, "403: key revoked")
    await enable(outbox, "ops")
    again = await claimed(outbox)
    assert (again.messages, again.tried) == (claim.messages, 0)
    await outbox.sent(again, arrived(again))
    assert [message.incident.endpoint for message in (await claimed(outbox)).messages] == [2]


async def test_what_was_given_up_without_disabling_stays_given_up(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    claim = await claimed(outbox)
    await outbox.give_up(claim, refused(claim), disable=False)
    await enable(outbox, "ops")
    assert await outbox.next_due("ops") is None


async def test_another_configuration_enables_a_channel_and_the_same_one_does_not(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    claim = await claimed(outbox)
    await outbox.give_up(claim, refused(claim), disable=True)
    await outbox.configure({"ops": "first", "pager": "first"}, now=START)
    assert await outbox.next_due("ops") is None
    await outbox.configure({"ops": "second", "pager": "first"}, now=START)
    assert await outbox.next_due("ops") == START


async def test_what_waits_for_a_channel_that_is_gone_is_given_up_visibly(outbox: SqlStore) -> None:
    await put(outbox, a_message(), a_message(channel="pager"))
    await outbox.configure({"pager": "first"}, now=LATER)
    ops, pager = await outbox.channels()
    assert (ops.pending, ops.failed, pager.pending, pager.failed) == (0, 1, 1, 0)
    assert ops.last == Attempt(
        channel="ops", at=LATER, took=0.0, messages=1, error="the channel is not configured any more"
    )


async def test_attempts_are_kept_newest_first_and_counted(outbox: SqlStore) -> None:
    await put(outbox, a_message())
    claim = await claimed(outbox)
    first, second = refused(claim, error="503\0"), replace(arrived(claim), at=LATER)
    await outbox.put_off(claim, first, until=START)
    await outbox.sent(await claimed(outbox), second)
    assert await outbox.attempts("ops", limit=9) == [second, replace(first, error=r"503\x00")]
    assert await outbox.attempts("ops", limit=1) == [second]
    assert await outbox.attempts("pager", limit=9) == []
    ops, pager = await outbox.channels()
    assert (ops.arrived, ops.refused, ops.last) == (1, 1, second)
    assert (pager.arrived, pager.refused, pager.last) == (0, 0, None)


async def test_an_attempt_at_no_message_is_written_down_like_others(outbox: SqlStore) -> None:
    beat = Attempt(channel="heartbeat", at=START, took=0.1, messages=0, error="not heard: HTTP 500")
    await outbox.record(beat)
    assert await outbox.attempts("heartbeat", limit=1) == [beat]
    assert [state.channel for state in await outbox.channels()] == ["heartbeat", "ops", "pager"]


async def test_the_key_of_links_is_made_once(outbox: SqlStore) -> None:
    first = await outbox.secret()
    assert len(first) == 32
    assert await outbox.secret() == first
