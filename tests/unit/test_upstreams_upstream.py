"""One upstream: its limit, its time and its second attempts."""

import asyncio
from collections.abc import Iterator

import pytest

from milkrun.client import Hedge, Overloaded, Reason, Upstream, UpstreamTimeoutError, UsageError, fan_out
from milkrun.client.upstreams.latencies import Latencies
from tests.support.upstreams import Asked, Scene, scene


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


async def one() -> int:
    return 1


def accustomed(loop: Scene, *, calls: int = 20, limit: int | None = None, timeout: float | None = None) -> Upstream:
    """An upstream whose slow calls took 10 ms so far; it has saved up for a second attempt for each twenty."""
    upstream = Upstream("air", hedge=Hedge(quantile=0.9, extra=0.05, after=5), limit=limit, queue=0, timeout=timeout)
    for number in range(calls):
        call = Asked[int]()
        task = loop.begin(upstream.run(call))
        loop.wait(0.01 if number < 5 else 0.005)
        call.answer(0)
        loop.settle()
        assert task.result() == 0
    return upstream


def second_attempts(upstream: Upstream) -> tuple[int, int]:
    hedge = upstream.stats()["hedge"]
    assert hedge is not None
    return hedge["second_attempts_total"], hedge["second_answers_total"]


def test_without_limits_it_adds_nothing(loop: Scene) -> None:
    upstream = Upstream("air")
    assert loop.finish(upstream.run(one)) == 1
    assert upstream.stats() == {"limit": None, "hedge": None}
    assert repr(upstream) == "<Upstream air>"


def test_what_is_no_call_is_refused_where_it_is_bound() -> None:
    upstream: Upstream = Upstream("air")
    made = one()
    with pytest.raises(UsageError, match=r"'air': expected a function .*: lambda: client.get\(url\), not <coroutine"):
        upstream.call(made)  # type: ignore[arg-type]  # the mistake
    made.close()


def test_an_upstream_that_uses_up_its_own_time_is_told_from_the_deadline(loop: Scene) -> None:
    call, slower = Asked[int](), Asked[int]()
    upstream = Upstream("air", timeout=0.3)
    task = loop.begin(fan_out({"air": upstream.call(call), "sea": slower}, within=0.8))
    loop.wait(0.3)
    assert call.cancelled == 1
    loop.wait(0.5)
    missing = task.result().missing
    assert missing["air"].reason is Reason.TIMED_OUT
    assert isinstance(missing["air"].error, UpstreamTimeoutError)
    assert str(missing["air"].error) == "no answer of air within 0.3 s"
    assert missing["air"].seconds == pytest.approx(0.3)
    assert missing["sea"].reason is Reason.DEADLINE


def test_a_time_out_of_the_calls_own_is_left_as_it_is(loop: Scene) -> None:
    call = Asked[int]()
    task = loop.begin(Upstream("air", timeout=0.3).run(call))
    error = TimeoutError("theirs")
    call.fail(error)
    loop.settle()
    assert task.exception() is error


def test_a_call_in_time_is_not_disturbed(loop: Scene) -> None:
    assert loop.finish(Upstream("air", timeout=0.3).run(one)) == 1


def test_the_wait_for_a_place_is_not_part_of_the_time(loop: Scene) -> None:
    upstream = Upstream("air", timeout=0.3, limit=1, queue=1)
    first, second = Asked[int](), Asked[int]()
    ahead = loop.begin(upstream.run(first))
    behind = loop.begin(upstream.run(second))
    loop.wait(0.29)
    assert second.begun == 0
    first.answer(1)
    loop.settle()
    assert ahead.result() == 1
    loop.wait(0.29)
    second.answer(2)
    loop.settle()
    assert behind.result() == 2


def test_a_call_for_which_there_is_no_place_is_refused_and_not_made(loop: Scene) -> None:
    upstream = Upstream("air", limit=1, queue=0)
    call = Asked[int]()
    inside = loop.begin(upstream.run(call))
    came = loop.finish(fan_out({"air": upstream.call(one)}, within=0.8))
    assert came.missing["air"].reason is Reason.REFUSED
    assert isinstance(came.missing["air"].error, Overloaded)
    assert str(came.missing["air"].error) == "the upstream air is overloaded: 1 are being served and 0 wait"
    limit = upstream.stats()["limit"]
    assert limit is not None
    assert limit["shed_total"]["queue"] == 1
    loop.cancel(inside)


def test_a_call_that_takes_longer_than_nearly_all_did_gets_a_second_attempt(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.009)
    assert call.begun == 1
    loop.wait(0.002)
    assert call.begun == 2
    call.answer("second", attempt=1)
    loop.settle()
    assert task.result() == "second"
    assert call.cancelled == 1  # the first attempt
    assert second_attempts(upstream) == (1, 1)


