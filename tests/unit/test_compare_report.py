"""How a comparison is printed, for a person and for a program."""

import io
import re

import pytest
from rich.console import Console

from milkrun.cli.comparison import print_comparison
from milkrun.client.compare.conduct import Comparison
from milkrun.client.compare.plan import WITH_HTTPX2, Load
from milkrun.client.compare.report import comparison_json
from tests.support.comparing import comparison, turn


def printed(what: Comparison, width: int, *, terminal: bool = True) -> list[str]:
    stream = io.StringIO()
    print_comparison(Console(file=stream, width=width, force_terminal=terminal, no_color=True, highlight=False), what)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()


@pytest.mark.parametrize("width", [34, 40, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(width: int) -> None:
    lines = printed(comparison(), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for heading in ("wall", "CPU", "p50", "p99", "TCP", "DNS", "TLS", "contexts", "descriptors", "TIME_WAIT"):
        assert heading in text
    assert text.count("httpx2 per request") >= 3


def test_bars_are_as_long_as_their_figures() -> None:
    lines = printed(comparison(), 80)
    each_own, shared = (next(line for line in lines if line.startswith(label)) for label in ("httpx2 per", "httpx2 sh"))
    assert each_own.count("█") >= 2 * 5
    assert 0 < shared.count("█") < each_own.count("█") / 4


def test_a_pipe_gets_a_sentence_a_line() -> None:
    lines = printed(comparison(), 10_000, terminal=False)
    assert [line[:2] for line in lines[-5:]] == ["• "] * 5
    assert all(line.endswith(".") for line in lines[-5:])


def test_what_the_system_does_not_tell_and_what_never_happened_has_no_column() -> None:
    untold = [turn(each, time_wait=None, steady=None) for each in WITH_HTTPX2]
    text = "\n".join(printed(comparison(*untold), 80))
    assert not [heading for heading in ("TIME_WAIT", "CPU a request", "failed") if heading in text]


def test_failures_have_a_column_once_there_are_any() -> None:
    failing = [turn(each, errors={"ReadError": 7}) for each in WITH_HTTPX2]
    assert "failed" in "\n".join(printed(comparison(*failing), 80))


def test_time_that_was_up_is_said_in_the_title() -> None:
    lines = printed(comparison(load=Load(requests=200, rounds=3), rounds=2, url="http://10.0.0.1/"), 80)
    assert lines[0] == "http://10.0.0.1/: HTTP/1.1, 55 bytes"
    assert lines[1] == "200 requests each, 20 at once, 2 of 3 rounds (time was up); medians"


def test_json_has_every_round_and_the_verdict() -> None:
    shown = comparison_json(comparison())
    assert (shown["url"], shown["version"], shown["bytes"], shown["rounds"]) == (None, "1.1", 55, 1)
    assert shown["load"] == {"requests": 200, "concurrency": 20, "rounds": 1, "within": 120}
    first = shown["contestants"][0]
    assert (first["label"], first["contestant"]) == ("httpx2 per request", "httpx2-per-request")
    assert first["rounds"][0]["whole"]["connections"] == first["typical"]["whole"]["connections"] == 200
    assert len(shown["contestants"]) == 4
    assert shown["verdict"][0].startswith("200 requests took")
