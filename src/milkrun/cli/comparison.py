"""What `milkrun compare` prints for a person: three tables with bars, and what they say."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import fill

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from milkrun.cli.bars import bar
from milkrun.cli.terminal import PIPE_WIDTH
from milkrun.client.compare.conduct import Comparison
from milkrun.client.compare.figures import Round, Standing
from milkrun.client.compare.plan import LABELS, PER_REQUEST
from milkrun.client.compare.verdict import verdict
from milkrun.client.compare.words import count, counted, seconds

GAP = 2
LONGEST_BAR = 24
SHORTEST_BAR = 5
WIDEST = 110  # columns; longer lines are no easier to read
COLD, WARM = "dodger_blue2", "plum3"


class Column(msgspec.Struct, frozen=True):
    """A figure: its heading in two lines, where it is in a round, how it reads, and whether it has bars."""

    heading: tuple[str, str]
    value: Callable[[Round], float | None]
    shown: Callable[[float | None], str]
    bars: bool = False


def _whole(name: str) -> Callable[[Round], float | None]:
    return lambda turn: getattr(turn.whole, name)


def _own(name: str) -> Callable[[Round], float | None]:
    return lambda turn: getattr(turn, name)


def _number(value: float | None) -> str:
    return count(None if value is None else int(value))


def _failed(turn: Round) -> float | None:
    return sum(turn.errors.values()) or None


def _cpu_a_request(turn: Round) -> float | None:
    return None if turn.steady is None else turn.steady.cpu / turn.steady.requests


TIMES = (
    Column(("the round", "wall"), _whole("wall"), seconds, bars=True),
    Column(("", "CPU"), _whole("cpu"), seconds, bars=True),
    Column(("a request", "p50"), _whole("p50"), seconds),
    Column(("", "p99"), _whole("p99"), seconds),
)
OPENED = (
    Column(("TCP", "opened"), _whole("connections"), _number, bars=True),
    Column(("DNS", "asked"), _whole("lookups"), _number),
    Column(("TLS", "handshakes"), _whole("handshakes"), _number),
    Column(("SSL", "contexts"), _whole("contexts"), _number),
    Column(("peak", "descriptors"), _own("descriptors"), _number),
    Column(("left in", "TIME_WAIT"), _own("time_wait"), _number),
)
PARTS = (
    Column(("first burst", "wall"), lambda turn: turn.burst.wall, seconds, bars=True),
    Column(("", "TCP opened"), lambda turn: turn.burst.connections, _number),
    Column(("after it", "CPU a request"), _cpu_a_request, seconds, bars=True),
    Column(("", "failed"), _failed, _number),
)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the tables, as wide as the terminal lets them be, and the verdict."""
    width = min(console.width, WIDEST)
    for line in _title(comparison):
        console.print(Text(line))
    for group in (TIMES, OPENED, PARTS):
        known = [column for column in group if _is_known(column, comparison.standings)]
        for columns in _fitting(known, comparison.standings, width):
            console.print()
            console.print(_table(columns, comparison.standings, width))
    console.print()
    for sentence in verdict(comparison.standings):
        console.print(Text(_wrapped(sentence, width if console.is_terminal else PIPE_WIDTH)), soft_wrap=True)


def _wrapped(sentence: str, width: int) -> str:
    return fill(sentence, width, initial_indent="• ", subsequent_indent="  ")


def _is_known(column: Column, standings: Sequence[Standing]) -> bool:
    """Whether there is anything to show: not what this system does not tell, or what never happened."""
    return any(column.value(each.typical) is not None for each in standings)


def _title(comparison: Comparison) -> Iterator[str]:
    load, done = comparison.load, comparison.rounds
    whom = comparison.url or "a server of its own on this machine, over TLS"
    yield f"{whom}: HTTP/{comparison.version}, {counted(comparison.bytes, 'byte')}"
    rounds = counted(load.rounds, "round") if done == load.rounds else f"{done} of {load.rounds} rounds (time was up)"
    yield f"{counted(load.requests, 'request')} each, {load.concurrency:,} at once, {rounds}; medians"


def _fitting(group: Sequence[Column], standings: Sequence[Standing], width: int) -> Iterator[list[Column]]:
    """The columns of a group in as many tables as it takes for each to fit."""
    label = max(len(LABELS[each.contestant]) for each in standings)
    columns: list[Column] = []
    used = label
    for column in group:
        needed = GAP + _width(column, standings)
        if columns and used + needed > width:
            yield columns
            columns, used = [], label
        columns.append(column)
        used += needed
    yield columns


def _width(column: Column, standings: Sequence[Standing]) -> int:
    return max(len(text) for text in (*column.heading, *(column.shown(column.value(s.typical)) for s in standings)))


def _table(columns: Sequence[Column], standings: Sequence[Standing], width: int) -> Table:
    length = _bar_length(columns, standings, width)
    table = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    for column in columns:
        table.add_column(no_wrap=True, justify="right", min_width=_width(column, standings))
        if column.bars and length:
            table.add_column(no_wrap=True, width=length)
    for line in (0, 1):
        table.add_row("", *_heading(columns, line, length))
    for each in standings:
        table.add_row(LABELS[each.contestant], *_cells(columns, each, standings, length))
    return table


def _bar_length(columns: Sequence[Column], standings: Sequence[Standing], width: int) -> int:
    """How long bars can be, or 0: what the figures leave of the line, for each the same."""
    bars = sum(column.bars for column in columns)
    label = max(len(LABELS[each.contestant]) for each in standings)
    left = width - label - sum(GAP + _width(column, standings) for column in columns)
    length = min(LONGEST_BAR, left // bars - GAP) if bars else 0
    return length if length >= SHORTEST_BAR else 0


def _heading(columns: Sequence[Column], line: int, length: int) -> Iterator[Text]:
    for column in columns:
        yield Text(column.heading[line], style="bright_black")
        if column.bars and length:
            yield Text()


def _cells(columns: Sequence[Column], own: Standing, standings: Sequence[Standing], length: int) -> Iterator[Text]:
    style = COLD if own.contestant in PER_REQUEST else WARM
    for column in columns:
        value = column.value(own.typical)
        yield Text(column.shown(value))
        if column.bars and length:
            scale = max(column.value(each.typical) or 0.0 for each in standings)
            yield Text(bar(value or 0.0, scale=scale, width=length), style=style)