def test_the_first_attempt_may_still_win(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.02)
    call.answer("first", attempt=0)
    loop.settle()
    assert task.result() == "first"
    assert (call.begun, call.cancelled) == (2, 1)
    assert second_attempts(upstream) == (1, 0)


def test_a_failure_before_the_second_attempt_is_a_failure_and_nothing_is_tried_again(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    call.fail(ValueError("no price"))
    loop.settle()
    assert isinstance(task.exception(), ValueError)
    assert call.begun == 1


@pytest.mark.parametrize("failing", [0, 1])
def test_one_attempt_that_fails_leaves_it_to_the_other(loop: Scene, failing: int) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.02)
    call.fail(ValueError("no price"), attempt=failing)
    loop.settle()
    assert not task.done()
    call.answer("good", attempt=1 - failing)
    loop.settle()
    assert task.result() == "good"


def test_when_both_attempts_fail_the_first_ones_error_is_raised(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.02)
    first, second = ValueError("first"), ValueError("second")
    call.fail(second, attempt=1)
    loop.settle()
    call.fail(first, attempt=0)
    loop.settle()
    assert task.exception() is first


def test_a_lost_attempt_is_no_good_answer(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.02)
    call.lose(attempt=0)
    loop.settle()
    call.answer("good", attempt=1)
    loop.settle()
    assert task.result() == "good"


