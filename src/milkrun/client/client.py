"""The client: one for a process's life, shared by everything that sends requests on one event loop."""

import math
import time
import warnings
from asyncio import _get_running_loop  # the one that does not raise: this is asked for each request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Literal, Self, Unpack, cast

from milkrun.client.auth import Sessions
from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.keepalive import KeepAlive
from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.tls import Contexts
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.events import Hook, observed
from milkrun.client.exchange.departure import LARGE
from milkrun.client.exchange.trip import Trip, departing
from milkrun.client.home import Home
from milkrun.client.pool.descriptors import Descriptors, descriptor_limit
from milkrun.client.pool.gate import Limits
from milkrun.client.pool.opening import Policy
from milkrun.client.pool.pool import CLOSED, Pool
from milkrun.client.preparing import Preparer, RequestOptions, WayOptions
from milkrun.client.request import NO_LIMIT, PreparedRequest
from milkrun.client.resolve.ares import AresLookup
from milkrun.client.resolve.resolver import CachingResolver, Resolver
from milkrun.client.resolve.system import SystemLookup
from milkrun.client.response import Response
from milkrun.client.response_landed import LandedResponse
from milkrun.client.response_stream import StreamedResponse
from milkrun.client.sender import Sender
from milkrun.client.stats import OriginStats, Stats, time_wait
from milkrun.client.timeouts import TimeoutTypes, read_timeout_of
from milkrun.client.timings import Timings

_RESERVED_DESCRIPTORS = 200  # for files, listeners, resolvers: when nobody hands us a budget
_LOOKUPS = {"ares": AresLookup, "system": SystemLookup}
_NOWHERE = object()  # the loop of a client that has none: not the one that runs, be it None
_LIMITS = Limits()
_KEEPALIVE = KeepAlive()


