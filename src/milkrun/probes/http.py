"""The http kind: its options, and how a configuration gives them."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.request import FRAMING, LINE_BREAK, TOKEN
from milkrun.client.url import Url, parse_url
from milkrun.config.kind import Reading
from milkrun.config.section import Section, Words
from milkrun.core.masking import is_secret
from milkrun.probes.credentials import Credentials, read_credentials, secrets_of
from milkrun.probes.secrets import hidden_forms, url_secrets
from milkrun.probes.way import Way, read_way

_BODY_TEMPLATE = re.compile(r"\[(?:ENDPOINT_(?:NAME|GROUP|URL)|RANDOM_STRING_\d+)\]")
_EXPECTED_URL = "expected http:// or https:// with a host, and perhaps a port and a path, all without spaces"


class Redirects(StrEnum):
    """Which redirects a check follows."""

    OFF = "off"
    ALL = "all"


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an http check sends and how.

    `url` may carry credentials, which the client turns into basic authentication. `max_age` is seconds, `max_uses`
    requests (None: the client's default); `fresh`: a new connection for every check. `secrets`: what no message may
    repeat.
    """

    url: str
    secrets: tuple[str, ...] = ()
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    credentials: Credentials | None = None
    redirects: Redirects = Redirects.ALL
    max_age: float | None = None
    max_uses: int | None = None
    fresh: bool = False
    way: Way = Way()

    def __repr__(self) -> str:
        return f"<HttpOptions {self.method}>"  # all the rest may hold secrets

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("method", self.method)]


class HttpKind:
    """Reads what an http check needs of an endpoint."""

    schemes = frozenset({"http", "https"})

    def read(self, endpoint: Section) -> Reading | None:
        """The options; None where the URL cannot be used, after everything else has been read too."""
        address = _address(endpoint)
        client = endpoint.section("client")
        way = read_way(client, over_tls=address is not None and address[1].origin.scheme == "https")
        credentials = read_credentials(client, way)
        max_age, max_uses, fresh = _connection(endpoint.section("connection"))
        headers = read_headers(endpoint.section("headers"))
        options = HttpOptions(
            url=endpoint.text("url"),
            secrets=_secrets(address, way, credentials, _sent(endpoint)),
            method=_method(endpoint),
            headers=headers,
            body=_body(endpoint),
            credentials=credentials,
            redirects=Redirects.OFF if client.flag("ignore-redirect", default=False) else Redirects.ALL,
            max_age=max_age,
            max_uses=max_uses,
            fresh=fresh,
            way=way,
        )
        if address is None:
            return None
        _judge(endpoint, address[1], headers, credentials)
        return Reading(target=_shown(*address), options=options)


def _address(endpoint: Section) -> tuple[Words, Url] | None:
    """The URL, as configured and as read; None after reporting one that cannot be used."""
    words = endpoint.words("url")
    if words is None:
        if "url" not in endpoint:
            endpoint.problem("url", _EXPECTED_URL)
        return None
    try:
        return words, parse_url(words.text)
    except UsageError:  # its message repeats the URL, which may hold a secret
        endpoint.problem_at(words, _EXPECTED_URL)
        return None


def _shown(words: Words, url: Url) -> str:
    """The URL as a person may see it: a host is no secret, but what follows may be, and is shown as it is written."""
    if not words.secrets:
        return url.text
    _, _, rest = words.written.partition("://")
    at = re.search(r"[/?#]", rest)
    return f"{url.origin.scheme}://{url.origin.authority}{'/' if at is None else rest[at.start() :]}"


def _secrets(
    address: tuple[Words, Url] | None, way: Way, credentials: Credentials | None, sent: Iterable[str]
) -> tuple[str, ...]:
    of_url = () if address is None else url_secrets(*address)
    return hidden_forms((*of_url, *way.secrets, *secrets_of(credentials), *sent))


def _sent(endpoint: Section) -> Iterator[str]:
    """Secrets in headers and body, which a server may send back: variables' values, and headers that are secret."""
    body = endpoint.words("body")
    if body is not None:
        yield from body.secrets
    for name, words in endpoint.section("headers").pairs():
        yield from words.secrets
        if is_secret(name):
            yield words.text.rpartition(" ")[2]


def _method(endpoint: Section) -> str:
    method = endpoint.text("method", "GET").upper()
    if not TOKEN.fullmatch(method):
        endpoint.problem("method", "expected an HTTP method such as GET or POST")
    return method


def read_headers(section: Section) -> tuple[tuple[str, str], ...]:
    """A mapping of header fields, without those that are the client's own to set."""
    headers: list[tuple[str, str]] = []
    for name, words in section.pairs():
        if not TOKEN.fullmatch(name):
            section.problem_at(words, "expected a header's name of letters, digits and hyphens")
        elif LINE_BREAK.search(words.text):
            section.problem_at(words, "expected a header's value on one line")
        elif name.lower() in FRAMING:
            section.warning(name, f"the header {name} is the client's own to set; this one is left out")
        else:
            headers.append((name, words.text.strip()))
    return tuple(headers)


def _body(endpoint: Section) -> bytes | None:
    words = endpoint.words("body")
    if words is None:
        return None
    if _BODY_TEMPLATE.search(words.text):
        endpoint.warning("body", "Gatus's placeholders in a body are not built yet; they are sent as they stand")
    return words.text.encode()


def _connection(section: Section) -> tuple[float | None, int | None, bool]:
    fresh = section.flag("fresh", default=False)
    max_age = section.milliseconds("max-age", 0.0, least=1.0) / 1_000
    max_uses = section.number("max-uses", 0, least=1)
    for key, given in (("max-age", max_age), ("max-uses", max_uses)):
        if fresh and given:
            section.problem("fresh", f"expected fresh or {key}, not both")
    return max_age or None, max_uses or None, fresh


def _judge(endpoint: Section, url: Url, headers: tuple[tuple[str, str], ...], credentials: Credentials | None) -> None:
    """One request has one Authorization."""
    if credentials is None:
        return
    if url.userinfo is not None:
        endpoint.problem("url", "expected credentials in the URL or under client, not both")
    for name, _ in headers:
        if name.lower() == "authorization":
            endpoint.section("headers").problem(name, "expected this header or credentials under client, not both")
