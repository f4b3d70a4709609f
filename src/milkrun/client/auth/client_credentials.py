"""OAuth 2.0 client credentials (RFC 6749 4.4): whose they are, and how a token is asked for by them."""

import base64
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal
from urllib.parse import quote_plus, urlencode

import msgspec

from milkrun.client.auth.credentials import Credentials
from milkrun.client.auth.seam import Clock, TokenClient
from milkrun.client.auth.token_session import TokenSession
from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url


class ClientCredentials(Credentials, frozen=True, gc=False):
    """A client's identity at a token endpoint, for a bearer token that is fetched, shared and renewed by itself.

    Attributes:
        token_url: the endpoint.
        client_id, client_secret: the identity.
        scopes: what to ask for; the endpoint's default if empty.
        audience: whom the token is for, as some providers ask.
        send_in: where the identity goes; "header" is what providers have to support (RFC 6749 2.3.1).
        timeout: seconds for fetching one token.

    Raises UsageError for a URL that is none, scopes that are text, and an unknown `send_in`.
    """

    token_url: str
    client_id: str
    client_secret: str
    scopes: Sequence[str] = ()
    audience: str | None = None
    send_in: Literal["header", "body"] = "header"
    timeout: float = 10.0
    shown: ClassVar[tuple[str, ...]] = ("endpoint", "client_id")

    def __post_init__(self) -> None:
        parse_url(self.token_url)
        if isinstance(self.scopes, str):
            raise UsageError('scopes is text; expected several words, such as ("read", "write")')
        if self.send_in not in ("header", "body"):
            raise UsageError(f'send_in is {self.send_in!r}; expected "header" or "body"')
        msgspec.structs.force_setattr(self, "scopes", tuple(self.scopes))  # a list would have no hash

    @property
    def endpoint(self) -> str:
        """The token URL as it may be shown."""
        return parse_url(self.token_url).text

    def session(self, client: TokenClient, clock: Clock) -> TokenSession:
        """As `Auth.session`."""
        return TokenSession(self, client, clock)

    def headers(self) -> Mapping[str, str]:
        """Of the token request."""
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.send_in == "header":
            # Form-encoded first (RFC 6749 2.3.1), so that a colon in either is none of the separator's.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            fields["Authorization"] = "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
        return fields

    def form(self) -> bytes:
        """The content of the token request."""
        fields = {"grant_type": "client_credentials"}
        if self.scopes:
            fields["scope"] = " ".join(self.scopes)
        if self.audience is not None:
            fields["audience"] = self.audience
        if self.send_in == "body":
            fields |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return urlencode(fields).encode("ascii")
