"""What the kernel knows of this process's TCP sockets: Linux's /proc. Elsewhere it says that there are none."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

ESTABLISHED, TIME_WAIT, LISTEN = 1, 6, 10
_STATES = {
    ESTABLISHED: "established",
    2: "connecting",
    4: "closing",
    5: "half closed",
    8: "closed by the other side",
    9: "closing",
    LISTEN: "listening",
}
_PROC = Path("/proc")
_SOCKET = "socket:["


class TcpSocket(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the kernel's table: its ends as "ip:port" or "[ip]:port" and as ports, and its state as a number."""

    inode: int
    state: int
    local: str
    remote: str
    local_port: int
    remote_port: int

    def __str__(self) -> str:
        if self.state == LISTEN:
            return f"{self.local} (listening)"
        return f"{self.local} -> {self.remote} ({_STATES.get(self.state, 'open')})"


def open_sockets(proc: Path = _PROC) -> set[int]:
    """The inodes of all sockets that this process has open."""
    folder = proc / "self/fd"
    targets = (_target(entry) for entry in folder.iterdir()) if folder.is_dir() else ()
    return {int(target[len(_SOCKET) : -1]) for target in targets if target.startswith(_SOCKET)}


def tcp_sockets(proc: Path = _PROC) -> Iterator[TcpSocket]:
    """All TCP sockets of this network namespace, also those of other processes and of none."""
    for name in ("tcp", "tcp6"):
        table = proc / "net" / name
        if table.exists():
            with table.open(encoding="ascii") as lines:
                next(lines, None)  # the heading
                yield from map(_parsed, lines)


def _parsed(line: str) -> TcpSocket:
    _, local, remote, state, _, _, _, _, _, inode, *_ = line.split()
    (here, local_port), (there, remote_port) = _end(local), _end(remote)
    return TcpSocket(
        inode=int(inode),
        state=int(state, 16),
        local=f"{here}:{local_port}",
        remote=f"{there}:{remote_port}",
        local_port=local_port,
        remote_port=remote_port,
    )


def _end(text: str) -> tuple[str, int]:
    """An address of the table: words of 32 bits in this machine's order, in hexadecimal, a colon, and the port."""
    address, _, port = text.partition(":")
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == 1:
        return socket.inet_ntop(socket.AF_INET, packed), int(port, 16)
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]", int(port, 16)


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # the one that was open to list the others
        return ""
