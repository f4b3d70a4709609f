"""The client: one for a process's life, shared by everything that sends requests on one event loop."""

import asyncio
import os
import re
import time
from asyncio import _get_running_loop  # the one that does not raise: this is asked for each request
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self, TypedDict, Unpack, cast

from milkrun.client.connection import Connection
from milkrun.client.descriptors import Descriptors, descriptor_limit
from milkrun.client.dial import Dialer
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.headers import Headers
from milkrun.client.link import Closed
from milkrun.client.pool import CLOSED, Limits, Policy, Pool
from milkrun.client.redirect import destination, guard, onward
from milkrun.client.request import BodyUse, Content, HeaderTypes, Options, PreparedRequest, Redirects, build
from milkrun.client.resolve import CachingResolver, Resolver
from milkrun.client.resolve_ares import AresLookup
from milkrun.client.resolve_system import SystemLookup
from milkrun.client.response import Hop, Response, decoded
from milkrun.client.stats import Stats, time_wait
from milkrun.client.timings import Timings
from milkrun.client.tls import Contexts, TlsOptions
from milkrun.client.trip import Trip
from milkrun.client.url import parse_url
from milkrun.client.wire import Received

_RESERVED_DESCRIPTORS = 200  # for files, listeners, resolvers: when nobody hands us a budget
_LOOKUPS = {"ares": AresLookup, "system": SystemLookup}
_LIMITS = Limits()
_STALE = frozenset({"closed", "reset"})
_KEEP_ALIVE = re.compile(r"timeout\s*=\s*(\d{1,9})", re.IGNORECASE)
_SOON = 1.0  # seconds: a connection is given up this long before the server's own Keep-Alive timeout closes it


class RequestOptions(TypedDict, total=False):
    """What `prepare` and everything above it takes beside method and URL."""

    headers: HeaderTypes
    content: Content
    redirects: Redirects
    insecure: bool | None
    max_age: float | None
    fresh: bool
    body: BodyUse
    max_body: int | None


