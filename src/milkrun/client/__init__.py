"""The warm client: one long-lived, shared, pooled asynchronous HTTP client. It imports nothing else of Milkrun."""

from milkrun.client.auth import Basic, Bearer, ClientCredentials, Digest
from milkrun.client.client import Client
from milkrun.client.dial.client_certificate import ClientCertificate
from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.errors import ClientError, OwnError, RequestError, RequestTimeoutError, UsageError
from milkrun.client.events import Event, Hook, Step
from milkrun.client.exchange.tunnel import Tunnel
from milkrun.client.facts import Certificate, ConnectionFacts, ProxyFacts, TlsFacts
from milkrun.client.headers import Headers
from milkrun.client.pool.descriptors import Descriptors, raise_limit
from milkrun.client.pool.gate import Limits
from milkrun.client.preparing import RequestOptions
from milkrun.client.proxy import Proxy
from milkrun.client.request import PreparedRequest
from milkrun.client.resolve.resolver import Answer, Resolver
from milkrun.client.response import Hop, Response
from milkrun.client.response_stream import StreamedResponse
from milkrun.client.stats import OriginStats, Stats
from milkrun.client.timeouts import Timeouts
from milkrun.client.timings import PHASES, Timings
from milkrun.client.upstreams.budget import budget_spent
from milkrun.client.upstreams.cache import TtlCache
from milkrun.client.upstreams.errors import Overloaded, UpstreamTimeoutError
from milkrun.client.upstreams.fan_out import FanOut, fan_out
from milkrun.client.upstreams.hedge import Hedge
from milkrun.client.upstreams.missing import Missing, Reason
from milkrun.client.upstreams.shedding import LoadShedder
from milkrun.client.upstreams.single_flight import SingleFlight
from milkrun.client.upstreams.upstream import Upstream

__all__ = [
    "PHASES",
    "AddressPolicy",
    "Answer",
    "Basic",
    "Bearer",
    "Certificate",
    "Client",
    "ClientCertificate",
    "ClientCredentials",
    "ClientError",
    "ConnectionFacts",
    "Descriptors",
    "Digest",
    "Event",
    "FanOut",
    "Headers",
    "Hedge",
    "Hook",
    "Hop",
    "KeepAlive",
    "Limits",
    "LoadShedder",
    "Missing",
    "OriginStats",
    "Overloaded",
    "OwnError",
    "PreparedRequest",
    "Proxy",
    "ProxyFacts",
    "Reason",
    "RequestError",
    "RequestOptions",
    "RequestTimeoutError",
    "Resolver",
    "Response",
    "SingleFlight",
    "Stats",
    "Step",
    "StreamedResponse",
    "Timeouts",
    "Timings",
    "TlsFacts",
    "TtlCache",
    "Tunnel",
    "Upstream",
    "UpstreamTimeoutError",
    "UsageError",
    "budget_spent",
    "fan_out",
    "raise_limit",
]
