"""What a check shows to be let in: `client.auth` and `client.oauth2`."""

from typing import Any, Literal, cast

import msgspec

from milkrun.client import Client
from milkrun.client.auth import Basic, Bearer, ClientCredentials, Digest, Session, TokenClient
from milkrun.client.auth.seam import Answered, Clock
from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url
from milkrun.config.section import Section
from milkrun.probes.secrets import url_secrets
from milkrun.probes.way import Way, made

_SEND_IN: dict[str, Literal["header", "body"]] = {"header": "header", "body": "body"}
_URL = "expected http:// or https:// with a host, all without spaces"
_PRINTABLE = "without a line break or another control character"


class Grant(msgspec.Struct, frozen=True):
    """Client credentials whose token is fetched by the way of the check, as Gatus does.

    Equal ones share a token. `secrets`: what no message may repeat.
    """

    credentials: ClientCredentials
    way: Way
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Grant of {self.credentials.client_id}>"  # the URL may hold secrets

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("client_id", self.credentials.client_id)]

    def session(self, client: TokenClient, clock: Clock) -> Session:
        """As `Auth.session`."""
        return self.credentials.session(_ByWay(client, self.way), clock)


class _ByWay:
    """A client that goes a way of its own."""

    def __init__(self, client: TokenClient, way: Way) -> None:
        self._client = cast("Client", client)
        self._way = way.options()

    async def request(self, method: str, url: str, **asked: Any) -> Answered:
        return await self._client.request(method, url, **asked, **self._way)


Credentials = Basic | Bearer | Digest | Grant


def read_credentials(client: Section, way: Way) -> Credentials | None:
    """Read whichever scheme is configured; several are a mistake."""
    auth = client.section("auth")
    found: dict[str, Credentials | None] = {}
    if "basic" in auth:
        found["auth.basic"] = _account(auth, "basic", Basic, "a username without a colon, and both")
    if "bearer" in auth:
        found["auth.bearer"] = made(auth, "bearer", Bearer, "expected a token: one word of visible ASCII characters")
    if "digest" in auth:
        found["auth.digest"] = _account(auth, "digest", Digest, "both")
    if "oauth2" in client:
        found["oauth2"] = _grant(client.section("oauth2"), way)
    if len(found) > 1:
        *others, last = found
        client.problem(last.partition(".")[0], f"expected one of {', '.join(others)} and {last}, not all of them")
    return next(iter(found.values()), None)


def secrets_of(credentials: Credentials | None) -> tuple[str, ...]:
    """What no message may repeat of them."""
    if credentials is None:
        return ()
    if isinstance(credentials, Grant):
        return credentials.secrets
    return (credentials.token if isinstance(credentials, Bearer) else credentials.password,)


def _account(auth: Section, key: str, scheme: type[Basic] | type[Digest], expected: str) -> Basic | Digest | None:
    section = auth.section(key)
    user, password = _needed(section, "username"), _needed(section, "password")
    try:
        return scheme(user, password)
    except UsageError:
        section.refuse(f"expected {expected} {_PRINTABLE}")
        return None


def _grant(section: Section, way: Way) -> Grant | None:
    words = section.words("token-url")
    url = made(section, "token-url", parse_url, _URL)
    if "token-url" not in section:
        section.problem("token-url", _URL)
    identity, secret = _needed(section, "client-id"), _needed(section, "client-secret")
    scopes = tuple([scope.text for scope in section.texts("scopes")])
    audience = section.text("audience") or None
    send_in = section.choice("send-in", _SEND_IN, "header")
    if words is None or url is None:
        return None
    credentials = ClientCredentials(words.text, identity, secret, scopes, audience, send_in)
    return Grant(credentials, way.to_others(), (secret, *url_secrets(words, url)))


def _needed(section: Section, key: str) -> str:
    words = section.words(key)
    if not (words.text if words is not None else key in section):  # a text that cannot be used was reported already
        section.problem(key, f"expected a {key}")
    return "" if words is None else words.text
