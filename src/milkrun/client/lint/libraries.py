"""What the linter knows of each client library: its clients, its one-shot functions, its ways to share connections."""

import re

import msgspec


class ClientClass(msgspec.Struct, frozen=True):
    """How a client of this class is entered and closed, as code."""

    entered: str
    closed: str


_SYNC = ClientClass("with", "client.close()")
_ASYNC = ClientClass("async with", "await client.aclose()")
_ASYNC_CLOSE = ClientClass("async with", "await client.close()")

CLIENTS = {
    "httpx.Client": _SYNC,
    "httpx.AsyncClient": _ASYNC,
    "httpx2.Client": _SYNC,
    "httpx2.AsyncClient": _ASYNC,
    "aiohttp.ClientSession": _ASYNC_CLOSE,
    "aiohttp.client.ClientSession": _ASYNC_CLOSE,
    "niquests.Session": _SYNC,
    "niquests.sessions.Session": _SYNC,
    "niquests.AsyncSession": _ASYNC_CLOSE,
    "niquests.async_session.AsyncSession": _ASYNC_CLOSE,
    "milkrun.client.Client": _ASYNC,
    "milkrun.client.client.Client": _ASYNC,
}

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

# Functions that wait for the answer in the thread they are called in, by a client made and closed for the one request.
BLOCKING = frozenset(
    {f"{library}.{verb}" for library in ("httpx", "httpx2", "niquests") for verb in _VERBS}
    | {"httpx.stream", "httpx2.stream", "httpx2.query", "httpx2.websocket"}
)
# The same for event loops: nothing is blocked, but the client is made and closed all the same.
AWAITED = frozenset({f"niquests.a{verb}" for verb in _VERBS} | {"aiohttp.request", "aiohttp.client.request"})
ONE_SHOTS = BLOCKING | AWAITED

# The client to share instead, by library and whether it is for code that may block.
SHARED_FOR = {
    ("httpx", False): "httpx.AsyncClient",
    ("httpx", True): "httpx.Client",
    ("httpx2", False): "httpx2.AsyncClient",
    ("httpx2", True): "httpx2.Client",
    ("niquests", False): "niquests.AsyncSession",
    ("niquests", True): "niquests.Session",
    ("aiohttp", False): "aiohttp.ClientSession",
}

# What a client is asked for its requests with.
REQUESTS = frozenset({*_VERBS, "stream", "send", "query", "websocket", "ws_connect"})
CLOSERS = frozenset({"close", "aclose"})
ENTERING = frozenset({"__enter__", "__aenter__"})
# Calls that take a client and see to it that it is closed.
KEEPERS = frozenset({"closing", "aclosing", "enter_context", "enter_async_context", "push", "push_async_exit"})

# Transports that are made for the one client they are given to, so that its connections are its own after all.
OWN_TRANSPORTS = frozenset({"HTTPTransport", "AsyncHTTPTransport"})

_LIBRARY = r"(?:httpx2?|aiohttp|niquests)"
_WORDS = "|".join({name.rpartition(".")[2] for name in CLIENTS.keys() | ONE_SHOTS})
MENTION = re.compile(
    rf"""
        (?=(?s:.*?)(?:httpx|aiohttp|niquests|milkrun))(?s:.*?)
        (?:
            \b(?:Client|AsyncClient|ClientSession|Session|AsyncSession)\b
          | \b{_LIBRARY}\s*\.\s*(?:{_WORDS})\b
          | \b{_LIBRARY}\s+as\b
          | \bfrom\s+{_LIBRARY}\b
        )
    """.encode(),
    re.VERBOSE,
)
"""A file that this does not match from its start has no client to look at, and need not be parsed."""
