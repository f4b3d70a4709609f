"""What is done, and where in the life of a connection."""

import asyncio
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What is done."""

    DELAY = "delay"  # nothing passes for a while
    STALL = "stall"  # nothing passes any more, and nobody says so
    RESET = "reset"  # RST
    HALF_CLOSE = "half-close"  # no more will be said, in good order (over TLS with close_notify); it goes on listening
    TRUNCATE = "truncate"  # both directions close without a word (over TLS without close_notify)
    CORRUPT = "corrupt"  # a byte is changed on the wire; where nothing is being said, something is
    THROTTLE = "throttle"  # what comes next passes in small pieces


class Phase(StrEnum):
    """Where it is done."""

    CONNECT = "connect"  # the listener itself: it refuses (reset), or its queue is full (stall)
    ACCEPT = "accept"  # once the connection stands, before anything is read from it
    HANDSHAKE = "handshake"  # in the middle of the server's first flight
    REQUEST = "request"  # when so much of the request has come
    ANSWER = "answer"  # before the first byte of the first response
    HEAD = "head"  # inside the first response's head
    BODY = "body"  # in the middle of the first response's body, or of its first piece
    CHUNK = "chunk"  # between the body's first and second piece: chunks, or DATA frames
    AGAIN = "again"  # before the first byte of the second response of a connection
    IDLE = "idle"  # now, to every connection that is open


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault; `seconds` is what a delay or a throttle takes."""

    kind: Kind
    phase: Phase
    seconds: float = 0.03


class Plan:
    """The fault to be done next, which is done once; `struck` is set when it is."""

    def __init__(self) -> None:
        self.next: Fault | None = None
        self.struck = asyncio.Event()

    def make(self, fault: Fault | None) -> None:
        """Let this be done next."""
        self.next = fault
        self.struck.clear()

    def take(self, *phases: Phase) -> Fault | None:
        """The fault, for one who is in this phase and does it now."""
        fault = self.next
        if fault is None or fault.phase not in phases:
            return None
        self.next = None
        return fault
