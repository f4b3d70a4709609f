"""The runner: one outcome a slot, whatever the probe does."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from milkrun.core.condition import parse_condition
from milkrun.core.endpoint import Retry
from milkrun.core.observation import Observation
from milkrun.core.outcome import Outcome
from milkrun.core.result import Trigger
from milkrun.probes.http import HttpOptions
from tests.support.judging import observed
from tests.support.rounds import MIDNIGHT, Round, ScriptedProbe, an_endpoint

SLOT = MIDNIGHT * 1_000


async def test_a_failing_check_is_repeated_and_only_the_last_attempt_counts() -> None:
    run = Round()
    endpoint = an_endpoint(retry=Retry(count=2, delay=3))
    run.runner.start(run.stop(endpoint, ScriptedProbe(run.clock, [500, 500, 200])), SLOT)
    await run.clock.advance(10)
    seen = [*run.kept.attempts, *run.kept.settled]
    assert [(each.attempt, each.trigger, each.outcome) for each in seen] == [
        (1, Trigger.SCHEDULE, Outcome.DOWN),
        (2, Trigger.RETRY, Outcome.DOWN),
        (3, Trigger.RETRY, Outcome.UP),
    ]
    assert {each.slot for each in seen} == {SLOT}
    assert [each.started - MIDNIGHT for each in seen] == pytest.approx([0, 3, 6])
    assert len(run.kept.settled) == 1


async def test_retries_end_when_they_are_used_up() -> None:
    run = Round()
    probe = ScriptedProbe(run.clock, [500])
    run.runner.start(run.stop(an_endpoint(retry=Retry(count=2, delay=1)), probe), SLOT)
    await run.clock.advance(60)
    assert probe.calls == 3
    assert [(each.attempt, each.outcome) for each in run.kept.settled] == [(3, Outcome.DOWN)]


async def test_no_condition_shows_a_secret_of_the_endpoint_that_the_server_sent_back() -> None:
    run = Round()
    endpoint = msgspec.structs.replace(
        an_endpoint(),
        conditions=(parse_condition("[STATUS] == 200"), parse_condition("[BODY] == ok")),
        options=HttpOptions(url="http://h/", secrets=("s3cr3t",)),
    )

    async def echoing() -> Observation:
        return observed(body="you sent s3cr3t")

    run.runner.start(run.stop(endpoint, echoing), SLOT)
    await run.clock.advance(1)
    assert [each.shown for each in run.kept.settled[0].conditions] == [
        "[STATUS] == 200",
        "[BODY] (you sent (hidden)) == ok",
    ]


async def test_a_check_by_hand_says_so_and_its_retries_are_retries() -> None:
    run = Round()
    endpoint = an_endpoint(retry=Retry(count=1, delay=0))
    run.runner.start(run.stop(endpoint, ScriptedProbe(run.clock, [500, 200])), SLOT, Trigger.MANUAL)
    await run.clock.advance(1)
    assert [each.trigger for each in [*run.kept.attempts, *run.kept.settled]] == [Trigger.MANUAL, Trigger.RETRY]


async def test_a_probe_that_breaks_is_unknown_and_logged_and_disturbs_nobody_else() -> None:
    async def broken() -> Observation:
        raise ZeroDivisionError("a bug")

    run = Round()
    with capture_logs() as logs:
        run.runner.start(run.stop(an_endpoint("a_a"), broken), SLOT)
        run.runner.start(run.stop(an_endpoint("b_b"), ScriptedProbe(run.clock, takes=1), id=2), SLOT)
        await run.clock.advance(2)
    assert [(each.endpoint, each.outcome) for each in run.kept.settled] == [(1, Outcome.UNKNOWN), (2, Outcome.UP)]
    assert run.kept.settled[0].warnings == ("the check broke off: ZeroDivisionError: a bug",)
    assert run.kept.settled[0].failure is None
    assert [(entry["endpoint"], entry["exc_info"].args) for entry in logs] == [("a_a", ("a bug",))]
    assert run.balanced()


async def test_draining_lets_checks_end_within_the_grace() -> None:
    run = Round()
    gate = asyncio.Event()

    async def gated() -> Observation:
        await gate.wait()
        return await ScriptedProbe(run.clock)()

    run.runner.start(run.stop(an_endpoint(), gated), SLOT)
    draining = asyncio.create_task(run.runner.drain(30))
    await run.clock.advance(0)
    gate.set()
    await draining
    assert (run.runner.done, run.runner.skipped, run.runner.in_flight) == (1, 0, 0)


async def test_checks_that_outlast_the_grace_are_cancelled_and_their_slots_told_as_skipped() -> None:
    run = Round()
    endpoint = an_endpoint(retry=Retry(count=5, delay=60))
    run.runner.start(run.stop(endpoint, ScriptedProbe(run.clock, [500])), SLOT)
    await run.clock.advance(1)
    await run.runner.drain(0)
    assert (run.runner.done, run.runner.skipped, run.runner.in_flight) == (0, 1, 0)
    assert [(each.slot, each.attempt) for each in run.kept.attempts] == [(SLOT, 1)]
    assert [(each.slot, each.attempt, each.outcome) for each in run.kept.skipped] == [(SLOT, 2, Outcome.UNKNOWN)]


async def test_a_check_cancelled_before_its_first_step_is_accounted_for() -> None:
    run = Round()
    stop = run.stop(an_endpoint())
    run.runner.start(stop, SLOT)
    assert stop.task is not None
    stop.task.cancel()
    await run.clock.advance(0)
    assert (run.runner.due, run.runner.skipped, run.runner.in_flight) == (1, 1, 0)
    assert len(run.kept.skipped) == 1


async def test_lateness_of_each_start_is_measured() -> None:
    run = Round()
    for late in (0, 10, 500):
        stop = run.stop(an_endpoint(f"core_{late}"))
        run.runner.start(stop, SLOT - late)
        await run.clock.advance(0)
    vitals = run.runner.vitals()
    late_ms = vitals.pop("late_ms")
    assert isinstance(late_ms, dict)
    assert late_ms["max"] == pytest.approx(500, abs=1)
    assert 9 < late_ms["p50"] < 12
    assert vitals == {"due_total": 3, "done_total": 3, "skipped_total": 0, "in_flight": 0}
