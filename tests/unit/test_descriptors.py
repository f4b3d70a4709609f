"""The budget of descriptors: never over, never under, and taken from the process's real limit."""

import resource
from collections.abc import Iterator

import pytest

from milkrun.client.pool.descriptors import Descriptors, descriptor_limit, raise_limit


@pytest.fixture
def limit() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_budget_is_given_out_and_no_more() -> None:
    budget = Descriptors(2)

    assert [budget.acquire() for _ in range(3)] == [True, True, False]
    assert budget.used == 2


def test_what_is_given_back_can_be_taken_again() -> None:
    budget = Descriptors(1)
    budget.acquire()

    budget.release()

    assert budget.used == 0
    assert budget.acquire()


def test_giving_back_what_was_not_taken_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="released"):
        Descriptors(1).release()


def test_a_budget_without_a_connection_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 descriptors"):
        Descriptors(0)


def test_the_reserve_is_kept_from_the_limit(limit: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, limit[1]))

    assert Descriptors.from_limit(reserve=200).budget == 300
    assert Descriptors.from_limit(reserve=600).budget == 250


def test_the_soft_limit_is_raised_to_the_hard_one(limit: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, limit[1]))

    raised = raise_limit()

    assert raised == descriptor_limit() > 500
    assert raised == raise_limit()


def test_no_limit_at_all_counts_as_the_kernels_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    assert descriptor_limit() == raise_limit() == 1_048_576
