"""The own-network guard: who is blamed, when, and who waits for it."""

import asyncio

import msgspec

from milkrun.clock import ManualClock
from milkrun.config.settings import NetworkSettings, Sentinel
from milkrun.core.incident import Incident, Kind, Moment
from milkrun.core.outcome import Failure, Layer, Outcome
from tests.support.guarded import Guarded, Witnesses
from tests.support.judging import result
from tests.support.rounds import registered
from tests.support.turns import turns, until

UP, DOWN, UNKNOWN = Outcome.UP, Outcome.DOWN, Outcome.UNKNOWN
SENTINELS = NetworkSettings(sentinels=(Sentinel("sentinel", 443), Sentinel("other", 53)))


async def test_many_hosts_that_fail_at_once_are_one_notice_and_nobodys_outage() -> None:
    line = Guarded(10, reach=Witnesses())
    line.up(*range(1, 11))
    line.refused(*range(1, 11))
    assert line.outcomes()[10:] == [(number, UNKNOWN) for number in range(1, 11)]
    (incident,) = line.incidents().values()
    assert (incident.kind, incident.endpoint, incident.closed) == (Kind.NETWORK, 0, None)
    assert incident.cause == "5 hosts of 10 could not be reached, all at once"
    assert [message.subject.kind for message in line.told()] == [Kind.NETWORK]


async def test_it_ends_when_hosts_answer_again() -> None:
    line = Guarded(10, reach=Witnesses())
    line.refused(*range(1, 11))
    line.up(*range(1, 6))
    assert line.incidents().popitem()[1].closed is None
    line.up(6)
    (incident,) = line.incidents().values()
    assert incident.closed is not None
    assert [entry.moment for entry in line.entries()] == [Moment.OPENED, Moment.RESOLVED]
    line.refused(10)
    assert line.outcomes()[-1] == (6, UP), "it is new trouble, and waits"


async def test_the_first_failure_waits_and_is_the_targets_when_a_witness_answers() -> None:
    witnesses = Witnesses("core_h3.test")
    line = Guarded(10, reach=witnesses)
    async with line.asking():
        line.refused(1)
        assert line.outcomes() == []
        assert await until(lambda: line.outcomes() == [(1, DOWN)], count=100)
    assert witnesses.asked == [f"core_h{number}.test:80" for number in range(2, 7)]


