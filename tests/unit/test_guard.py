"""The own-network guard: who is blamed, when, and who waits for it."""

import asyncio

import msgspec

from milkrun.clock import ManualClock
from milkrun.config.settings import NetworkSettings, Sentinel
from milkrun.core.incident import Incident, Kind, Moment
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.state import EndpointState
from milkrun.probes.http import HttpOptions
from milkrun.probes.way import Way
from tests.support.guarded import REFUSED, SILENT, Guarded, Witnesses
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
    assert {each.endpoint: each.closed for each in line.incidents().values()} == {99: 7}
    line.guard.resume({}, 8)
    assert {each.endpoint: each.closed for each in line.incidents().values()} == {99: 7, 0: 8}, "of two nothing is told"
    assert line.pipeline.notices.get(1, Kind.CERTIFICATE) == left[1]


async def test_started_in_the_middle_of_our_own_trouble_it_is_still_the_same_and_ends_once() -> None:
    left = Incident(endpoint=0, opened=1, closed=None, state=UNKNOWN, cause="", kind=Kind.NETWORK)
    line = Guarded(10, reach=Witnesses(), known=[left])
    line.guard.resume({}, line.slot)
    line.refused(*range(1, 11))
    assert {outcome for _, outcome in line.outcomes()} == {UNKNOWN}
    assert line.incidents() == {}
    line.up(*range(1, 7))
    assert [(each.key, each.closed is None) for each in line.incidents().values()] == [(left.key, False)]


async def test_hosts_that_are_taken_out_for_maintenance_are_no_trouble_of_ours_then_and_afterwards() -> None:
    line = Guarded(10, reach=Witnesses())
    for number in range(1, 7):
        line.settle(number, result(DOWN, failure=REFUSED, maintenance=True))
    assert line.outcomes() == [(number, DOWN) for number in range(1, 7)]
    line.refused(*range(1, 7))
    assert line.outcomes()[6:] == line.outcomes()[:6]
    assert {each.kind for each in line.incidents().values()} == {Kind.OUTAGE}


async def test_hosts_that_were_out_before_a_start_are_no_trouble_of_ours_at_it() -> None:
    out = Incident(endpoint=1, opened=1, closed=None, state=DOWN, cause="")
    line = Guarded(10, reach=Witnesses())
    states = {number: EndpointState(state=DOWN, settled=DOWN, incident=out) for number in range(1, 7)}
    line.guard.resume({**states, 7: EndpointState(), 99: states[1]}, line.slot)
    line.refused(*range(1, 7))
    assert line.outcomes() == [(number, DOWN) for number in range(1, 7)]


async def test_connections_that_fall_silent_are_our_networks_when_nobody_can_be_connected_to_any_more() -> None:
    line = Guarded(10, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    async with line.asking():
        line.silent(*range(1, 11))
        assert line.outcomes() == [], "however many they are, this may be their servers"
        await line.clock.advance(2)
        assert await until(lambda: len(line.outcomes()) == 10, count=100)
        line.silent(3)
    assert {outcome for _, outcome in line.outcomes()} == {UNKNOWN}
    assert [each.kind for each in line.incidents().values()] == [Kind.NETWORK]


async def test_servers_that_hang_are_their_own_outage_even_all_of_them() -> None:
    witnesses = Witnesses("core_h2.test")
    line = Guarded(3, reach=witnesses)
    async with line.asking():
        line.silent(1)
        assert await until(lambda: line.outcomes() == [(1, DOWN)], count=100)
        assert witnesses.asked == ["core_h2.test:80", "core_h3.test:80", "core_h1.test:80"], "itself comes last"
        line.silent(2, 3)
        assert await until(lambda: line.outcomes()[1:] == [(2, DOWN), (3, DOWN)], count=100)
    assert {each.kind for each in line.incidents().values()} == {Kind.OUTAGE}


async def test_only_hosts_that_are_connected_to_directly_are_asked() -> None:
    witnesses = Witnesses()
    line = Guarded(4, reach=witnesses)
    proxied = HttpOptions(url="http://h/", way=Way(unix_socket="/run/app.sock"))
    for number in (2, 3):
        moved = msgspec.structs.replace(line.endpoints[number].endpoint, options=proxied)
        line.guard.watch([registered(moved, id=number)], line.slot)
    async with line.asking():
        line.refused(1)
        assert await until(lambda: len(witnesses.asked) == 1, count=100)
    assert witnesses.asked == ["core_h4.test:80"]


async def test_where_checks_go_by_a_proxy_nobody_is_asked_and_failures_are_the_targets() -> None:
    witnesses = Witnesses()
    line = Guarded(10, reach=witnesses, settings=NetworkSettings(direct=False))
    assert isinstance(line.clock, ManualClock)
    async with line.asking():
        line.silent(1)
        await line.clock.advance(2)
        assert await until(lambda: line.outcomes() == [(1, DOWN)], count=100)
    assert witnesses.asked == []


async def test_who_answered_before_a_failure_says_nothing_of_it() -> None:
    line = Guarded(10, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    line.refused(1)
    line.up(*range(2, 11))
    assert (1, DOWN) in line.outcomes()
    await line.clock.advance(1)
    line.refused(2)
    assert (2, DOWN) not in line.outcomes(), "it waits for what others say from now on"
    line.up(*range(3, 11))
    assert (2, DOWN) in line.outcomes()


async def test_a_notice_that_no_route_is_for_is_written_and_told_nobody() -> None:
    line = Guarded(10, reach=Witnesses(), routes=())
    line.refused(*range(1, 6))
    assert (len(line.incidents()), line.told()) == (1, [])


async def test_whose_own_trouble_it_is_waits_no_more_until_it_has_answered() -> None:
    line = Guarded(10, reach=Witnesses("core_h2.test"))
    async with line.asking():
        line.refused(1)
        assert await until(lambda: line.outcomes() == [(1, DOWN)], count=100)
        line.refused(1)
        assert line.outcomes() == [(1, DOWN), (1, DOWN)]
        line.up(1)
        line.refused(1)
        assert line.outcomes()[2:] == [(1, UP)]


async def test_what_waits_since_a_decision_is_not_judged_by_the_question_before_it() -> None:
    line = Guarded(10, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    async with line.asking():
        line.refused(1)
        await line.clock.advance(1.9)
        line.guard.release()
        line.refused(2)
        await line.clock.advance(1.9)
        assert line.outcomes() == [(1, DOWN)]
        await line.clock.advance(0.2)
    assert line.outcomes() == [(1, DOWN), (2, UNKNOWN)]


async def test_a_check_that_began_while_our_network_was_gone_is_its_doing_also_when_it_ends_later() -> None:
    line = Guarded(10, reach=Witnesses())
    assert isinstance(line.clock, ManualClock)
    began = line.clock.wall()
    line.refused(*range(1, 11))
    await line.clock.advance(5)
    line.up(*range(1, 7))
    for number, started, outcome in ((9, began + 4, UNKNOWN), (10, began + 6, None)):
        line.settle(number, result(DOWN, failure=SILENT, started=started))
        assert dict(line.outcomes()[16:]).get(number) is outcome
    assert [each.closed is None for each in line.incidents().values()] == [False]
