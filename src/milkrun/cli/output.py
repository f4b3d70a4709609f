"""Where a command's product goes: a file that is there whole or not at all, or a pipe that may be closed early."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from milkrun.cli.refusal import refuse


@contextmanager
def output(path: Path | None) -> Iterator[BinaryIO]:
    """Give a file to write to: `path`, which gets its name when all is written, or standard output."""
    if path is None:
        with _standard_output() as stream:
            yield stream
        return
    try:
        with _opened(path) as stream:
            yield stream
    except OSError as err:
        refuse(f"milkrun: {path}: {err.strerror or err}")


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    """A device or a pipe is written to as it is: to put a file in its place would remove it."""
    return path.open("wb") if path.exists() and not path.is_file() else _renamed(path)


@contextmanager
def _renamed(path: Path) -> Iterator[BinaryIO]:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Whoever reads may have had enough, as `head` has: that is no error, and nothing to say."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _let_go()
    except OSError as err:
        _let_go()
        refuse(f"milkrun: standard output: {err.strerror or err}")


def _let_go() -> None:
    # What is still buffered has nowhere to go; without this, the interpreter complains of it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
