"""The doors of a server under test: listening sockets of ours, which the server is handed when it starts.

So the ports are ours before there is a server, a request that comes too early waits in the kernel's queue, and a
server that was killed comes back at the same address.
"""

import socket
from enum import StrEnum

import msgspec

_BACKLOG = 128


class Layer(StrEnum):
    """What is spoken below the requests at a door."""

    PLAIN = "plain"
    TLS = "tls"  # HTTP/2 as well, by ALPN, where the server can
    H2C = "h2c"  # HTTP/2 from the first byte


class Manner(StrEnum):
    """When the server closes the connections of a door."""

    STEADY = "steady"  # after its usual seconds of idleness
    IMPATIENT = "impatient"  # after `Order.patience`
    FLEETING = "fleeting"  # after `Order.lifetime` requests


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One listening socket: its descriptor, which the server inherits, and its port on 127.0.0.1."""

    manner: Manner
    layer: Layer
    fd: int
    port: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """All that a server has to know to serve.

    Attributes:
        folder: its own, for configuration and temporary files.
        site: the folder of files to serve.
        pem: the key and the certificate of 127.0.0.1, in one file.
        doors: where it is to serve.
        application: the port of the ASGI application, for servers that pass on what they cannot answer themselves.
        patience: seconds.
        lifetime: requests.
    """

    folder: str
    site: str
    pem: str
    doors: tuple[Door, ...]
    application: int
    patience: float
    lifetime: int

    def text(self) -> str:
        """As JSON, for a command line."""
        return msgspec.json.encode(self).decode()


def opened() -> socket.socket:
    """A listening socket on a port of the kernel's choice."""
    return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)


def inherited(door: Door) -> socket.socket:
    """The socket of a door, in the process that was started with it."""
    return socket.socket(fileno=door.fd)
