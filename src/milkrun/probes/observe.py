"""The http probe: one request on the shared client, told as an Observation."""

from collections.abc import Callable, Iterable

from milkrun.client import Client, RequestError, Response
from milkrun.client.facts import AnswerFacts, ConnectionFacts, TlsFacts
from milkrun.client.timings import Timings as ClientTimings
from milkrun.clock import Clock
from milkrun.core.endpoint import Endpoint
from milkrun.core.evaluate import needs_body, needs_headers
from milkrun.core.observation import Connection, Http, Observation, Timings, Tls
from milkrun.core.outcome import Failure, Layer
from milkrun.probes.http import HttpOptions

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
        "_lag_since",
        "_needs_headers",
        "_request",
        "_secrets",
        "_timeout",
        "_tls",
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
        self._request = client.prepare(
            options.method,
            options.url,
            headers=options.headers,
            content=options.body,
            redirects=options.redirects.value,
            insecure=options.insecure,
            max_age=options.max_age,
            fresh=options.fresh,
            body="read" if needs_body(endpoint.conditions, endpoint.degraded) else "drain",
        )

    async def __call__(self) -> Observation:
        """Observe once. A bad target is an Observation with a failure; nothing but a bug raises."""
        started, began = self._clock.wall(), self._clock.now()
        try:
            response = await self._client.send(self._request, timeout=self._timeout)
        except RequestError as err:
            return self._failed(err, started, began)
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
            warnings=response.warnings,
            lag=self._lag_since(began),
            timeout=self._timeout,
        )

    def _failed(self, error: RequestError, started: float, began: float) -> Observation:
        connection = error.connection
        # A deadline that struck late says so itself, however short the hold was that made it late.
        overdue = self._clock.now() - began - self._timeout if error.kind == "timeout" else 0.0
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
            failure=Failure(layer=Layer(error.layer), kind=error.kind, message=_hide(self._secrets, error.message)),
            lag=max(self._lag_since(began), overdue),
            timeout=self._timeout,
        )

    def _session(self, facts: TlsFacts | None) -> Tls | None:
        """The session's facts, translated once for as long as its connection lasts."""
        if facts is not self._facts:
            self._facts, self._tls = facts, _tls(facts) if facts else None
        return self._tls


def _hide(secrets: Iterable[str], message: str) -> str:
    """A message without secrets: where a redirect leads, it may quote the URL that was asked for."""
    for secret in secrets:
        message = message.replace(secret, "(hidden)")
    return message


def _warmth(connection: ConnectionFacts, timings: ClientTimings) -> Connection:
    """Cold if any hop was: then there was a connect, whatever the last hop went over."""
    return Connection.COLD if timings.connect or not connection.reused else Connection.WARM


def _http(answer: AnswerFacts) -> Http:
    return Http(status=answer.status, version=answer.version, bytes=answer.bytes)


def _timings(timings: ClientTimings) -> Timings:
    return Timings(
        queue=timings.queue,
        dns=timings.dns,
        connect=timings.connect,
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
    )
