"""The fewest roll-ups that make up a stretch of time."""

from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.periods import Span, cover
from milkrun.core.rollup import Period

FIVE, HOUR, DAY = Period.FIVE_MINUTES.value, Period.HOUR.value, Period.DAY.value
EVER = 10**15
TIMES = st.integers(0, 4 * DAY)


def starts(spans: list[Span]) -> list[tuple[int, int]]:
    """Where each roll-up begins and ends, one after the other."""
    return [
        (start, start + span.period.value)
        for span in spans
        for start in range(span.since, span.until, span.period.value)
    ]


@given(TIMES, TIMES, TIMES, TIMES)
def test_the_periods_follow_each_other_from_begin_to_end(since: int, until: int, hours: int, days: int) -> None:
    found = starts(cover(since, until, hours_until=hours, days_until=days))
    begin, end = since - since % FIVE, until - until % FIVE
    edges = [begin, *(stop for _, stop in found)]
    assert [start for start, _ in found] == edges[:-1]
    assert edges[-1] == max(begin, end)


@given(TIMES, TIMES, TIMES, TIMES)
def test_nothing_is_asked_for_that_is_not_there_yet(since: int, until: int, hours: int, days: int) -> None:
    limits = {Period.FIVE_MINUTES: until, Period.HOUR: hours, Period.DAY: days}
    assert all(span.until <= limits[span.period] for span in cover(since, until, hours_until=hours, days_until=days))


def test_the_longest_that_fit_are_taken() -> None:
    spans = cover(DAY - HOUR - FIVE, 3 * DAY + 2 * HOUR + 3 * FIVE + 1, hours_until=EVER, days_until=EVER)
    assert spans == [
        Span(Period.FIVE_MINUTES, DAY - HOUR - FIVE, DAY - HOUR),
        Span(Period.HOUR, DAY - HOUR, DAY),
        Span(Period.DAY, DAY, 3 * DAY),
        Span(Period.HOUR, 3 * DAY, 3 * DAY + 2 * HOUR),
        Span(Period.FIVE_MINUTES, 3 * DAY + 2 * HOUR, 3 * DAY + 2 * HOUR + 3 * FIVE),
    ]


def test_ninety_days_are_a_few_spans_and_hardly_more_rows() -> None:
    now = 91 * DAY + 17 * HOUR + 5 * FIVE
    spans = cover(now - 90 * DAY, now, hours_until=91 * DAY + 17 * HOUR, days_until=91 * DAY)
    assert len(starts(spans)) <= 90 + 2 * (23 + 11)
