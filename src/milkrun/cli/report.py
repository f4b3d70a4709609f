"""What `milkrun check` prints for a person: a line a check, what went wrong on that line, and a count at the end."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from milkrun.cli.marks import MARKS
from milkrun.cli.waterfall import bar, legend
from milkrun.core.endpoint import Endpoint
from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.web.words import latency

Checked = tuple[Endpoint, Result]
NARROW = 72  # columns; below, a line has no room for words that its shapes say already


def print_report(console: Console, checked: Sequence[Checked], *, seconds: float) -> None:
    """Print every check in order, the shades' names, and how many are what."""
    scale = max((result.timings.total for _, result in checked if not why(result)), default=0.0)
    console.print(_table(checked, scale=scale, width=console.width))
    if scale > 0:
        console.print(legend(scale=scale))
    console.print(_summary(checked, seconds=seconds))


def _table(checked: Sequence[Checked], *, scale: float, width: int) -> Table:
    narrow = width < NARROW
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=min(40, width * 3 // 10))
    if not narrow:
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    before: str | None = None
    for endpoint, result in checked:
        table.add_row(*_cells(endpoint, result, scale=scale, narrow=narrow, again=endpoint.key == before))
        before = endpoint.key
    return table


def _cells(endpoint: Endpoint, result: Result, *, scale: float, narrow: bool, again: bool) -> Iterator[Text]:
    """Build one line; further rounds of the same endpoint leave its name out."""
    mark, reason = MARKS[result.outcome], why(result)
    yield Text(mark.shape if narrow else f"{mark.shape} {result.outcome}", style=mark.style)
    yield Text("" if again else label(endpoint))
    if not narrow:
        yield _temperature(result.connection)
    yield Text(latency(result.timings.total * 1_000 or None))
    yield Text(reason, style=mark.style) if reason else bar(result.timings, scale=scale, width=12 if narrow else 24)


def _temperature(connection: Connection | None) -> Text:
    if connection is None:
        return Text("none")
    return Text(connection.value, style="plum3" if connection is Connection.WARM else "dodger_blue2")


def label(endpoint: Endpoint) -> str:
    """Return what a person calls the endpoint: its group and name."""
    return f"{endpoint.group}/{endpoint.name}" if endpoint.group else endpoint.name


def why(result: Result) -> str:
    """Return the reason for an outcome that is not plain `up`, else an empty string."""
    if result.failure:
        return f"{result.failure.layer}: {result.failure.message}"
    return ", ".join(condition.shown for condition in result.conditions if not condition.passed)


def _summary(checked: Sequence[Checked], *, seconds: float) -> str:
    if not checked:
        return "nothing to check"
    counts = Counter(result.outcome for _, result in checked)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    return f"{len(checked)} check{'s' if len(checked) > 1 else ''} in {latency(seconds * 1_000)}: {parts}"
