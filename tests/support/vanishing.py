"""A peer that vanishes without a word: from one moment on, everything sent to it is lost."""

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0 bytes of each packet, so that the kernel drops it


@contextmanager
def vanishing() -> Iterator["Vanishing"]:
    """A listener on loopback, and the connections it has accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Vanishing(listener)
        try:
            yield peer
        finally:
            peer.close()


class Vanishing:
    """Accepts, and vanishes when told to: no answer, no FIN, no RST, as if its cable were pulled."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._accepted: list[socket.socket] = []

    def accept(self) -> None:
        """Take the next connection."""
        self._accepted.append(self._listener.accept()[0])

    def vanish(self) -> None:
        """Drop, from now on, every packet that arrives for the connections taken."""
        program = ctypes.create_string_buffer(_DROP_ALL)
        for accepted in self._accepted:
            accepted.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))

    def close(self) -> None:
        """Close what was accepted."""
        for accepted in self._accepted:
            accepted.close()
