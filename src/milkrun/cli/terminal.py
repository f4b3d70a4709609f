"""Where the command line writes: colour only on a terminal and never with NO_COLOR; a pipe gets whole lines."""

import sys
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console

# A pipe has no edge to wrap at: a line stays a line however narrow the terminal that started us.
PIPE_WIDTH = 10_000


def console(stream: TextIO | None = None) -> Console:
    """Return a console on `stream` (standard output unless told otherwise)."""
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a mark that a terminal's encoding lacks is no reason to say nothing
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
