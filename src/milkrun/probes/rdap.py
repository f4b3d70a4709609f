"""When a domain's registration ends, asked of its registry by RDAP (RFC 9082, 9083) over the checks' client.

Which registry is asked for a top-level domain is in IANA's list (RFC 9224), unless a server is configured.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from milkrun.client import Client, RequestError, UsageError
from milkrun.core.expiry import candidates

T = TypeVar("T")

BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
TIMEOUT = 15.0
_NOT_FOUND = frozenset({400, 404, 422})
_OK = 200


class RdapError(Exception):
    """A registry could not be asked; the message is one line for the log."""


class Registration(msgspec.Struct, frozen=True):
    """A registered domain, and when its registration ends, epoch ms."""

    domain: str
    ends: int


class _Event(msgspec.Struct, rename="camel"):
    event_action: str = ""
    event_date: str = ""


class _Domain(msgspec.Struct):
    events: list[_Event] = []


class _Services(msgspec.Struct):
    services: list[tuple[list[str], list[str]]]


class Rdap:
    """Asks. `base` is the server's URL for all domains; without it IANA's list is read once a process."""

    def __init__(self, client: Client, base: str | None = None, *, bootstrap: str = BOOTSTRAP) -> None:
        self._client = client
        self._base = base
        self._bootstrap = bootstrap
        self._servers: Mapping[str, str] | None = None

    async def registration(self, host: str) -> Registration | None:
        """The registration that a host's name is under; None where there is none that ends. Raises RdapError."""
        for domain in candidates(host):
            server = self._base or await self._server(domain)
            if server is None:
                return None
            body = await self._get(f"{server.rstrip('/')}/domain/{domain}")
            ends = None if body is None else _end(body)
            if ends is not None:
                return Registration(domain, ends)
        return None

    async def _server(self, domain: str) -> str | None:
        if self._servers is None:
            body = await self._get(self._bootstrap)
            listed = _decoded(body or b"{}", _Services)
            self._servers = {top.lower(): _secure(urls) for tops, urls in listed.services for top in tops if urls}
        return self._servers.get(domain.rpartition(".")[2])

    async def _get(self, url: str) -> bytes | None:
        """The answer's body; None where the server knows of no such thing."""
        try:
            response = await self._client.get(url, headers={"accept": "application/rdap+json"}, timeout=TIMEOUT)
        except (RequestError, UsageError) as err:
            raise RdapError(str(err)) from err
        if response.status in _NOT_FOUND:
            return None
        if response.status != _OK:
            raise RdapError(f"{url} answered with status {response.status}")
        return response.body


def _secure(urls: list[str]) -> str:
    """Of a service's addresses, https if there is one (RFC 9224 section 3)."""
    return next((url for url in urls if url.startswith("https:")), urls[0])


def _end(body: bytes) -> int | None:
    events = _decoded(body, _Domain).events
    text = next((event.event_date for event in events if event.event_action == "expiration"), None)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
    except ValueError as err:
        raise RdapError(f"{text[:40]!r} is no time at which a registration ends") from err


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise RdapError("the answer is not RDAP's JSON") from err
