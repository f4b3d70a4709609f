"""Noticing a peer that vanished without a word: the kernel asks after it, and gives up within seconds.

Without this a connection whose peer lost its power, or whose firewall forgot it, stays "open" for two hours when it is
idle, and for fifteen minutes of retransmissions once something was sent (RFC 9293 3.8.3).
"""

import asyncio
import socket

import msgspec

from milkrun.client.errors import UsageError

_LONGEST = 32_767  # the kernel's own limit on the two times
_MOST = 127  # and on the number


class KeepAlive(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How soon a silent peer is given up.

    Attributes:
        idle: whole seconds of silence after which the peer is asked whether it is there.
        interval: whole seconds between such questions.
        count: how many of them may stay unanswered.
        user_timeout: seconds that data, or those questions, may stay unacknowledged at all (RFC 5482).
    """

    idle: int = 15
    interval: int = 5
    count: int = 3
    user_timeout: float = 20.0

    def __post_init__(self) -> None:
        if not (0 < self.idle <= _LONGEST and 0 < self.interval <= _LONGEST and 0 < self.count <= _MOST):
            raise UsageError(f"{self!r}: expected seconds from 1 to {_LONGEST} and a count from 1 to {_MOST}")
        if self.user_timeout <= 0:
            raise UsageError(f"{self!r}: expected a user_timeout of more than 0 seconds")

    def watch(self, transport: asyncio.Transport) -> None:
        """Have the kernel watch this TCP connection."""
        if transport.is_closing():  # it was lost before anybody looked
            return
        # uvloop's description of a socket would wrap the descriptor anew for each option. The kernel knows the family.
        wrapped = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, transport.get_extra_info("socket").fileno())
        wrapped.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, self.idle)
        wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, self.interval)
        wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, self.count)
        wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, round(self.user_timeout * 1000)))
        wrapped.detach()
