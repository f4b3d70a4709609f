"""Many calls under one deadline: what came, and for each missing answer why."""

import asyncio
import contextlib
import gc
import logging
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

import pytest

from milkrun.client import (
    ClientError,
    FanOut,
    OwnError,
    Reason,
    RequestError,
    RequestTimeoutError,
    UpstreamTimeoutError,
    UsageError,
    fan_out,
)
from milkrun.client.upstreams.errors import Overloaded
from milkrun.client.upstreams.fan_out import _Round
from milkrun.client.upstreams.missing import reason_of
from milkrun.client.upstreams.parting import let_go
from tests.support.upstreams import Asked, Scene, scene


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


def reasons(came: FanOut[Any]) -> dict[str, str]:
    return {name: missing.reason.value for name, missing in came.missing.items()}


async def one() -> int:
    return 1


def test_it_returns_as_soon_as_every_answer_is_there_in_the_order_asked(loop: Scene) -> None:
    first, second = Asked[int](), Asked[int]()
    task = loop.begin(fan_out({"first": first, "second": second}, within=0.8))
    second.answer(2)
    loop.settle()
    assert not task.done()
    first.answer(1)
    loop.settle()
    came = task.result()
    assert list(came.results.items()) == [("first", 1), ("second", 2)]
    assert came.complete
    assert came.missing == {}


def test_all_calls_are_made_at_once_and_each_once(loop: Scene) -> None:
    calls = {str(number): Asked[int]() for number in range(10)}
    task = loop.begin(fan_out(calls, within=0.8))
    assert [call.begun for call in calls.values()] == [1] * 10
    loop.cancel(task)


def test_the_deadline_cancels_the_rest_and_gives_what_came(loop: Scene) -> None:
    slow, quick = Asked[int](), Asked[int]()
    task = loop.begin(fan_out({"slow": slow, "quick": quick}, within=0.8))
    quick.answer(1)
    loop.wait(0.79)
    assert not task.done()
    loop.wait(0.02)
    came = task.result()
    assert came.results == {"quick": 1}
    assert slow.cancelled == 1
    missing = came.missing["slow"]
    assert missing.reason is Reason.DEADLINE
    assert missing.error is None
    assert missing.seconds == pytest.approx(0.81)
    assert not came.complete


def test_an_answer_that_arrives_as_the_deadline_strikes_counts(loop: Scene) -> None:
    call = Asked[int]()
    task = loop.begin(fan_out({"close": call}, within=0.8))
    loop.moment += 0.8
    loop.call_soon(call.answer, 1)  # in the turn in which the deadline strikes, and before it
    loop.settle()
    assert task.result().results == {"close": 1}


def test_a_failure_is_kept_with_its_time_and_touches_no_other_call(loop: Scene) -> None:
    bad, good = Asked[int](), Asked[int]()
    task = loop.begin(fan_out({"bad": bad, "good": good}, within=0.8))
    loop.wait(0.2)
    error = ValueError("no price")
    bad.fail(error)
    loop.settle()
    good.answer(1)
    loop.settle()
    came = task.result()
    assert came.results == {"good": 1}
    assert came.missing["bad"].reason is Reason.FAILED
    assert came.missing["bad"].error is error
    assert came.missing["bad"].seconds == pytest.approx(0.2)


def test_an_error_goes_with_the_answer_it_is_in_and_waits_for_no_collector(loop: Scene) -> None:
    class FailureError(Exception):
        """One that can be referred to weakly."""

    async def fail() -> None:
        raise FailureError

    gc.disable()
    try:
        came = loop.finish(fan_out({"bad": fail}, within=0.8))
        kept = came.missing["bad"].error
        assert isinstance(kept, FailureError)
        error = weakref.ref(kept)
        del came, kept
        assert error() is None
    finally:
        gc.enable()


def test_a_call_that_cannot_even_be_made_is_a_failure_of_its_own(loop: Scene) -> None:
    def wrong() -> NoReturn:
        raise TypeError("one argument is missing")

    came = loop.finish(fan_out({"wrong": wrong, "right": one}, within=0.8))
    assert came.results == {"right": 1}
    assert isinstance(came.missing["wrong"].error, TypeError)


@pytest.mark.parametrize("made", [one, lambda: 5, lambda: None])
async def test_what_is_no_call_is_refused_before_anything_is_asked(made: Any) -> None:
    call, wrong = Asked[int](), made()
    with pytest.raises(UsageError, match=r"'wrong': expected a function .*: lambda: client.get\(url\), not "):
        await fan_out({"right": call, "wrong": wrong}, within=0.8)
    assert call.begun == 0
    if asyncio.iscoroutine(wrong):
        wrong.close()


