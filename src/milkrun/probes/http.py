"""The http kind: its options, and how a configuration gives them."""

import re
from enum import StrEnum
from urllib.parse import quote

import msgspec

from milkrun.client.errors import UsageError
from milkrun.client.request import FRAMING, LINE_BREAK, TOKEN
from milkrun.client.url import Url, parse_url
from milkrun.config.kind import Reading
from milkrun.config.section import Section, Words

_BODY_TEMPLATE = re.compile(r"\[(?:ENDPOINT_(?:NAME|GROUP|URL)|RANDOM_STRING_\d+)\]")
_SHORTEST_SECRET = 4  # characters; hiding anything shorter would hide half a sentence
_EXPECTED_URL = "expected http:// or https:// with a host, and perhaps a port and a path, all without spaces"


class Redirects(StrEnum):
    """Which redirects a check follows."""

    OFF = "off"
    ALL = "all"


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an http check sends and how.

    `url` may carry credentials, which the client turns into basic authentication. `max_age` is seconds (None: the
    client's default); `fresh`: a new connection for every check. `secrets`: what no message may repeat of the URL.
    """

    url: str
    secrets: tuple[str, ...] = ()
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    insecure: bool = False
    redirects: Redirects = Redirects.ALL
    max_age: float | None = None
    fresh: bool = False

    def __repr__(self) -> str:
        return f"<HttpOptions {self.method}>"  # URL, headers and body may hold secrets


class HttpKind:
    """Reads what an http check needs of an endpoint."""

    schemes = frozenset({"http", "https"})

    def read(self, endpoint: Section) -> Reading | None:
        """The options; None where the URL cannot be used, after everything else has been read too."""
        address = _address(endpoint)
        client, connection = endpoint.section("client"), endpoint.section("connection")
        ignore_redirect = client.flag("ignore-redirect", default=False)
        max_age, fresh = _connection(connection)
        options = HttpOptions(
            url=endpoint.text("url"),
            secrets=_secrets(*address) if address else (),
            method=_method(endpoint),
            headers=_headers(endpoint.section("headers")),
            body=_body(endpoint),
            insecure=client.flag("insecure", default=False),
            redirects=Redirects.OFF if ignore_redirect else Redirects.ALL,
            max_age=max_age,
            fresh=fresh,
        )
        return Reading(target=_shown(*address), options=options) if address else None


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


def _secrets(words: Words, url: Url) -> tuple[str, ...]:
    """What is not shown of the URL, as it is and as an address that a server sends back writes it; longest first."""
    hidden = [value for value in words.secrets if len(value) >= _SHORTEST_SECRET and value not in url.origin.authority]
    forms = {form for value in hidden for form in (value, quote(value, safe=""))}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _method(endpoint: Section) -> str:
    method = endpoint.text("method", "GET").upper()
    if not TOKEN.fullmatch(method):
        endpoint.problem("method", "expected an HTTP method such as GET or POST")
    return method


def _headers(section: Section) -> tuple[tuple[str, str], ...]:
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


def _connection(section: Section) -> tuple[float | None, bool]:
    fresh = section.flag("fresh", default=False)
    max_age = section.milliseconds("max-age", 0.0, least=1.0) / 1_000
    if fresh and max_age:
        section.problem("fresh", "expected fresh or max-age, not both")
    return max_age or None, fresh
