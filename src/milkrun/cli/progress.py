"""A progress bar over many checks or turns: on standard error, and only where a person watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from milkrun.cli.terminal import console

# Fewer are done before a bar could be read.
MANY = 10


@contextmanager
def progress(total: int, *, what: str = "checking", many: int = MANY) -> Iterator[Callable[[], None]]:
    """Give the function that says "one more is done"; the bar is gone at the end."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    watched = sys.stderr.isatty() and total >= many
    with Progress(*columns, console=console(sys.stderr), transient=True, disable=not watched) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
