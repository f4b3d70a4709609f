"""What the client and an authentication scheme need of each other.

Credentials are values: frozen, compared by content, without state. What a scheme learns while it is used (nonces, a
token) lives in a `Session`, which each client makes for itself and ends when it closes; so equal credentials share what
was learnt, and one value may serve several clients and event loops.
"""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypeAlias

from milkrun.client.headers import Headers
from milkrun.client.url import Url

Clock: TypeAlias = Callable[[], float]


class Asked(Protocol):
    """What is read of the request to authorize. `content` that is not bytes is on its way and cannot be read."""

    @property
    def method(self) -> str:
        """In capitals, as it is sent."""

    @property
    def url(self) -> Url:
        """Where it goes."""

    @property
    def target(self) -> str:
        """What its request line asks for, which need not be what the URL says."""

    @property
    def content(self) -> object:
        """What goes with it."""


class Answered(Protocol):
    """What is read of a token endpoint's response."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def body(self) -> bytes:
        """The content, codings undone."""


class TokenClient(Protocol):
    """What a session may ask of its client: a request of its own, with a deadline of its own."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str],
        content: bytes,
        redirects: Literal["off"],
        auth: None,
        max_body: int,
    ) -> Answered:
        """As `Client.request`: raises RequestError."""


class Session(Protocol):
    """What one client knows for one set of credentials. State changes between awaits only, on the client's loop."""

    async def authorize(self, request: Asked) -> str | None:
        """The Authorization to send; None: nothing yet, so send without. Its time is not the target's.

        Raises OwnError, self/credentials, when none could be had.
        """

    def answered(self, request: Asked, sent: str | None, status: int, headers: Headers) -> str | None:
        """Learn from each response, whatever its status.

        Args:
            request: what was asked.
            sent: the Authorization that went with it.
            status: the response's.
            headers: the response's.

        Returns:
            an Authorization to send the request again with, once; None: the response stands.
        """

    async def close(self) -> None:
        """End what is under way; who waits for it gets a UsageError."""


class Auth(Protocol):
    """Credentials of a scheme that needs to learn: hashable, equal if they are worth the same."""

    def session(self, client: TokenClient, clock: Clock) -> Session:
        """A client's own state for these credentials; `clock` is monotonic seconds."""
