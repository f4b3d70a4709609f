"""`milkrun check` on a real terminal: colour where it is wanted, progress over many, readable when narrow."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import anyio.to_thread
import pytest

from milkrun.demo.behaviours import answers
from tests.support.command_line import COMMAND, environment
from tests.support.samples import targets

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


END = b"-- the end --"


def on_terminal(*arguments: str, columns: int = 80, **extra: str) -> str:
    """Run on a terminal of so many columns; everything that appeared on it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=slave, stderr=slave, env=environment(TERM="xterm-256color", **extra)
    )
    closing = threading.Thread(target=_write_the_end, args=(process, slave))
    closing.start()
    shown = bytearray()
    while not shown.endswith(END):
        shown += os.read(master, 65_536)
    closing.join()
    os.close(slave)
    os.close(master)
    return shown.removesuffix(END).decode()


def _write_the_end(process: "subprocess.Popen[bytes]", terminal: int) -> None:
    """Once it has ended, or took too long: our own last words, as a hang-up may overtake what was written before it."""
    try:
        process.wait(60)
    finally:
        process.kill()
        os.write(terminal, END)


async def checked(count: int, columns: int = 80, **extra: str) -> str:
    async with targets(**{f"t{number}": answers(ms=1) for number in range(count)}, gone=None) as urls:
        return await anyio.to_thread.run_sync(lambda: on_terminal("check", *urls.values(), columns=columns, **extra))


async def test_a_terminal_gets_colour() -> None:
    assert COLOUR.search(await checked(1))


async def test_a_terminal_with_no_color_gets_none_and_the_same_words() -> None:
    shown = await checked(1, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    assert "▲ down" in shown


@pytest.mark.parametrize(("count", "seen"), [(3, False), (30, True)])
async def test_progress_is_shown_over_many_checks_and_not_over_few(count: int, seen: bool) -> None:
    assert ("checking" in await checked(count)) is seen


@pytest.mark.parametrize("columns", [40, 80])
async def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = CONTROL.sub("", await checked(3, columns)).splitlines()
    assert max(map(len, lines)) <= columns
    assert any("refused" in line for line in lines)
