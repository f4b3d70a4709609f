"""One client's token for one set of client credentials: fetched once for all who need it, renewed before it expires."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from milkrun.client.auth.seam import Asked, Clock, TokenClient
from milkrun.client.auth.token import NoToken, Token, token
from milkrun.client.errors import OwnError, RequestError, UsageError
from milkrun.client.headers import Headers

_MOST_BODY = 64 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between tries at an endpoint that fails, doubled each time
_LONGEST_ASKED = 300.0  # the most that a Retry-After may make us wait
_SETTLED = 10.0  # seconds: a token this new that is turned down would only be followed by another such
_UNAUTHORIZED = 401


class Grant(Protocol):
    """How a token is asked for."""

    @property
    def token_url(self) -> str:
        """Where."""

    @property
    def endpoint(self) -> str:
        """Where, as it may be shown."""

    @property
    def timeout(self) -> float:
        """For how many seconds."""

    def headers(self) -> Mapping[str, str]:
        """With which header fields."""

    def form(self) -> bytes:
        """With which content."""


class TokenSession:
    """At most one fetch is under way. It is its own task: whoever stops waiting for it leaves it to the others.

    A token within its last tenth, or half a minute, is renewed in the background and used meanwhile. After a failure
    the endpoint is left alone for a while, and what is still valid is used.
    """

    def __init__(self, grant: Grant, client: TokenClient, clock: Clock) -> None:
        self._grant = grant
        self._client = client
        self._clock = clock
        self._token: Token | None = None
        self._fetched = 0.0
        self._fetching: asyncio.Task[Token | OwnError] | None = None
        self._failure: OwnError | None = None
        self._pause = _FIRST_PAUSE
        self._again = 0.0  # not before then, while there is a failure

    async def authorize(self, request: Asked) -> str:  # noqa: ARG002  # one token is for all
        """As `Session.authorize`."""
        now = self._clock()
        valid = self._token
        if valid is None or now >= valid.expires:
            return (await self._new(now)).header
        if now >= valid.renew and self._blocked(now) is None:
            self._fetch()
        return valid.header

    def answered(self, request: Asked, sent: str | None, status: int, headers: Headers) -> None:  # noqa: ARG002
        """As `Session.answered`: a token turned down is not used again; the request is not sent again."""
        current = self._token
        is_refused = status == _UNAUTHORIZED and current is not None and sent == current.header
        if is_refused and self._clock() >= self._fetched + _SETTLED:
            self._token = None

    async def close(self) -> None:
        """As `Session.close`."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait((self._fetching,))

    async def _new(self, now: float) -> Token:
        outcome: Token | OwnError | None = self._blocked(now)
        if outcome is None:
            fetching = self._fetch()
            await asyncio.wait((fetching,))  # unlike `await fetching`, its end is not ours, nor ours its
            if fetching.cancelled():
                raise UsageError("the client was closed while a token was fetched; send requests before it is")
            outcome = fetching.result()
        if isinstance(outcome, OwnError):  # a new one for each who waits: each adds its own timings to it
            raise OwnError(outcome.kind, outcome.message, phase=outcome.phase) from outcome
        return outcome

    def _blocked(self, now: float) -> OwnError | None:
        return self._failure if now < self._again else None

    def _fetch(self) -> asyncio.Task[Token | OwnError]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._ask(), name=f"token from {self._grant.endpoint}")
        return self._fetching

    async def _ask(self) -> Token | OwnError:
        asked, grant = self._clock(), self._grant
        try:
            answer = await self._client.request(
                "POST",
                grant.token_url,
                timeout=grant.timeout,
                headers=grant.headers(),
                content=grant.form(),
                redirects="off",  # the secret is for this endpoint alone
                auth=None,  # not the client's own, if it has one: this would wait for itself
                max_body=_MOST_BODY,
            )
            return self._keep(token(answer, asked))
        except NoToken as err:
            return self._fail(err, err.why, err.pause)
        except RequestError as err:
            return self._fail(err, str(err), None)
        finally:
            self._fetching = None

    def _keep(self, new: Token) -> Token:
        self._token, self._fetched = new, self._clock()
        self._failure, self._pause, self._again = None, _FIRST_PAUSE, 0.0
        return new

    def _fail(self, cause: Exception, why: str, asked_pause: float | None) -> OwnError:
        failure = OwnError("credentials", f"no token from {self._grant.endpoint}: {why}", phase="queue")
        failure.__cause__ = cause
        pause = self._pause if asked_pause is None else min(max(asked_pause, self._pause), _LONGEST_ASKED)
        self._failure, self._again = failure, self._clock() + pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return failure