class Client:
    """A warm client for HTTP/1.1 and HTTP/2.

    It belongs to the event loop that first uses it, and keeps no cookies and no other state.

    Args:
        limits: requests in flight in total and by origin, connections being opened.
        descriptors: the process's budget of connections, shared by its clients; by default one of its own, of the
            process's limit less a reserve.
        resolver: "ares" (c-ares), "system" (getaddrinfo) or one of your own, which you close.
        addresses: which addresses may be connected to, asked when a socket connects; None: all.
        keepalive: how soon the kernel notices a peer that vanished; None: not at all.
        max_age: seconds after which a connection is not used again; up to a tenth less, at random.
        max_uses: requests after which a connection is not used again; None: any number.
        idle_expiry: seconds a connection may be idle; less where the server's Keep-Alive header says so, or where its
            connections were found closed before.
        max_body: the most bytes of a body, before and after decoding; beyond it body/too-large.
        drain_limit: the most bytes to read of a body that nobody needs; beyond it the connection closes.
        max_head: the most bytes of status line and header fields.
        user_agent: the header of that name.
        on_event: told of each phase of each request as it happens; must be quick. See `events`.
        clock: monotonic seconds, on the event loop's scale.
        **way: how servers are reached and judged, unless a request says otherwise:
            insecure (accept any certificate; it is reported all the same), ca_file (a PEM file of roots to trust
            instead of the system's), certificate (the client's own), server_name, minimum_version of TLS,
            http2 (True: where the server chooses it in the TLS handshake; "prior-knowledge": always; False: never),
            proxy (a URL or a `Proxy`; "environment": as HTTP_PROXY and the like say), unix_socket, local_address,
            family ("ipv4", "ipv6" or "any"), resolve (addresses by host or host:port), nameservers.
    """

    _closed = True  # until it is made: `__del__` may come before that

    def __init__(
        self,
        *,
        limits: Limits = _LIMITS,
        descriptors: Descriptors | None = None,
        resolver: Literal["ares", "system"] | Resolver = "ares",
        addresses: AddressPolicy | None = None,
        keepalive: KeepAlive | None = _KEEPALIVE,
        max_age: float = 300.0,
        max_uses: int | None = None,
        idle_expiry: float = 120.0,
        max_body: int = 10 * 1024 * 1024,
        drain_limit: int = 256 * 1024,
        max_head: int = 64 * 1024,
        user_agent: str = "milkrun",
        on_event: Hook | None = None,
        clock: Callable[[], float] = time.monotonic,
        **way: Unpack[WayOptions],
    ) -> None:
        self._clock = clock
        self._preparer = Preparer(
            max_body=max_body,
            drain_limit=drain_limit,
            user_agent=user_agent,
            max_uses=max_uses,
            on_event=on_event,
            **way,
        )
        self._descriptors = descriptors or Descriptors.from_limit(reserve=_RESERVED_DESCRIPTORS)
        self._own_resolver = None if not isinstance(resolver, str) else CachingResolver(_LOOKUPS[resolver]())
        self._dialer = Dialer(
            resolver=self._own_resolver or cast("Resolver", resolver),
            contexts=Contexts(),
            policy=addresses,
            keepalive=keepalive,
            now=clock,
        )
        self._pool = Pool(
            dialer=self._dialer,
            limits=limits,
            policy=Policy(max_age=max_age, idle_expiry=idle_expiry, max_head=max_head),
            descriptors=self._descriptors,
            clock=clock,
        )
        self._sessions = Sessions(self, clock)
        self._sender = Sender(
            self._pool, sessions=self._sessions, clock=clock, user_agent=user_agent, drain_limit=drain_limit
        )
        self._home = Home("client")
        self._loop: object = _NOWHERE  # its home's, close at hand
        self._closed = False
        self._warm = 0  # requests that went the short way

    def __repr__(self) -> str:
        state = " closed:" if self._closed else "" if self._home.loop else " unused:"
        return f"<Client{state} {self._pool!r}, {self._warm + self._sender.warm + self._sender.cold} requests>"

    def __del__(self, warn: Callable[..., None] = warnings.warn) -> None:
        # Its connections, and what they hold, would else stay for a while without a word.
        if not self._closed and self._pool.open:
            warn(f"unclosed {self!r}; use `async with` or `await aclose()`", ResourceWarning, source=self)

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
        if self._home.loop is not None:
            self._home.check()
        self._closed, self._loop = True, _NOWHERE
        await self._sessions.close()
        await self._pool.close(UsageError(CLOSED))
        await self._dialer.close()
        if self._own_resolver is not None:
            await self._own_resolver.close()

    def prepare(self, method: str, url: str, **options: Unpack[RequestOptions]) -> PreparedRequest:
        """Build a request once, to send it again and again.

        Args:
            method: any HTTP method; in capitals it goes out.
            url: http or https; credentials in it become basic authentication and are never shown.
            **options: headers (pairs or a mapping; `Upgrade` asks for another protocol, `Expect: 100-continue` for
                the server's word before the content goes out); content (bytes, text as UTF-8, or an iterable of bytes,
                asynchronous or not, which goes out as it comes: in chunks, or as long as a Content-Length header says);
                auth (`Basic`, `Bearer`, `Digest`, `ClientCredentials`, or a pair of user and password);
                target: the request target, if it is not the URL's;
                verbatim: send the headers as they are, with none added: they name the host and frame the content;
                redirects "off" (the default: what you see is what the server said), "same-origin" or "all";
                max_age, max_uses and max_body as the client's, for this request alone;
                fresh: a connection of its own, the name resolved anew, closed afterwards;
                body "read" (the default) or "drain": nobody needs it;
                on_event: a hook that is told of this request, as the client's own is of all;
                and how the server is reached and judged, as for the whole client.

        Raises:
            UsageError: for what cannot be sent; says what was expected.
        """
        return self._preparer.prepare(method, url, **options)

    async def send(self, request: PreparedRequest, *, timeout: float | None = 10.0) -> Response:
        """Send a prepared request and read the whole response, redirects included, within `timeout` seconds.

        Raises:
            RequestError: what became of it, by layer and kind, with timings and what was seen of the connection.
            UsageError: the client is closed, or used on another event loop, in another thread or in a forked process.
        """
        if _get_running_loop() is not self._loop:
            self._check()
        now = self._clock()
        trip = Trip(now, math.inf if timeout is None else now + timeout, now, Timings())
        connection = self._pool.take(request, now)
        if connection is None:
            return await self._deliver(request, trip)
        # The warm path, in one coroutine: each further one costs a tenth of a microsecond and more.
        self._warm += 1
        try:
            answer = connection.start(request, trip)
            try:
                received = await answer
            except BaseException as err:  # noqa: BLE001  # it is raised again, unless there is a better answer
                response = await self._sender.recover(connection, request, trip, answer, err)
            else:
                response = self._sender.conclude(connection, request, trip, received)
            if trip.is_coded or 300 <= response.received.status < 400:
                response = await self._sender.finish(response, trip)
        except RequestError as err:
            trip.explain(err, self._clock())
            raise
        return response

    async def open(
        self, request: PreparedRequest, *, timeout: TimeoutTypes = 10.0, read_timeout: float | None = None
    ) -> StreamedResponse:
        """Send a prepared request; its response comes with the body still to be read. You close it: see `stream`."""
        if _get_running_loop() is not self._loop:
            self._check()
        now = self._clock()
        trip = observed(departing(timeout, now), request)
        patience = read_timeout_of(timeout) if read_timeout is None else read_timeout
        with self._explained(trip):
            response = await self._sender.open(request, trip, math.inf if patience is None else patience)
        trip.lasts()
        return response

    async def begin(self, request: PreparedRequest, *, timeout: TimeoutTypes) -> LandedResponse | StreamedResponse:
        """As `open`, at half the cost for a small response on a warm connection: then it is there already, whole.

        Neither has trailers then, nor interim responses; and both are to be read `raw`.
        """
        if _get_running_loop() is not self._loop:
            self._check()
        now = self._clock()
        # What is large takes a while to go: that has a limit of its own, and an answer may come before it has gone.
        connection = None if len(request.data) > LARGE else self._pool.take(request, now)
        if connection is None:
            return await self.open(request, timeout=timeout)
        self._warm += 1
        trip = departing(timeout, now)
        patience = read_timeout_of(timeout)
        try:
            return await self._sender.begin(connection, request, trip, math.inf if patience is None else patience)
        except RequestError as err:
            trip.explain(err, self._clock())
            raise

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        timeout: TimeoutTypes = 10.0,
        read_timeout: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncIterator[StreamedResponse]:
        """A response whose body is read as it comes: `async with client.stream("GET", url) as response`.

        What was not read at the end of the block is read and thrown away if it is little; else the connection closes.

        Args:
            method: as for `prepare`.
            url: as for `prepare`.
            timeout: seconds until the head of the response, redirects included, is there; or `Timeouts`, by phase.
            read_timeout: seconds that may pass without a further piece of the body; by default as `timeout`. None for
                both: no limit.
            **options: as for `prepare`; without `max_body` there is no limit.

        Raises:
            RequestError: what became of the request, or later of its body.
        """
        options.setdefault("max_body", NO_LIMIT)
        response = await self.open(self.prepare(method, url, **options), timeout=timeout, read_timeout=read_timeout)
        try:
            yield response
        except BaseException:
            response.cut()
            raise
        await response.aclose()

    async def request(
        self, method: str, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]
    ) -> Response:
        """`prepare` and `send` in one; for what is sent once."""
        return await self.send(self.prepare(method, url, **options), timeout=timeout)

    async def get(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("GET", …)`."""
        return await self.request("GET", url, timeout=timeout, **options)

    async def head(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("HEAD", …)`."""
        return await self.request("HEAD", url, timeout=timeout, **options)

    async def options(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("OPTIONS", …)`."""
        return await self.request("OPTIONS", url, timeout=timeout, **options)

    async def post(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("POST", …)`."""
        return await self.request("POST", url, timeout=timeout, **options)

    async def put(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("PUT", …)`."""
        return await self.request("PUT", url, timeout=timeout, **options)

    async def patch(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("PATCH", …)`."""
        return await self.request("PATCH", url, timeout=timeout, **options)

    async def delete(self, url: str, *, timeout: float | None = 10.0, **options: Unpack[RequestOptions]) -> Response:
        """`request("DELETE", …)`."""
        return await self.request("DELETE", url, timeout=timeout, **options)

    def stats(self) -> Stats:
        """The client's own footprint, now. Any thread may ask, also after the client was closed."""
        pool, sender = self._pool, self._sender
        warm = self._warm + sender.warm
        return {
            "origins": pool.origins,
            "connections": {"open": pool.open, "idle": pool.idle, "in_use": pool.in_use},
            "opened_total": pool.opened,
            "closed_total": {reason.value: count for reason, count in sorted(pool.closed.items())},
            "requests_total": warm + sender.cold,
            "warm_total": warm,
            "cold_total": sender.cold,
            "stale_retries_total": sender.stale_retries,
            "descriptors": {
                "used": self._descriptors.used,
                "budget": self._descriptors.budget,
                "limit": descriptor_limit(),
            },
            "time_wait": time_wait(),
            "queue": pool.queued,
        }

    def stats_by_origin(self) -> dict[str, OriginStats]:
        """The same by origin, "https://example.org", whatever the options of its requests; from any thread.

        Of the 20,000 origins seen last, and of all that have a connection or a request under way. It looks at every
        connection: with 10,000 of them that takes some 50 to 100 ms, so then ask from another thread.
        """
        return self._pool.census()

    def _check(self) -> None:
        if self._closed:
            raise UsageError(CLOSED)
        loop = self._home.settle()
        self._pool.bind(loop)
        self._loop = loop

    async def _deliver(self, request: PreparedRequest, trip: Trip) -> Response:
        trip = observed(trip, request)
        with self._explained(trip):
            response = await self._sender.deliver(request, trip)
            response = await self._sender.finish(response, trip)
            trip.arrived(self._clock())
        return response

    @contextmanager
    def _explained(self, trip: Trip) -> Iterator[None]:
        trip.departed()
        try:
            yield
        except BaseException as err:
            now = self._clock()
            if isinstance(err, RequestError):
                trip.explain(err, now)
            trip.failed(now, err)
            raise
