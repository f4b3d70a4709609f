"""The warm client: one long-lived, shared, pooled asynchronous HTTP client. It imports nothing else of Milkrun."""

from milkrun.client.client import Client, RequestOptions
from milkrun.client.descriptors import Descriptors, raise_limit
from milkrun.client.errors import ClientError, OwnError, RequestError, RequestTimeoutError, UsageError
from milkrun.client.facts import Certificate, ConnectionFacts, TlsFacts
from milkrun.client.headers import Headers
from milkrun.client.pool import Limits
from milkrun.client.request import PreparedRequest
from milkrun.client.resolve import Answer, Resolver
from milkrun.client.response import Hop, Response
from milkrun.client.stats import Stats
from milkrun.client.timings import PHASES, Timings

__all__ = [
    "PHASES",
    "Answer",
    "Certificate",
    "Client",
    "ClientError",
    "ConnectionFacts",
    "Descriptors",
    "Headers",
    "Hop",
    "Limits",
    "OwnError",
    "PreparedRequest",
    "RequestError",
    "RequestOptions",
    "RequestTimeoutError",
    "Resolver",
    "Response",
    "Stats",
    "Timings",
    "TlsFacts",
    "UsageError",
    "raise_limit",
]