def test_what_becomes_of_the_mapping_meanwhile_changes_nothing(loop: Scene) -> None:
    first, second = Asked[int](), Asked[int]()
    calls: dict[str, Any] = {"first": first, "second": second}
    task = loop.begin(fan_out(calls, within=0.8))
    del calls["first"]
    calls["third"] = one
    first.answer(1)
    second.answer(2)
    loop.settle()
    assert task.result() == FanOut(results={"first": 1, "second": 2}, missing={})


def test_whatever_can_be_awaited_can_be_called(loop: Scene) -> None:
    future: asyncio.Future[int] = loop.create_future()
    future.set_result(7)
    assert loop.finish(fan_out({"future": lambda: future}, within=0.8)).results == {"future": 7}


def test_nothing_asked_is_nothing_missing(loop: Scene) -> None:
    came: FanOut[int] = loop.finish(fan_out({}, within=0.8))
    assert came.complete
    assert came.results == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(), Reason.FAILED),
        (RequestError("connect", "refused", "nobody there"), Reason.FAILED),
        (OwnError("proxy", "no way", phase="proxy"), Reason.FAILED),
        (TimeoutError(), Reason.TIMED_OUT),
        (RequestTimeoutError("wait", "no answer"), Reason.TIMED_OUT),
        (UpstreamTimeoutError("no answer"), Reason.TIMED_OUT),
        (Overloaded("full", retry_after=1), Reason.REFUSED),
        (RequestTimeoutError("self", "no place", phase="queue"), Reason.REFUSED),
        (OwnError("descriptors", "none left", phase="connect"), Reason.REFUSED),
        (asyncio.CancelledError(), Reason.CANCELLED),
    ],
    ids=lambda value: f"{value!r}" if isinstance(value, BaseException) else "",
)
def test_a_reason_tells_limits_and_times_from_failures(error: BaseException, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_a_reason_is_found_in_the_cause_of_a_translated_error() -> None:
    error = RuntimeError("another library's word for it")
    error.__cause__ = RequestTimeoutError("connect", "no answer")
    assert reason_of(error) is Reason.TIMED_OUT


def test_causes_that_lead_round_in_a_circle_are_looked_at_for_a_while() -> None:
    first, second = RuntimeError("one"), RuntimeError("two")
    first.__cause__, second.__cause__ = second, first
    assert reason_of(first) is Reason.FAILED


def test_a_call_whose_own_wait_was_cancelled_is_missing_and_nobody_waits_for_it(loop: Scene) -> None:
    call = Asked[int]()
    task = loop.begin(fan_out({"lost": call}, within=0.8))
    call.lose()
    loop.settle()
    assert reasons(task.result()) == {"lost": "cancelled"}


def test_the_callers_cancellation_cancels_every_call_and_leaves_nothing_behind(loop: Scene) -> None:
    calls = {str(number): Asked[int]() for number in range(3)}
    task = loop.begin(fan_out(calls, within=0.8))
    calls["0"].answer(1)
    loop.settle()
    loop.cancel(task)
    assert task.cancelled()
    assert [call.cancelled for call in calls.values()] == [0, 1, 1]
    assert loop.pending() == 0


def test_a_deadline_around_it_works_as_around_anything(loop: Scene) -> None:
    call = Asked[int]()

    async def outer() -> None:
        async with asyncio.timeout(0.1):
            await fan_out({"slow": call}, within=0.8)

    task = loop.begin(outer())
    loop.wait(0.1)
    assert isinstance(task.exception(), TimeoutError)
    assert call.cancelled == 1


def test_a_caller_that_is_cancelled_in_the_turn_of_the_last_answer_is_cancelled(loop: Scene) -> None:
    call = Asked[int]()
    task = loop.begin(fan_out({"only": call}, within=0.8))
    call.answer(1)
    task.cancel()
    loop.settle()
    assert task.cancelled()
    del task
    assert loop.unheard() == []


def test_a_call_that_swallows_its_cancellation_does_not_hold_the_answer(
    loop: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[weakref.ref[asyncio.Future[None]]] = []

    async def stubborn() -> int:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                wait: asyncio.Future[None] = loop.create_future()
                waits.append(weakref.ref(wait))
                await wait
        return 1

    task = loop.begin(fan_out({"stubborn": stubborn, "quick": one}, within=0.8))
    loop.wait(0.8)
    assert not task.done()  # it has a moment for its clean-up
    loop.wait(0.05)
    assert task.result().results == {"quick": 1}
    assert reasons(task.result()) == {"stubborn": "deadline"}
    assert "stubborn goes on although it was cancelled" in caplog.text
    gc.collect()
    last = waits[-1]()
    assert last is not None  # somebody refers to the task until it ends, or it would vanish in the middle of its work
    last.set_result(None)


def test_what_a_call_says_after_it_was_cancelled_is_too_late(loop: Scene) -> None:
    async def late() -> int:
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            return 1
        return 2

    task = loop.begin(fan_out({"late": late}, within=0.8))
    loop.wait(0.8)
    assert reasons(task.result()) == {"late": "deadline"}
    assert task.result().results == {}


def test_an_error_in_a_clean_up_is_logged(loop: Scene, caplog: pytest.LogCaptureFixture) -> None:
    async def clumsy() -> None:
        try:
            await loop.create_future()
        finally:
            raise ValueError("in the clean-up")

    task = loop.begin(fan_out({"clumsy": clumsy}, within=0.8))
    loop.wait(0.8)
    assert reasons(task.result()) == {"clumsy": "deadline"}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "clumsy failed while it was cancelled"
    assert record.exc_info


def test_what_is_no_exception_ends_everything_and_is_raised(loop: Scene) -> None:
    class Interrupt(BaseException):
        """As KeyboardInterrupt, which would end this test's loop as well."""

    class Another(BaseException):
        pass

    async def stop() -> None:
        raise Interrupt

    async def stop_too() -> None:
        raise Another

    slow = Asked[None]()
    task = loop.begin(fan_out({"slow": slow, "stop": stop, "too": stop_too}, within=0.8))
    assert isinstance(task.exception(), Interrupt)
    assert slow.cancelled == 1


def test_what_is_no_exception_is_not_lost_in_a_clean_up_either(loop: Scene, caplog: pytest.LogCaptureFixture) -> None:
    class Interrupt(BaseException):
        """As KeyboardInterrupt, which would end this test's loop as well."""

    async def stop() -> None:
        try:
            await loop.create_future()
        finally:
            raise Interrupt

    task = loop.begin(fan_out({"stop": stop}, within=0.8))
    loop.wait(0.8)
    assert reasons(task.result()) == {"stop": "deadline"}
    (record,) = caplog.records
    assert record.exc_info
    assert isinstance(record.exc_info[1], Interrupt)


def test_a_call_that_is_thrown_away_with_its_loop_tells_nobody(loop: Scene) -> None:
    async def throw_away() -> bool:
        waiting = _Round({"slow": Asked[int]()})
        thrown = waiting._make("other", Asked[int]())
        thrown.send(None)
        thrown.close()
        await let_go(waiting._tasks)
        return waiting._over.done()

    assert not loop.finish(throw_away())


@pytest.mark.parametrize("turns", range(12))
def test_a_cancellation_at_any_turn_ends_everything_or_comes_too_late(loop: Scene, turns: int) -> None:
    under_way = 0

    async def call(count: int) -> int:
        nonlocal under_way
        under_way += 1
        try:
            for _ in range(count):
                await asyncio.sleep(0)
            if count == 3:
                raise ValueError("no price")
        finally:
            under_way -= 1
        return count

    task = loop.create_task(fan_out({str(count): partial(call, count) for count in range(6)}, within=0.8))
    loop.turn(turns)
    loop.cancel(task)
    assert under_way == 0
    assert loop.pending() == 0
    if not task.cancelled():
        assert reasons(task.result()) == {"3": "failed"}


@pytest.mark.parametrize("within", [0, -1, float("nan"), float("inf"), 90_000])
async def test_a_time_that_is_none_is_refused_before_anything_is_asked(within: float) -> None:
    call = Asked[int]()
    with pytest.raises(UsageError, match=r"^within=.*: expected seconds, more than 0"):
        await fan_out({"a": call}, within=within)
    assert call.begun == 0


def test_its_errors_are_the_clients_and_a_time_out_is_one_of_pythons() -> None:
    assert issubclass(Overloaded, ClientError)
    assert issubclass(UpstreamTimeoutError, ClientError)
    assert issubclass(UpstreamTimeoutError, TimeoutError)