async def test_the_first_failure_is_our_networks_when_no_witness_answers() -> None:
    line = Guarded(10, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    async with line.asking():
        line.refused(1)
        await turns()
        assert line.outcomes() == []
        await line.clock.advance(2.1)
        await turns()
        assert line.outcomes() == [(1, UNKNOWN)]
        assert [incident.kind for incident in line.incidents().values()] == [Kind.NETWORK]


async def test_sentinels_are_asked_where_there_are_any() -> None:
    witnesses = Witnesses("other")
    line = Guarded(10, reach=witnesses, settings=SENTINELS)
    async with line.asking():
        line.refused(1)
        assert await until(lambda: line.outcomes() == [(1, DOWN)], count=100)
    assert witnesses.asked == ["sentinel:443", "other:53"]


async def test_nobody_waits_for_longer_than_the_limit_whatever_the_witnesses_do() -> None:
    witnesses = Witnesses()
    witnesses.gate.clear()
    line = Guarded(10, reach=witnesses)
    assert isinstance(line.clock, ManualClock)
    async with line.asking():
        line.refused(1)
        await turns()
        await line.clock.advance(2.1)
        await turns()
        assert len(line.outcomes()) == 1


async def test_failures_are_the_targets_own_once_clearly_more_hosts_answer() -> None:
    line = Guarded(20, reach=Witnesses())
    line.refused(1)
    line.up(*range(2, 6))
    assert (1, DOWN) not in line.outcomes()
    line.up(6)
    assert line.outcomes()[-2:] == [(1, DOWN), (6, UP)]


async def test_with_one_or_two_hosts_nothing_waits() -> None:
    line = Guarded(2, reach=Witnesses())
    line.refused(1, 2)
    assert line.outcomes() == [(1, DOWN), (2, DOWN)]


async def test_who_has_been_down_for_long_does_not_wait() -> None:
    line = Guarded(10, reach=Witnesses("core_h2.test"))
    assert isinstance(line.clock, ManualClock)
    line.refused(1)
    line.guard.release()
    await line.clock.advance(31)
    line.refused(1)
    assert line.outcomes() == [(1, DOWN), (1, DOWN)]


async def test_other_failures_are_answers_and_our_own_are_nothing() -> None:
    line = Guarded(3, reach=Witnesses())
    line.refused(1, 2)
    line.settle(3, result(UNKNOWN, failure=Failure(layer=Layer.SELF, kind="overload", message="late")))
    assert line.outcomes() == [(3, UNKNOWN)]
    line.settle(3, result(DOWN, failure=Failure(layer=Layer.TLS, kind="expired", message="old")))
    line.refused(3)
    assert [outcome for _, outcome in line.outcomes()[2:]] == [UNKNOWN, UNKNOWN, UNKNOWN], "now all three fail"


async def test_switched_off_it_lets_everything_pass() -> None:
    line = Guarded(10, reach=Witnesses(), settings=NetworkSettings(enabled=False))
    line.refused(*range(1, 11))
    assert {outcome for _, outcome in line.outcomes()} == {DOWN}


async def test_a_result_that_waits_for_an_endpoint_that_goes_is_kept_and_moves_nothing() -> None:
    line = Guarded(10, reach=Witnesses())
    line.refused(1)
    line.guard.retire(1, line.slot)
    assert line.outcomes() == [(1, DOWN)]
    assert line.incidents() == {}
    line.refused(1)
    assert len(line.outcomes()) == 2, "of an endpoint that is watched no more nothing waits"


async def test_an_endpoint_that_moves_to_another_host_counts_there() -> None:
    line = Guarded(3, reach=Witnesses())
    line.guard.watch([line.endpoints[1]], line.slot)
    line.guard.retire(3, line.slot)
    line.guard.retire(3, line.slot)
    line.refused(1)
    assert line.outcomes() == [(1, DOWN)], "two hosts are left"


async def test_stopping_lets_everything_go() -> None:
    line = Guarded(10, reach=Witnesses())
    line.refused(1)
    line.guard.release()
    assert line.outcomes() == [(1, DOWN)]


async def test_what_is_decided_while_witnesses_are_asked_stays_decided() -> None:
    witnesses = Witnesses("core_h9.test")
    witnesses.gate.clear()
    line = Guarded(10, reach=witnesses)
    async with line.asking():
        line.refused(1)
        await turns()
        line.refused(2, 3, 4, 5)
        witnesses.gate.set()
        await turns(20)
    assert {outcome for _, outcome in line.outcomes()} == {UNKNOWN}


async def test_suspicion_without_anything_left_that_waits_asks_nobody() -> None:
    witnesses = Witnesses()
    line = Guarded(10, reach=witnesses)
    line.refused(1)
    line.guard.release()
    async with line.asking():
        await turns()
    assert witnesses.asked == []


async def test_when_nobody_is_left_to_ask_the_failures_are_the_targets() -> None:
    line = Guarded(4, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    line.refused(1, 2)
    line.guard.release()
    await line.clock.advance(20)
    line.refused(3)
    line.guard.release()
    await line.clock.advance(9)
    line.guard.retire(1, line.slot)
    async with line.asking():
        line.up(4)
        await line.clock.advance(5)
        line.refused(4)
        await line.clock.advance(3)
        await turns()
    assert line.outcomes()[-1] == (4, DOWN)


async def test_cancelled_while_it_asks_it_leaves_nobody_asking() -> None:
    witnesses = Witnesses()
    witnesses.gate.clear()
    line = Guarded(10, reach=witnesses)
    before = len(asyncio.all_tasks())
    async with line.asking():
        line.refused(1)
        await turns()
        assert len(asyncio.all_tasks()) > before + 1
    assert len(asyncio.all_tasks()) == before


async def test_endpoints_of_one_host_are_one_host_until_the_last_of_them_goes() -> None:
    line = Guarded(4, reach=Witnesses())
    twin = registered(msgspec.structs.replace(line.endpoints[4].endpoint, key="core_twin"), id=5)
    line.endpoints[5] = twin
    line.guard.watch([twin], line.slot)
    line.guard.retire(5, line.slot)
    line.refused(1, 2, 3)
    assert line.outcomes() == [], "the fourth host is still watched"
    line.guard.retire(4, line.slot)
    line.refused(3)
    assert {outcome for _, outcome in line.outcomes()} == {UNKNOWN}


async def test_what_was_left_open_by_the_last_run_is_closed_where_nobody_watches_it_any_more() -> None:
    left = [
        Incident(endpoint=number, opened=1, closed=None, state=Outcome.DEGRADED, cause="", kind=kind)
        for number, kind in ((0, Kind.NETWORK), (1, Kind.CERTIFICATE), (99, Kind.DOMAIN))
    ]
    line = Guarded(2, reach=Witnesses(), known=left)
    line.pipeline.notices.retire_unknown(7)
    assert {each.endpoint: each.closed for each in line.incidents().values()} == {0: 7, 99: 7}
    assert line.pipeline.notices.get(1, Kind.CERTIFICATE) == left[1]


async def test_a_notice_that_no_route_is_for_is_written_and_told_nobody() -> None:
    line = Guarded(10, reach=Witnesses(), routes=())
    line.refused(*range(1, 6))
    assert (len(line.incidents()), line.told()) == (1, [])