class Client:
    """A warm HTTP/1.1 client. It belongs to the event loop that first uses it, and keeps no cookies and no other state.

    Args:
        limits: requests in flight in total and by origin, connections being opened.
        descriptors: the process's budget of connections, shared by its clients; by default one of its own, of the
            process's limit less a reserve.
        resolver: "ares" (c-ares), "system" (getaddrinfo) or one of your own, which you close.
        max_age: seconds after which a connection is not used again; up to a tenth less, at random.
        idle_expiry: seconds a connection may be idle; less where the server's Keep-Alive header says so.
        insecure: accept any certificate; certificates are reported all the same.
        ca_file: a PEM file of roots to trust instead of the system's.
        max_body: the most bytes of a body, before and after decoding; beyond it body/too-large.
        drain_limit: the most bytes to read of a body that nobody needs; beyond it the connection closes.
        max_head: the most bytes of status line and header fields.
        user_agent: the header of that name.
        clock: monotonic seconds, on the event loop's scale.
    """

    def __init__(
        self,
        *,
        limits: Limits = _LIMITS,
        descriptors: Descriptors | None = None,
        resolver: Literal["ares", "system"] | Resolver = "ares",
        max_age: float = 300.0,
        idle_expiry: float = 120.0,
        insecure: bool = False,
        ca_file: str | None = None,
        max_body: int = 10 * 1024 * 1024,
        drain_limit: int = 256 * 1024,
        max_head: int = 64 * 1024,
        user_agent: str = "milkrun",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._insecure = insecure
        self._ca_file = ca_file
        self._max_body = max_body
        self._drain_limit = drain_limit
        self._user_agent = user_agent
        self._clock = clock
        self._descriptors = descriptors or Descriptors.from_limit(reserve=_RESERVED_DESCRIPTORS)
        self._own_resolver = None if not isinstance(resolver, str) else CachingResolver(_LOOKUPS[resolver]())
        self._pool = Pool(
            dialer=Dialer(resolver=self._own_resolver or cast("Resolver", resolver), contexts=Contexts(), now=clock),
            limits=limits,
            policy=Policy(max_age=max_age, idle_expiry=idle_expiry, max_head=max_head),
            descriptors=self._descriptors,
            clock=clock,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._closed = False
        self._warm = self._cold = self._stale_retries = 0

    async def __aenter__(self) -> Self:
        if _get_running_loop() is not self._loop:
            self._check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. Requests under way or waiting end in a UsageError. Harmless when repeated."""
        if self._closed:
            return
        self._closed, self._loop = True, None
        await self._pool.close(UsageError(CLOSED))
        if self._own_resolver is not None:
            await self._own_resolver.close()

    def prepare(self, method: str, url: str, **options: Unpack[RequestOptions]) -> PreparedRequest:
        """Build a request once, to send it again and again.

        Args:
            method: any HTTP method; in capitals it goes out.
            url: http or https; credentials in it become basic authentication and are never shown.
            **options: headers (pairs or a mapping); content (bytes, or text as UTF-8);
                redirects "off" (the default: what you see is what the server said), "same-origin" or "all";
                insecure, max_age and max_body as the client's, for this request alone;
                fresh: a connection of its own, the name resolved anew, closed afterwards;
                body "read" (the default) or "drain": nobody needs it.

        Raises:
            UsageError: for what cannot be sent; says what was expected.
        """
        insecure, max_body = options.get("insecure"), options.get("max_body")
        drain = options.get("body") == "drain"
        asked = Options(
            redirects=options.get("redirects", "off"),
            tls=TlsOptions(insecure=self._insecure if insecure is None else insecure, ca_file=self._ca_file),
            max_age=options.get("max_age"),
            fresh=options.get("fresh", False),
            drain=drain,
            max_body=self._drain_limit if drain else self._max_body if max_body is None else max_body,
        )
        return build(
            method.upper(),
            parse_url(url),
            headers=options.get("headers", ()),
            content=options.get("content"),
            options=asked,
            user_agent=self._user_agent,
        )

    async def send(self, request: PreparedRequest, *, timeout: float = 10.0) -> Response:
        """Send a prepared request and read the whole response, redirects included, within `timeout` seconds.

        Raises:
            RequestError: what became of it, by layer and kind, with timings and what was seen of the connection.
            UsageError: the client is closed, or used on another event loop or in a forked process.
        """
        if _get_running_loop() is not self._loop:
            self._check()
        now = self._clock()
        trip = Trip(now, now + timeout, now, Timings())
        try:
            connection = self._pool.take(request, now)
            if connection is None:
                response = await self._exchange(request, trip)
            else:  # the warm path, in one coroutine: each further one costs a tenth of a microsecond and more
                self._warm += 1
                answer = connection.start(request, trip)
                try:
                    received = await answer
                except BaseException as err:  # noqa: BLE001  # as in `_converse`
                    response = await self._recover(connection, request, trip, answer, err)
                else:
                    response = self._conclude(connection, request, trip, received)
            if 300 <= response.received.status < 400 and request.options.redirects != "off":
                response = await self._follow(response, trip)
        except RequestError as err:
            trip.explain(err, self._clock())
            raise
        return response

    async def request(
        self, method: str, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]
    ) -> Response:
        """`prepare` and `send` in one; for what is sent once."""
        return await self.send(self.prepare(method, url, **options), timeout=timeout)

    async def get(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("GET", …)`."""
        return await self.request("GET", url, timeout=timeout, **options)

    async def head(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("HEAD", …)`."""
        return await self.request("HEAD", url, timeout=timeout, **options)

    async def options(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("OPTIONS", …)`."""
        return await self.request("OPTIONS", url, timeout=timeout, **options)

    async def post(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("POST", …)`."""
        return await self.request("POST", url, timeout=timeout, **options)

    async def put(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("PUT", …)`."""
        return await self.request("PUT", url, timeout=timeout, **options)

    async def patch(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("PATCH", …)`."""
        return await self.request("PATCH", url, timeout=timeout, **options)

    async def delete(self, url: str, *, timeout: float = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("DELETE", …)`."""
        return await self.request("DELETE", url, timeout=timeout, **options)

    def stats(self) -> Stats:
        """The client's own footprint, now."""
        pool = self._pool
        return {
            "origins": pool.origins,
            "connections": {"open": pool.open, "idle": pool.idle, "in_use": pool.in_use},
            "opened_total": pool.opened,
            "closed_total": {reason.value: count for reason, count in sorted(pool.closed.items())},
            "requests_total": self._warm + self._cold,
            "warm_total": self._warm,
            "cold_total": self._cold,
            "stale_retries_total": self._stale_retries,
            "descriptors": {
                "used": self._descriptors.used,
                "budget": self._descriptors.budget,
                "limit": descriptor_limit(),
            },
            "time_wait": time_wait(),
            "queue": pool.queued,
        }

    def _check(self) -> None:
        loop = _get_running_loop()
        # None in a forked child: asyncio knows that it does not run its parent's loop.
        if loop is None or self._closed or self._loop is not None or self._pid != os.getpid():
            raise self._misuse()
        self._loop = loop
        self._pool.bind(loop)

    def _misuse(self) -> UsageError:
        if self._closed:
            return UsageError(CLOSED)
        if self._pid != os.getpid():
            return UsageError("the process was forked after the client was made; make one in each process")
        return UsageError("the client belongs to the event loop that first used it; make one for each loop")

    async def _exchange(self, request: PreparedRequest, trip: Trip) -> Response:
        connection = self._pool.take(request, self._clock())
        if connection is None:
            connection = await self._acquire(request, trip)
        else:
            self._warm += 1
        return await self._converse(connection, request, trip)

    async def _converse(self, connection: Connection, request: PreparedRequest, trip: Trip) -> Response:
        trip.begin(self._clock())
        answer = connection.start(request, trip)
        try:
            received = await answer
        except BaseException as err:  # noqa: BLE001  # `_recover` raises it again, or has a better answer
            return await self._recover(connection, request, trip, answer, err)
        return self._conclude(connection, request, trip, received)

    async def _recover(
        self,
        connection: Connection,
        request: PreparedRequest,
        trip: Trip,
        answer: asyncio.Future[Received],
        error: BaseException,
    ) -> Response:
        if not self._is_retryable(connection, request, trip, answer, error):
            self._pool.leave(request)
            raise error
        return await self._converse(await self._pool.renew(request, trip), request, trip)

    async def _acquire(self, request: PreparedRequest, trip: Trip) -> Connection:
        try:
            connection = await self._pool.acquire(request, trip)
        except BaseException:
            self._cold += 1
            raise
        if connection.uses:
            self._warm += 1
        else:
            self._cold += 1
        return connection

    def _is_retryable(
        self,
        connection: Connection,
        request: PreparedRequest,
        trip: Trip,
        answer: asyncio.Future[Received],
        error: BaseException,
    ) -> bool:
        trip.clocked(self._clock())
        trip.connection = connection.facts(trip.begun)
        if answer.done() and not answer.cancelled():
            answer.exception()  # seen, also when a cancellation came in the same turn
        if not isinstance(error, RequestError):
            connection.abandon(Closed.CANCELLED)
            return False
        # A server that closes an idle connection does so, now and then, just as the next request is on its way.
        is_stale = connection.uses > 1 and not trip.heard and error.kind in _STALE
        if not (is_stale and request.idempotent):
            return False
        trip.stale_retry = True
        self._stale_retries += 1
        return True

    def _conclude(self, connection: Connection, request: PreparedRequest, trip: Trip, received: Received) -> Response:
        timings = trip.timings
        now = trip.further or trip.heard  # not the clock: that we come to hear of it later is not the target's doing
        trip.clocked(now)
        timings.total = now - trip.started - timings.queue
        facts = connection.facts(trip.begun)
        headers = Headers.from_head(received.head) if received.notable else None
        if headers is not None:
            _heed(connection, headers.get("keep-alive"))
        self._pool.put_back(connection, request, now, keep=received.keep)
        body = received.body
        if headers is not None:
            trip.connection, trip.answer = facts, received.facts()
            body = decoded(received, headers, request.max_body)
        return Response(request, received, body, timings, facts, trip.stale_retry,
                        trip.warnings + received.warnings, trip.history)  # fmt: skip

    async def _follow(self, response: Response, trip: Trip) -> Response:
        seen: set[tuple[str, str]] = set()
        while True:
            request = response.request
            trip.warnings, trip.connection = response.warnings, response.connection
            trip.answer = response.received.facts()
            url = destination(request, response.status, *response.headers.get_all("location"))
            if url is None:
                return response
            seen.add((request.method, response.url))
            trip.history += (Hop(response.url, response.status),)
            method, headers, content = onward(request, response.status, url)
            request = build(
                method, url, headers=headers, content=content, options=request.options, user_agent=self._user_agent
            )
            guard(seen, request)
            trip.connection = trip.answer = None  # until here the last hop is the one that sent us on
            response = await self._exchange(request, trip)


def _heed(connection: Connection, keep_alive: str | None) -> None:
    match = _KEEP_ALIVE.search(keep_alive or "")
    if match is not None:
        timeout = float(match[1])
        connection.patience = min(connection.patience, max(timeout - _SOON, timeout / 2))
