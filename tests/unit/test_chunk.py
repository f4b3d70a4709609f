"""The packed form of an hour: every row comes back exactly, and an hour on schedule takes a few bytes a result."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkrun.store.chunk import UnknownFormatError, pack, unpack
from milkrun.store.columns import Columns, Line, columns_of, merged, within

ENDPOINT = 7

NUMBERS = st.one_of(st.just(0), st.integers(-1, 300), st.integers(-(2**40), 2**40))
LINES = st.tuples(
    st.integers(0, 3_600_000),
    st.just(ENDPOINT),
    st.integers(1, 3),
    st.integers(1, 4),
    *[NUMBERS] * 12,
    st.integers(0, 9),
    st.one_of(st.none(), st.text(max_size=20)),
)


def identity(line: Line) -> Line:
    return line[:4]


HOURS = st.lists(LINES, min_size=1, max_size=12, unique_by=identity).map(lambda some: sorted(some, key=identity))


@given(HOURS)
def test_every_row_comes_back_exactly(hour: list[Line]) -> None:
    assert unpack(pack(columns_of(hour)), ENDPOINT).lines() == hour


@settings(max_examples=40)
@given(HOURS, HOURS)
def test_two_lots_of_rows_are_merged_in_order_and_the_first_stands(one: list[Line], other: list[Line]) -> None:
    together = merged(one, other)
    known = {identity(line): line for line in [*other, *one]}
    assert together == [known[key] for key in sorted(known)]


@given(HOURS, st.integers(0, 3_600_000), st.integers(0, 3_600_000))
def test_a_part_of_an_hour_is_the_rows_with_slots_in_it(hour: list[Line], since: int, until: int) -> None:
    found = within(columns_of(hour), since, max(since, until))
    assert found.lines() == [line for line in hour if since <= line[0] < max(since, until)]


def on_schedule() -> Columns:
    plan = Random(7)  # noqa: S311 - a plan that can be repeated, no secret
    measured = [(plan.randrange(4_000), plan.randrange(400), 20, plan.randrange(90)) for _ in range(360)]
    return columns_of(
        [
            (slot * 10_000, ENDPOINT, 1, 1, 5, 55, delay, lag, queue, send, 12_000 + lag, 90, 20, 0, 0, 0, 0, None)
            for slot, (delay, lag, queue, send) in enumerate(measured)
        ]
    )


def test_an_hour_on_schedule_takes_a_few_bytes_a_result() -> None:
    assert len(pack(on_schedule())) < 360 * 7


def test_a_chunk_of_another_format_is_refused() -> None:
    content = pack(on_schedule())
    with pytest.raises(UnknownFormatError, match="format 2"):
        unpack(bytes([2]) + content[1:], ENDPOINT)
