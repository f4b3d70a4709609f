"""The windows in which raw results are read backwards: bounded, widening, and never over nothing."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from milkrun.store.history import FIRST_WINDOW, WIDEST_WINDOW, windows


def newest_of(slots: Sequence[int]) -> Callable[[int], int | None]:
    return lambda end: max((slot for slot in slots if slot < end), default=None)


def test_windows_begin_small_double_and_stay_within_the_widest() -> None:
    spans = [end - begin for begin, end in windows(lambda end: end - 1 if end else None, 40 * WIDEST_WINDOW, 0)]
    assert spans[:3] == [FIRST_WINDOW, 2 * FIRST_WINDOW, 4 * FIRST_WINDOW]
    assert max(spans) == WIDEST_WINDOW
    assert all(later <= 2 * earlier for earlier, later in pairwise(spans))


def test_every_slot_from_the_floor_to_the_end_is_in_exactly_one_window() -> None:
    slots = [3, 70_000, 70_001, 500_000, 501_000, 9_000_000, 9_000_001]
    found = list(windows(newest_of(slots), 9_000_001, 70_000))
    read = [slot for slot in slots for begin, end in found if begin <= slot < end]
    assert read == [70_000, 70_001, 500_000, 501_000, 9_000_000]


def test_a_time_without_results_is_jumped_over() -> None:
    begin, end = 1_000, 10**12
    assert len(list(windows(newest_of([begin, end]), end + 1, 0))) == 2


def test_nothing_to_read_has_no_window() -> None:
    assert list(windows(newest_of([]), 1_000, 0)) == []
    assert list(windows(newest_of([5]), 1_000, 6)) == []
