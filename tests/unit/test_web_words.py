"""How values read to a person."""

import pytest

from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.web import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (86_400, "1 day"),
        (12 * 86_400, "12 days"),
    ],
)
def test_a_duration_is_one_unit_rounded_down(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (None, "–"),
        (0.04, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (48.4, "48 ms"),
        (999.4, "999 ms"),
        (999.9, "1.0 s"),
        (1_000, "1.0 s"),
        (99_500, "100 s"),
    ],
)
def test_a_latency_has_the_digits_that_matter(milliseconds: float | None, said: str) -> None:
    assert words.latency(milliseconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (1, "100%"), (0.99999, "99.99%"), (0.9998, "99.98%"), (0.9721, "97.2%"), (0, "0.0%")],
)
def test_a_share_below_one_never_reads_as_all(value: float | None, said: str) -> None:
    assert words.share(value) == said


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (1_200, "1.2 kB"), (41_500_000, "42 MB"), (5e12, "5.0 TB")]
)
def test_sizes_are_decimal(size: float, said: str) -> None:
    assert words.size(size) == said


@pytest.mark.parametrize(("value", "said"), [(None, "–"), (0, "0"), (19_800, "19,800")])
def test_counts_have_their_thousands_apart(value: int | None, said: str) -> None:
    assert words.count(value) == said


@pytest.mark.parametrize(
    ("layer", "kind", "said"),
    [
        (Layer.CONNECT, "refused", "connect refused"),
        (Layer.WAIT, "timeout", "response timeout"),
        (Layer.SELF, "descriptors", "Milkrun's own descriptors"),
        (Layer.PROTOCOL, "bad-status-line", "HTTP bad status line"),
    ],
)
def test_a_failure_is_two_or_three_words(layer: Layer, kind: str, said: str) -> None:
    assert words.failed(Failure(layer=layer, kind=kind, message="")) == said


@pytest.mark.parametrize(
    ("counts", "said", "title"),
    [
        ({Outcome.UP: 1}, "The one endpoint is up.", "Milkrun"),
        ({Outcome.UP: 50}, "All 50 endpoints are up.", "Milkrun"),
        (
            {Outcome.UP: 46, Outcome.DOWN: 1, Outcome.DEGRADED: 3},
            "1 of 50 endpoints is down, 3 are degraded.",
            "▲ 1 down · Milkrun",
        ),
        ({Outcome.UNKNOWN: 2}, "2 of 2 endpoints are unknown.", "○ 2 unknown · Milkrun"),
    ],
)
def test_one_sentence_says_how_everything_is(counts: dict[Outcome, int], said: str, title: str) -> None:
    assert (words.overall(counts), words.title(counts)) == (said, title)


@pytest.mark.parametrize(
    ("outages", "warnings", "said"),
    [
        (0, 0, "No incident is open."),
        (0, 1, "No outage is open, but 1 warning."),
        (1, 0, "1 outage is open."),
        (1_200, 2, "1,200 outages are open, and 2 warnings."),
    ],
)
def test_one_sentence_says_what_is_open(outages: int, warnings: int, said: str) -> None:
    assert words.incidents(outages, warnings) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.00001, "0.1%"), (0.021, "2.1%"), (0.0999, "10.0%"), (0.301, "31%"), (1, "100%")]
)
def test_a_part_never_reads_as_nothing(value: float, said: str) -> None:
    assert words.part(value) == said


@pytest.mark.parametrize(("value", "said"), [(0.999, "99.9%"), (0.99, "99%"), (0.99995, "99.995%")])
def test_a_target_reads_as_it_was_set(value: float, said: str) -> None:
    assert words.target(value) == said


@pytest.mark.parametrize(("text", "said"), [("key revoked", "Key revoked."), ("Why?", "Why?"), ("", ".")])
def test_what_somebody_else_said_becomes_a_sentence(text: str, said: str) -> None:
    assert words.sentence(text) == said
