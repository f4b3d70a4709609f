"""What Linux's /proc tells of TCP sockets: this process's own, and all of its network namespace. Elsewhere, nothing."""

import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import msgspec

PROC = Path("/proc")
_SOCKET = "socket:["


class TcpState(IntEnum):
    """As the kernel numbers them (include/net/tcp_states.h); those between, of handshakes, nobody here asks about."""

    ESTABLISHED = 1
    SYN_SENT = 2
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11


_SAID: dict[int, str] = {
    TcpState.ESTABLISHED: "established",
    TcpState.SYN_SENT: "connecting",
    TcpState.FIN_WAIT1: "closing",
    TcpState.FIN_WAIT2: "half closed",
    TcpState.CLOSE_WAIT: "closed by the other side",
    TcpState.LAST_ACK: "closing",
    TcpState.CLOSING: "closing",
}


class TcpSocket(msgspec.Struct, frozen=True, gc=False):
    """A line of the kernel's table: whose, by inode (0: nobody's any more), in which state, and its ends as written."""

    inode: int
    state: int
    here: str
    there: str

    @property
    def local(self) -> str:
        """The end on this side, "ip:port" or "[ip]:port"."""
        return _end(self.here)

    @property
    def remote(self) -> str:
        """The other end, likewise."""
        return _end(self.there)

    @property
    def local_port(self) -> int:
        """The port on this side."""
        return _port(self.here)

    @property
    def remote_port(self) -> int:
        """The port of the other end."""
        return _port(self.there)

    def __str__(self) -> str:
        if self.state == TcpState.LISTEN:
            return f"{self.local} (listening)"
        return f"{self.local} -> {self.remote} ({_SAID.get(self.state, 'open')})"


def open_sockets(proc: Path = PROC) -> set[int]:
    """The inodes of all sockets that this process has open."""
    folder = proc / "self/fd"
    targets = (_target(entry) for entry in folder.iterdir()) if folder.is_dir() else ()
    return {int(target[len(_SOCKET) : -1]) for target in targets if target.startswith(_SOCKET)}


def tells_of_tcp(proc: Path = PROC) -> bool:
    """Whether there is a table at all, so that no socket in it means that there is none."""
    return (proc / "net/tcp").is_file()


def tcp_sockets(proc: Path = PROC) -> Iterator[TcpSocket]:
    """All TCP sockets of this network namespace, also those of other processes and of none."""
    for name in ("tcp", "tcp6"):  # a system without IPv6 has no table of it
        table = proc / "net" / name
        if table.exists():
            with table.open(encoding="ascii") as lines:
                next(lines, None)  # the heading
                yield from map(_parsed, lines)


def _parsed(line: str) -> TcpSocket:
    _, local, remote, state, _, _, _, _, _, inode, *_ = line.split(None, 10)
    return TcpSocket(int(inode), int(state, 16), local, remote)


def _port(end: str) -> int:
    return int(end.rpartition(":")[2], 16)


def _end(text: str) -> str:
    """An address of the table: words of 32 bits in this machine's order, in hexadecimal, a colon, and the port."""
    address = text.partition(":")[0]
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == 1:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{_port(text)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{_port(text)}"


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # the one that was open to list the others
        return ""
