"""The cache by time: fresh, stale, too old; by a clock that stands still."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from milkrun.client import TtlCache, UsageError
from tests.support.upstreams import Asked, Scene, scene


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


@pytest.fixture
def cache(loop: Scene) -> TtlCache[int]:
    return TtlCache(ttl=10, stale=20, size=2, clock=loop.time)


async def one() -> int:
    return 1


async def two() -> int:
    return 2


async def fail() -> int:
    raise ValueError("no price")


def test_a_fresh_value_is_not_asked_for_again(loop: Scene, cache: TtlCache[int]) -> None:
    assert loop.finish(cache.get("berlin", one)) == 1
    loop.wait(9.9)
    assert loop.finish(cache.get("berlin", two)) == 1
    assert cache.stats() == {
        "size": 1,
        "hits_total": 1,
        "stale_total": 0,
        "misses_total": 1,
        "refresh_failures_total": 0,
    }


def test_a_stale_value_is_served_at_once_while_one_task_fetches_it_anew(loop: Scene, cache: TtlCache[int]) -> None:
    call = Asked[int]()
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    assert [loop.finish(cache.get("berlin", call)) for _ in range(3)] == [1, 1, 1]
    assert call.begun == 1
    assert cache.stats()["stale_total"] == 3
    call.answer(2)
    loop.settle()
    assert loop.finish(cache.get("berlin", fail)) == 2
    assert cache.stats()["hits_total"] == 1


def test_a_value_that_is_too_old_is_waited_for(loop: Scene, cache: TtlCache[int]) -> None:
    loop.finish(cache.get("berlin", one))
    loop.wait(30)
    assert loop.finish(cache.get("berlin", two)) == 2
    assert cache.stats()["misses_total"] == 2


def test_a_cache_without_stale_values_waits_as_soon_as_one_is_no_longer_fresh(loop: Scene) -> None:
    cache: TtlCache[int] = TtlCache(ttl=10, clock=loop.time)
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    assert loop.finish(cache.get("berlin", two)) == 2


def test_equal_keys_asked_for_at_once_are_fetched_once(loop: Scene, cache: TtlCache[int]) -> None:
    call = Asked[int]()
    tasks = [loop.begin(cache.get("berlin", call)) for _ in range(3)]
    loop.cancel(tasks[0])
    call.answer(1)
    loop.settle()
    assert [task.result() for task in tasks[1:]] == [1, 1]
    assert call.begun == 1


def test_a_value_ages_from_when_it_was_asked_for(loop: Scene, cache: TtlCache[int]) -> None:
    call = Asked[int]()
    task = loop.begin(cache.get("berlin", call))
    loop.wait(9)
    call.answer(1)
    loop.settle()
    assert task.result() == 1
    loop.wait(1)
    loop.finish(cache.get("berlin", two))
    assert cache.stats()["stale_total"] == 1


def test_an_error_goes_to_who_asked_and_is_not_kept(loop: Scene, cache: TtlCache[int]) -> None:
    task = loop.begin(cache.get("berlin", fail))
    with pytest.raises(ValueError, match="no price"):
        task.result()
    assert loop.finish(cache.get("berlin", one)) == 1


def test_a_refresh_that_fails_is_logged_and_tried_again_a_second_later(
    loop: Scene, cache: TtlCache[int], caplog: pytest.LogCaptureFixture
) -> None:
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    call = Asked[int]()
    assert loop.finish(cache.get("berlin", call)) == 1
    call.fail(ValueError("no price"))
    loop.settle()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "'berlin' could not be fetched anew" in record.getMessage()
    assert record.exc_info
    assert cache.stats()["refresh_failures_total"] == 1
    assert loop.finish(cache.get("berlin", call)) == 1
    assert call.begun == 1  # not again for each request
    loop.wait(1)
    assert loop.finish(cache.get("berlin", two)) == 1
    loop.settle()
    assert loop.finish(cache.get("berlin", call)) == 2


def test_a_refresh_that_fails_after_its_value_went_is_only_logged(
    loop: Scene, cache: TtlCache[int], caplog: pytest.LogCaptureFixture
) -> None:
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    call = Asked[int]()
    loop.finish(cache.get("berlin", call))
    for other in ("paris", "rome"):
        loop.finish(cache.get(other, one))
    call.fail(ValueError("no price"))
    loop.settle()
    assert "could not be fetched anew" in caplog.text
    assert cache.stats()["size"] == 2


def test_who_waits_for_a_value_that_grew_too_old_joins_the_refresh_under_way(loop: Scene, cache: TtlCache[int]) -> None:
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    call = Asked[int]()
    loop.finish(cache.get("berlin", call))
    loop.wait(20)
    task = loop.begin(cache.get("berlin", fail))
    call.answer(2)
    loop.settle()
    assert task.result() == 2


def test_beyond_its_size_the_one_goes_that_nobody_asked_for_for_longest(loop: Scene, cache: TtlCache[int]) -> None:
    for key in ("berlin", "paris", "berlin", "rome"):
        loop.finish(cache.get(key, one))
    assert len(cache) == 2
    assert loop.finish(cache.get("berlin", two)) == 1
    assert loop.finish(cache.get("paris", two)) == 2


def test_a_value_fetched_anew_takes_no_other_ones_place(loop: Scene, cache: TtlCache[int]) -> None:
    for key in ("berlin", "paris"):
        loop.finish(cache.get(key, one))
    loop.wait(10)
    loop.finish(cache.get("paris", two))
    loop.settle()
    assert len(cache) == 2
    assert loop.finish(cache.get("paris", one)) == 2


def test_none_is_a_value_as_any_other(loop: Scene) -> None:
    cache: TtlCache[int | None] = TtlCache(ttl=10, clock=loop.time)
    call = Asked[None]()
    task = loop.begin(cache.get("berlin", call))
    call.answer(None)
    loop.settle()
    assert task.result() is None
    assert loop.finish(cache.get("berlin", call)) is None
    assert call.begun == 1


def test_closing_ends_the_refreshes_and_is_harmless_when_repeated(loop: Scene, cache: TtlCache[int]) -> None:
    call = Asked[int]()
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    loop.finish(cache.get("berlin", call))
    names = {task.get_name() for task in asyncio.all_tasks(loop)}
    assert "refresh 'berlin'" in names
    loop.finish(cache.aclose())
    assert call.cancelled == 1
    assert len(cache) == 0
    loop.finish(cache.aclose())
    task = loop.begin(cache.get("berlin", one))
    with pytest.raises(UsageError, match="the cache is closed; ask before it is"):
        task.result()


def test_what_comes_after_the_close_goes_to_who_asked_and_is_not_kept(loop: Scene, cache: TtlCache[int]) -> None:
    call = Asked[int]()
    asking = loop.begin(cache.get("berlin", call))
    loop.finish(cache.aclose())
    call.answer(1)
    loop.settle()
    assert (asking.result(), len(cache)) == (1, 0)


def test_as_a_context_it_closes_itself(loop: Scene) -> None:
    async def use() -> TtlCache[int]:
        async with TtlCache[int](ttl=10) as cache:
            assert await cache.get("berlin", one) == 1
        return cache

    assert len(loop.finish(use())) == 0


def test_a_value_that_is_waited_for_belongs_to_its_loop(cache: TtlCache[int], loop: Scene) -> None:
    call = Asked[int]()
    waiting = loop.begin(cache.get("berlin", call))
    with scene() as other:
        for asking in (cache.get("paris", call), cache.aclose()):
            with pytest.raises(UsageError, match=r"the cache belongs to the event loop .*; make a cache"):
                other.begin(asking).result()
    call.answer(1)
    loop.settle()
    assert waiting.result() == 1


def test_a_refresh_under_way_belongs_to_its_loop(cache: TtlCache[int], loop: Scene) -> None:
    call = Asked[int]()
    loop.finish(cache.get("berlin", one))
    loop.wait(10)
    loop.finish(cache.get("berlin", call))
    with scene() as other:
        for asking in (cache.get("berlin", call), cache.aclose()):
            task = other.begin(asking)
            with pytest.raises(UsageError, match="the cache belongs to the event loop that first used it"):
                task.result()
    loop.finish(cache.aclose())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ttl": 0}, "ttl=0: expected seconds"),
        ({"ttl": 1, "stale": -1}, "stale=-1: expected seconds"),
        ({"ttl": 1, "size": 0}, "size=0: expected 1 or more"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TtlCache(**options)  # type: ignore[arg-type]  # whichever it is, it is a number
