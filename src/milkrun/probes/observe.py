"""The http probe: one request on the shared client, told as an Observation."""

from collections.abc import Callable
from typing import cast

from milkrun.client import Client, OwnError, RequestError, Response, UsageError
from milkrun.client.facts import AnswerFacts, ConnectionFacts, TlsFacts
from milkrun.client.preparing import RequestOptions
from milkrun.client.request import PreparedRequest
from milkrun.client.timings import Timings as ClientTimings
from milkrun.clock import Clock
from milkrun.core.endpoint import Endpoint
from milkrun.core.evaluate import needs_body, needs_headers
from milkrun.core.observation import Connection, Http, Observation, Timings, Tls
from milkrun.core.outcome import Failure, Layer
from milkrun.probes.credentials import Grant
from milkrun.probes.http import HttpOptions
from milkrun.probes.secrets import hide

# The worst lag in seconds of the event loop since a monotonic reading.
LagSince = Callable[[float], float]


class HttpProbes:
    """The maker of http probes, all on one client."""

    def __init__(self, client: Client, *, clock: Clock, lag_since: LagSince) -> None:
        self._client = client
        self._clock = clock
        self._lag_since = lag_since

    def __call__(self, endpoint: Endpoint) -> "HttpProbe":
        """Make the probe of `endpoint`; its request is built here, once."""
        return HttpProbe(endpoint, self._client, self._clock, self._lag_since)


class HttpProbe:
    """Observes one endpoint, once a call."""

    __slots__ = (
        "_client",
        "_clock",
        "_facts",
        "_fetches",
        "_lag_since",
        "_needs_headers",
        "_request",
        "_secrets",
        "_timeout",
        "_tls",
        "_way",
    )

    def __init__(self, endpoint: Endpoint, client: Client, clock: Clock, lag_since: LagSince) -> None:
        options = endpoint.options
        if not isinstance(options, HttpOptions):
            raise TypeError(f"{endpoint.key} has no options of the http kind")
        self._client = client
        self._clock = clock
        self._lag_since = lag_since
        self._secrets = options.secrets
        self._timeout = endpoint.timeout
        self._needs_headers = needs_headers(endpoint.conditions, endpoint.degraded)
        self._facts: TlsFacts | None = None
        self._tls: Tls | None = None
        self._fetches = isinstance(options.credentials, Grant)
        self._way = options.way
        self._request = _prepared(client, endpoint, options)

    async def __call__(self) -> Observation:
        """Observe once. A bad target is an Observation with a failure; nothing but a bug raises."""
        started, began = self._clock.wall(), self._clock.now()
        try:
            response = await self._client.send(self._request, timeout=self._timeout)
        except RequestError as err:
            return self._failed(err, started, began)
        except UsageError as err:
            if not self._way.has_files:
                raise
            # They were good when the configuration was read, and are gone or changed since.
            return self._failed(_without_files(err), started, began)
        return self._answered(response, started, began)

    def _answered(self, response: Response, started: float, began: float) -> Observation:
        timings, connection = response.timings, response.connection
        received = response.received
        return Observation(
            started=started,
            timings=_timings(timings),
            connection=_warmth(connection, timings),
            stale_retry=response.stale_retry,
            peer=connection.peer,
            address=connection.address,
            connected=True,
            http=Http(status=received.status, version=received.version, bytes=received.size),
            tls=self._session(connection.tls),
            headers=response.headers if self._needs_headers else None,
            body=response.body,
            answer=response,
            warnings=response.warnings,
            lag=self._lag_since(began),
            timeout=self._timeout,
        )

    def _failed(self, error: RequestError, started: float, began: float) -> Observation:
        connection = error.connection
        return Observation(
            started=started,
            timings=_timings(error.timings),
            connection=_warmth(connection, error.timings) if connection else None,
            stale_retry=error.stale_retry,
            peer=connection.peer if connection else None,
            address=connection.address if connection else None,
            connected=connection is not None,
            http=_http(error.answer) if error.answer else None,
            tls=self._session(connection.tls) if connection else None,
            warnings=error.warnings,
            failure=Failure(layer=Layer(error.layer), kind=error.kind, message=hide(self._secrets, error.message)),
            lag=max(self._lag_since(began), self._overdue(error, began)),
            timeout=self._timeout,
        )

    def _overdue(self, error: RequestError, began: float) -> float:
        """A deadline that struck late says so itself, however short the hold was that made it late."""
        if error.kind != "timeout":
            return 0.0
        put_off = error.timings.queue if self._fetches else 0.0  # a token's time is not the target's
        return self._clock.now() - began - self._timeout - put_off

    def _session(self, facts: TlsFacts | None) -> Tls | None:
        """The session's facts, translated once for as long as its connection lasts."""
        if facts is not self._facts:
            self._facts, self._tls = facts, _tls(facts) if facts else None
        return self._tls


def _prepared(client: Client, endpoint: Endpoint, options: HttpOptions) -> PreparedRequest:
    asked: RequestOptions = {
        "headers": options.headers,
        "content": options.body,
        "auth": options.credentials,
        "redirects": options.redirects.value,
        "max_age": options.max_age,
        "fresh": options.fresh,
        "body": "read" if needs_body(endpoint.conditions, endpoint.degraded) else "drain",
    }
    if options.max_uses is not None:
        asked["max_uses"] = options.max_uses
    return client.prepare(options.method, options.url, **cast("RequestOptions", {**asked, **options.way.options()}))


def _without_files(error: UsageError) -> OwnError:
    failure = OwnError("credentials", str(error), phase="queue")
    failure.__cause__ = error
    return failure


def _warmth(connection: ConnectionFacts, timings: ClientTimings) -> Connection:
    """Cold if any hop was: then there was a connect, whatever the last hop went over."""
    return Connection.COLD if timings.connect or not connection.reused else Connection.WARM


def _http(answer: AnswerFacts) -> Http:
    return Http(status=answer.status, version=answer.version, bytes=answer.bytes)


def _timings(timings: ClientTimings) -> Timings:
    # The way to a proxy and the proxy's own connecting are one phase here: connecting.
    return Timings(
        queue=timings.queue,
        dns=timings.dns,
        connect=timings.proxy + timings.connect,
        tls=timings.tls,
        send=timings.send,
        wait=timings.wait,
        receive=timings.receive,
        total=timings.total,
    )


def _tls(facts: TlsFacts) -> Tls:
    certificate = facts.certificate
    if certificate is None:
        return Tls(version=facts.version, cipher=facts.cipher, not_before=None, not_after=None)
    return Tls(
        version=facts.version,
        cipher=facts.cipher,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        subject=certificate.subject,
        issuer=certificate.issuer,
        names=certificate.names,
        chain_not_after=facts.earliest_expiry,
    )
