"""What `milkrun check` prints for a person: a line a check, what went wrong on that line, and a count at the end."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from milkrun.cli.marks import MARKS
from milkrun.cli.waterfall import bar, legend, milliseconds
from milkrun.core.endpoint import Endpoint
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result

Checked = tuple[Endpoint, Result]
BAR_CELLS = 24
NAME_CELLS = 40


def print_report(console: Console, checked: Sequence[Checked], *, seconds: float) -> None:
    """Print every check in order, the shades' names, and how many are what."""
    scale = max((result.timings.total for _, result in checked if not why(result)), default=0.0)
    console.print(_table(console, checked, scale=scale))
    if scale > 0:
        console.print(legend(scale=scale))
    console.print(_summary(checked, seconds=seconds))


def _table(console: Console, checked: Sequence[Checked], *, scale: float) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=min(NAME_CELLS, console.width * 3 // 10))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    before: str | None = None
    for endpoint, result in checked:
        table.add_row(*_cells(endpoint, result, scale=scale, again=endpoint.key == before))
        before = endpoint.key
    return table


def _cells(endpoint: Endpoint, result: Result, *, scale: float, again: bool) -> tuple[Text, ...]:
    """Build one line; further rounds of the same endpoint leave its name out."""
    mark = MARKS[result.outcome]
    reason = why(result)
    return (
        Text(f"{mark.shape} {result.outcome}", style=mark.style),
        Text("" if again else label(endpoint)),
        Text(str(result.connection or "-"), style="plum3" if result.connection == "warm" else "dodger_blue2"),
        Text(milliseconds(result.timings.total)),
        Text(reason, style=mark.style) if reason else bar(result.timings, scale=scale, width=BAR_CELLS),
    )


def label(endpoint: Endpoint) -> str:
    """Return what a person calls the endpoint: its group and name."""
    return f"{endpoint.group}/{endpoint.name}" if endpoint.group else endpoint.name


def why(result: Result) -> str:
    """Return the reason for an outcome that is not plain `up`, else an empty string."""
    if result.failure:
        return f"{result.failure.layer}/{result.failure.kind}: {result.failure.message}"
    return ", ".join(condition.shown for condition in result.conditions if not condition.passed)


def _summary(checked: Sequence[Checked], *, seconds: float) -> str:
    counts = Counter(result.outcome for _, result in checked)
    parts = [f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]]
    return f"{', '.join(parts) or 'nothing to check'} in {milliseconds(seconds)}"
