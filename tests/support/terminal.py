"""The real command line on a terminal of its own."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading

from tests.support.command_line import COMMAND, environment

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
