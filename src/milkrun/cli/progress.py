"""A progress bar over many checks: on standard error, and only where a person watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from milkrun.cli.terminal import console

# Fewer are done before a bar could be read.
MANY = 10


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Give the function that says "one more is done"; the bar is gone at the end."""
    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn())
    watched = sys.stderr.isatty() and total >= MANY
    with Progress(*columns, console=console(sys.stderr), transient=True, disable=not watched) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda: bar.advance(task)
