"""Sketches: quantiles within their bound, merging, and what they are as bytes."""

import random

import pytest
from ddsketch import DDSketch
from hypothesis import example, given
from hypothesis import strategies as st

from milkrun.core import varint
from milkrun.core.sketch import ERROR, Sketch
from milkrun.core.sketch_bytes import MAX_BIN

LATENCIES = st.lists(st.integers(0, 10**10), min_size=1, max_size=60)
SHARES = st.floats(0, 1)
# What floating point adds to a bound that is reached exactly at the ends of a bin.
ROUNDING = 1e-9


def sketched(values: list[int]) -> Sketch:
    sketch = Sketch()
    sketch.add_all(values)
    return sketch


@given(LATENCIES, SHARES)
@example([1], 1.0)
def test_a_quantile_is_off_by_one_percent_at_most(values: list[int], q: float) -> None:
    exact = max(1, sorted(values)[int(q * (len(values) - 1))])
    assert sketched(values).quantile(q) == pytest.approx(exact, rel=ERROR + ROUNDING)


@given(st.lists(st.integers(2, 10**10), min_size=1, max_size=60), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_it_says_what_the_ddsketch_package_says(values: list[int], q: float) -> None:
    theirs = DDSketch(ERROR)
    for value in values:
        theirs.add(value)
    assert sketched(values).quantile(q) == pytest.approx(theirs.get_quantile_value(q), rel=ROUNDING)


@given(LATENCIES, LATENCIES)
def test_merged_it_is_the_sketch_of_all_values(one: list[int], other: list[int]) -> None:
    whole, part = sketched(one), sketched(other)
    whole.merge(part)
    assert whole == sketched(one + other)
    assert part == sketched(other)


def test_one_value_at_a_time_makes_the_same_sketch() -> None:
    sketch = Sketch()
    for value in (0, 1, 12_345):
        sketch.add(value)
    assert sketch == sketched([0, 1, 12_345])


def test_without_values_there_is_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


@given(st.dictionaries(st.integers(0, MAX_BIN), st.integers(1, 10**7)))
@example({MAX_BIN: 1})
@example({0: 1, MAX_BIN: 1})
@example({3: 10**18, 5: 1})
@example(dict.fromkeys(range(7, 90), 200))
def test_as_bytes_it_is_the_same_sketch(bins: dict[int, int]) -> None:
    assert Sketch.decode(Sketch(bins).encode()) == Sketch(bins)


@pytest.mark.parametrize(("values", "spread", "limit"), [(30, 0.3, 25), (1, 0.3, 5), (360, 0.3, 90), (8_640, 0.5, 350)])
def test_it_takes_few_bytes(values: int, spread: float, limit: int) -> None:
    chance = random.Random(1)  # noqa: S311 - the same values every time
    sketch = sketched([int(chance.lognormvariate(9.4, spread)) for _ in range(values)])
    assert len(sketch.encode()) <= limit


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x03\x01\x01",
        b"\x01",
        b"\x01\x80",
        b"\x01\x05",  # runs without a bin
        b"\x01\x05\x00",
        b"\x02\x05",  # counts without a bin
        b"\x02\x05\x02\x01",  # a bin less than it says
        b"\x02\x05\x01\x01\x01",  # more than its bins
        b"\x02\x05\x01\xff",  # a full byte without its rest
        b"\x02\x05\x01\xff\x80",
        b"\x02" + b"\xff" * 12,
        b"\x02\xff\x7f\x01\x01",  # a bin beyond all latencies
    ],
)
def test_bad_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"sketch|number"):
        Sketch.decode(data)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_sketch_or_refused(data: bytes) -> None:
    try:
        sketch = Sketch.decode(data)
    except ValueError:
        return
    assert Sketch.decode(sketch.encode()) == sketch


@given(st.lists(st.integers(0, 2**63 - 1)))
def test_numbers_come_back_one_after_the_other(numbers: list[int]) -> None:
    data = bytearray()
    for number in numbers:
        varint.append(data, number)
    at = 0
    for number in numbers:
        found, at = varint.read(bytes(data), at)
        assert found == number
    assert at == len(data)