def test_what_must_not_be_made_twice_is_not(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[int]()
    task = loop.begin(upstream.run(call, once=True))
    loop.wait(1)
    assert call.begun == 1
    loop.cancel(task)


def test_the_deadline_cancels_both_attempts(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[int]()
    task = loop.begin(fan_out({"air": upstream.call(call)}, within=0.8))
    loop.wait(0.02)
    loop.wait(0.8)
    assert task.result().missing["air"].reason is Reason.DEADLINE
    assert (call.begun, call.cancelled) == (2, 2)


def test_attempts_that_fail_in_the_turn_of_the_answer_are_nobodys_business(loop: Scene) -> None:
    upstream = accustomed(loop)
    call = Asked[str]()
    task = loop.begin(upstream.run(call))
    loop.wait(0.02)
    call.answer("first", attempt=0)
    loop.call_soon(call.fail, ValueError("second"))
    loop.settle()
    assert task.result() == "first"
    del task, call
    assert loop.unheard() == []


@pytest.mark.parametrize("turns", range(16))
def test_a_cancellation_at_any_turn_of_a_race_leaves_nothing_behind(loop: Scene, turns: int) -> None:
    upstream = accustomed(loop, calls=39, limit=2)
    call = Asked[int]()
    task = loop.create_task(upstream.run(call))
    loop.turn(5)
    loop.moment += 0.02
    loop.turn(turns // 2)
    call.answer_all(1)
    loop.turn(turns)
    loop.cancel(task)
    assert call.open == []
    assert loop.pending() == 0
    limit = upstream.stats()["limit"]
    assert limit is not None
    assert limit["inside"] == 0


def test_second_attempts_are_a_small_part_of_all(loop: Scene) -> None:
    upstream = accustomed(loop, calls=39)
    for number in range(40):
        call = Asked[int]()
        task = loop.begin(upstream.run(call))
        loop.wait(1)
        call.answer(number)
        loop.settle()
        assert task.result() == number
    assert second_attempts(upstream)[0] <= 0.05 * 79


def test_a_burst_spends_no_more_than_was_saved_up(loop: Scene) -> None:
    upstream = accustomed(loop, calls=38)  # 1.9, and each of these adds to it
    calls = [Asked[int]() for _ in range(4)]
    tasks = [loop.begin(upstream.run(call)) for call in calls]
    loop.wait(0.02)
    assert sorted(call.begun for call in calls) == [1, 1, 2, 2]
    for task in tasks:
        loop.cancel(task)


def test_no_more_than_ten_are_ever_saved_up(loop: Scene) -> None:
    upstream = Upstream("air", hedge=Hedge(extra=0.9, after=20))
    for _ in range(20):
        call = Asked[int]()
        task = loop.begin(upstream.run(call))
        loop.wait(0.01)
        call.answer(1)
        loop.settle()
        assert task.done()
    calls = [Asked[int]() for _ in range(15)]
    tasks = [loop.begin(upstream.run(call)) for call in calls]
    loop.wait(0.02)
    assert sum(call.begun for call in calls) == 15 + 10
    for task in tasks:
        loop.cancel(task)


def test_a_second_attempt_needs_a_place_of_its_own_and_does_not_wait_for_it(loop: Scene) -> None:
    upstream = accustomed(loop, calls=39, limit=2)
    first, second = Asked[int](), Asked[int]()
    tasks = [loop.begin(upstream.run(call)) for call in (first, second)]
    loop.wait(0.02)
    assert (first.begun, second.begun) == (1, 1)
    loop.cancel(tasks[1])
    third = Asked[int]()
    tasks[1] = loop.begin(upstream.run(third))
    first.answer(1)
    loop.settle()
    loop.wait(0.02)
    assert third.begun == 2
    limit = upstream.stats()["limit"]
    assert limit is not None
    assert limit["inside"] == 2
    third.answer(3)
    loop.settle()
    limit = upstream.stats()["limit"]
    assert limit is not None
    assert limit["inside"] == 0


def test_too_little_known_is_no_reason_for_a_second_attempt(loop: Scene) -> None:
    upstream = Upstream("air", hedge=Hedge(extra=0.9, after=5))
    hedge = upstream.stats()["hedge"]
    assert hedge is not None
    assert hedge["delay"] is None
    for _ in range(4):
        loop.finish(upstream.run(one))
    call = Asked[int]()
    task = loop.begin(upstream.run(call))
    loop.wait(10)
    assert call.begun == 1
    loop.cancel(task)


def delay(upstream: Upstream) -> float | None:
    hedge = upstream.stats()["hedge"]
    assert hedge is not None
    return hedge["delay"]


def test_calls_that_were_cut_short_after_the_delay_count_as_slow_and_others_not_at_all(loop: Scene) -> None:
    upstream = accustomed(loop, calls=10)
    assert delay(upstream) == pytest.approx(0.01)
    for _ in range(100):  # callers that left soon say nothing of the upstream
        task = loop.begin(upstream.run(Asked[int]()))
        loop.wait(0.001)
        loop.cancel(task)
    assert delay(upstream) == pytest.approx(0.01)
    for _ in range(10):
        task = loop.begin(upstream.run(Asked[int]()))
        loop.wait(0.5)
        loop.cancel(task)
    assert delay(upstream) == pytest.approx(0.5)


def test_failures_say_nothing_of_how_long_answers_take(loop: Scene) -> None:
    async def fail() -> int:
        raise ValueError

    upstream = accustomed(loop, calls=10)
    for _ in range(100):
        task = loop.begin(upstream.run(fail))
        assert task.exception()
    assert delay(upstream) == pytest.approx(0.01)


def test_a_quantile_is_of_the_last_ones_only() -> None:
    known = Latencies(4)
    for number in (9.0, 9.0, 1.0, 2.0, 3.0, 4.0):
        known.add(number)
    assert len(known) == 4
    assert [known.quantile(share) for share in (0.0, 0.25, 0.5, 0.75, 0.99)] == [1.0, 2.0, 3.0, 4.0, 4.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 0}, "timeout=0: expected seconds"),
        ({"limit": 0}, "limit=0: expected 1 or more"),
        ({"queue": 5}, "queue=5 waits for a place of a limit; give the limit, too"),
    ],
)
def test_an_upstream_whose_numbers_mean_nothing_is_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Upstream("air", **options)  # type: ignore[arg-type]  # whichever it is, it is a number


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quantile": 1}, "quantile=1: expected a share"),
        ({"extra": 0}, "extra=0: expected a share"),
        ({"after": 0}, "after=0: expected 1 to 256"),
        ({"after": 300}, "after=300: expected 1 to 256"),
    ],
)
def test_a_hedge_whose_numbers_mean_nothing_is_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Hedge(**options)


def test_two_upstreams_of_one_fan_out_have_limits_of_their_own(loop: Scene) -> None:
    narrow, wide = Upstream("narrow", limit=1), Upstream("wide", limit=2)
    calls = {
        "a": narrow.call(one),
        "b": wide.call(one),
        "c": wide.call(one),
    }
    assert loop.finish(fan_out(calls, within=0.8)).complete


def test_a_cancelled_call_gives_its_place_back(loop: Scene) -> None:
    upstream = Upstream("air", limit=1)
    loop.cancel(loop.begin(upstream.run(Asked[int]())))
    assert loop.finish(upstream.run(one)) == 1


async def test_it_works_on_the_loop_that_applications_run() -> None:
    upstream = Upstream("air", timeout=5, limit=2, queue=9, hedge=Hedge(after=1))
    came = await fan_out({str(number): upstream.call(one) for number in range(9)}, within=5)
    assert came.complete
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "air" in task.get_name()]
