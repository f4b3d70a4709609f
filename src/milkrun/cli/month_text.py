"""A report for a terminal: a sentence, then one table, what missed its target first."""

from collections.abc import Callable, Sequence
from io import StringIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from milkrun.cli import month_words as words
from milkrun.cli.marks import MARKS
from milkrun.cli.terminal import PIPE_WIDTH
from milkrun.core.outcome import Outcome
from milkrun.core.report import Line, Report
from milkrun.web.words import count, share

NAME_WIDTH = 32
NARROW_NAME = 22


class Column(msgspec.Struct, frozen=True):
    """A heading, what stands under it, its colour, and how wide a terminal has to be for it to be there."""

    heading: str
    show: Callable[[Line], str]
    style: str = ""
    width: int = 0


def _percentile(kind: str, place: int) -> Callable[[Line], str]:
    return lambda line: words.percentiles(line, kind)[place]


COLUMNS = (
    Column("available", lambda line: share(line.counts.availability)),
    Column("target", words.target),
    Column("budget left", words.left),
    Column("down", lambda line: words.time(line.incidents.downtime)),
    Column("longest", lambda line: words.time(line.incidents.longest), width=130),
    Column("incidents", lambda line: count(line.incidents.count or None), width=100),
    Column("repair", lambda line: words.time(line.incidents.repair), width=130),
    Column("warm p50", _percentile("warm", 0), "plum3", 150),
    Column("p95", _percentile("warm", 1), "plum3", 150),
    Column("warm p99", _percentile("warm", 2), "plum3", 115),
    Column("cold p50", _percentile("cold", 0), "dodger_blue2", 170),
    Column("p95", _percentile("cold", 1), "dodger_blue2", 170),
    Column("cold p99", _percentile("cold", 2), "dodger_blue2", 130),
    Column("checked", lambda line: words.covered(line.covered), width=115),
    Column("by layer", words.layers, width=190),
)


def print_report(console: Console, report: Report) -> None:
    """Print it all."""
    console.print(Text(f"{report.title}: {words.headline(report)}", style="bold"))
    console.print(Text(f"{words.scope(report)}. Not counted: {words.excluded(report.total)}.", style="bright_black"))
    if report.gap:
        console.print(Text(f"Milkrun was not running for {words.time(report.gap)} of it.", style="yellow"))
    console.print()
    console.print(_table(report, [column for column in COLUMNS if column.width <= console.width]))


def as_text(report: Report) -> bytes:
    """The same for a file: whole lines, no colour."""
    text = StringIO()
    print_report(Console(file=text, width=PIPE_WIDTH, highlight=False, markup=False, no_color=True), report)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()).encode()


def _table(report: Report, columns: Sequence[Column]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black", pad_edge=False)
    table.add_column(no_wrap=True, min_width=1)
    table.add_column(no_wrap=True, max_width=NARROW_NAME if len(columns) < len(COLUMNS) // 2 else NAME_WIDTH)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    parts = {"objectives": report.shared, "groups": report.groups, "endpoints": report.endpoints}
    for title, lines in parts.items():
        if lines:
            table.add_row("", Text(title, style="bright_black"))
            for line in lines:
                table.add_row(*_cells(line, columns))
    return table


def _cells(line: Line, columns: Sequence[Column]) -> list[Text]:
    mark = MARKS[_outcome(line)]
    missed = "red" if line.met is False else ""
    shown = [Text(column.show(line), style=column.style or missed) for column in columns]
    return [Text(mark.shape, style=mark.style), Text(words.label(line)), *shown]


def _outcome(line: Line) -> Outcome:
    """A verdict as a mark: without a target, only what was never down is well."""
    availability = line.counts.availability
    if availability is None:
        return Outcome.UNKNOWN
    if line.met is None:
        return Outcome.UP if availability == 1 else Outcome.DEGRADED
    return Outcome.UP if line.met else Outcome.DOWN
