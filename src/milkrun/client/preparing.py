"""What may be asked of a request, and what a client asks of each unless told otherwise."""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeAlias, TypedDict, Unpack, cast

from milkrun.client.auth import Auth, Basic, Bearer
from milkrun.client.dial.client_certificate import ClientCertificate
from milkrun.client.dial.route import Family, Overrides, Route, route
from milkrun.client.dial.tls import TlsOptions, TlsVersion
from milkrun.client.errors import UsageError
from milkrun.client.events import Hook
from milkrun.client.proxy import Proxy
from milkrun.client.proxy.environment import from_environment
from milkrun.client.request import (
    NO_LIMIT,
    AuthTypes,
    BodyUse,
    Content,
    HeaderTypes,
    Http2,
    Options,
    PreparedRequest,
    Redirects,
    build,
)
from milkrun.client.url import Url, parse_url

ProxyTypes: TypeAlias = Proxy | str | None

_ENVIRONMENT = "environment"
_HTTP_1_1 = ("http/1.1",)
_BOTH = ("h2", "http/1.1")


class WayOptions(TypedDict, total=False):
    """How servers are reached and judged: for all requests of a client, or for one."""

    insecure: bool | None
    ca_file: str | None
    certificate: ClientCertificate | None
    server_name: str | None
    minimum_version: TlsVersion
    http2: Http2
    proxy: ProxyTypes
    unix_socket: str | None
    local_address: str | None
    family: Family
    resolve: Overrides | None
    nameservers: Iterable[str]


class RequestOptions(WayOptions, total=False):
    """What `prepare` and everything above it takes beside method and URL."""

    headers: HeaderTypes
    content: Content
    auth: AuthTypes | None
    target: str | None
    verbatim: bool
    redirects: Redirects
    max_age: float | None
    max_uses: int | None
    fresh: bool
    body: BodyUse
    max_body: int | None
    on_event: Hook | None


_OPTIONS = {"Client": WayOptions.__optional_keys__, "Client.prepare": RequestOptions.__optional_keys__}
_CHOICES: dict[str, tuple[object, ...]] = {
    "redirects": ("off", "same-origin", "all"),
    "body": ("read", "drain"),
    "http2": (True, False, "prior-knowledge"),
}
_BESIDE_HOST = re.compile(r"[/?#@\\\0]")
_TLS = frozenset({"insecure", "ca_file", "certificate", "server_name", "minimum_version"})
_WAY = frozenset({"proxy", "unix_socket", "local_address", "family", "resolve", "nameservers"})


class Preparer:
    """Builds requests.

    Args:
        max_body, drain_limit, user_agent: as `Client` has them.
        max_uses: the most requests that a connection may carry; None: any number.
        on_event: a hook that wants to hear of every request.
        way: what holds for each request that does not say otherwise.
    """

    def __init__(
        self,
        *,
        max_body: int,
        drain_limit: int,
        user_agent: str,
        max_uses: int | None,
        on_event: Hook | None,
        **way: Unpack[WayOptions],
    ) -> None:
        _judge("Client", way)
        self._max_body = max_body
        self._drain_limit = drain_limit
        self._user_agent = user_agent
        self._max_uses = _limit(max_uses)
        self._on_event = on_event
        self._way = way
        self._tls = {alpn: _tls(way, alpn) for alpn in (_HTTP_1_1, _BOTH)}
        self._route = _route(way, None)

    def prepare(self, method: str, url: str, **asked: Unpack[RequestOptions]) -> PreparedRequest:
        """As `Client.prepare`."""
        _judge("Client.prepare", asked)
        method, place = method.upper(), parse_url(url)
        if asked.get("verbatim") and (asked.get("auth") or asked.get("redirects", "off") != "off"):
            raise UsageError("what is sent verbatim has no auth added to it, and does not follow redirects")
        headers, auth = _authorized(asked.get("headers", ()), asked.get("auth"))
        options = self._options(method, place, headers, auth, asked)
        return build(
            method,
            place,
            headers=headers,
            content=asked.get("content"),
            options=options,
            user_agent=self._user_agent,
            verbatim=asked.get("verbatim", False),
        )

    def _options(
        self, method: str, url: Url, headers: tuple[tuple[str, str], ...], auth: Auth | None, asked: RequestOptions
    ) -> Options:
        way = cast("WayOptions", {**self._way, **asked})
        if way.get("insecure") is None:
            way["insecure"] = self._way.get("insecure", False)
        # Another protocol takes over a connection of HTTP/1.1; one of HTTP/2 is shared with others.
        http2 = not _asks_for_more(method, headers) and way.get("http2", True)
        max_body, drain = asked.get("max_body"), asked.get("body") == "drain"
        alpn = _BOTH if http2 is True else _HTTP_1_1
        return Options(
            redirects=asked.get("redirects", "off"),
            tls=self._tls[alpn] if _TLS.isdisjoint(asked) else _tls(way, alpn),
            route=self._route_to(url, way, asked),
            http2=http2,
            auth=auth,
            target=asked.get("target"),
            max_age=asked.get("max_age"),
            max_uses=self._max_uses if "max_uses" not in asked else _limit(asked["max_uses"]),
            fresh=asked.get("fresh", False),
            drain=drain,
            max_body=self._drain_limit if drain else self._max_body if max_body is None else max_body,
            hooks=_hooks(self._on_event, asked.get("on_event")),
        )

    def _route_to(self, url: Url, way: WayOptions, asked: RequestOptions) -> Route:
        if way.get("proxy") == _ENVIRONMENT:
            return _route(way, url)
        return self._route if _WAY.isdisjoint(asked) else _route(way, url)


def _judge(whose: str, options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if name not in _OPTIONS[whose]:  # to leave it out would be to do something else than was asked for
            raise UsageError(f"there is no option {name!r}; `{whose}` names those there are")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise UsageError(f"{name} is {value!r}; expected one of {', '.join(map(repr, _CHOICES[name]))}")


def _hooks(clients: Hook | None, own: Hook | None) -> tuple[Hook, ...]:
    return tuple(hook for hook in (clients, own if own is not clients else None) if hook is not None)


def _tls(way: WayOptions, alpn: tuple[str, ...]) -> TlsOptions:
    return TlsOptions(
        insecure=bool(way.get("insecure")),
        ca_file=way.get("ca_file"),
        certificate=way.get("certificate"),
        server_name=_server_name(way.get("server_name")),
        minimum_version=way.get("minimum_version", "TLSv1.2"),
        alpn=alpn,
    )


def _server_name(name: str | None) -> str | None:
    """The name in the form that a handshake takes, an address without brackets."""
    if name is None:
        return None
    if not _BESIDE_HOST.search(name):
        with suppress(UsageError):  # what it says is of URLs
            return parse_url(f"https://[{name.strip('[]')}]" if ":" in name else f"https://{name}").origin.host
    raise UsageError(f"server_name is {name[:80]!r}; expected a host name or an address")


def _route(way: WayOptions, url: Url | None) -> Route:
    proxy = way.get("proxy")
    by_environment = proxy == _ENVIRONMENT
    if by_environment:
        proxy = None if url is None else from_environment(url.origin, os.environ)
    elif isinstance(proxy, str):
        proxy = Proxy.parse(proxy)
    return route(
        proxy=proxy,
        by_environment=by_environment,
        unix_socket=way.get("unix_socket"),
        local_address=way.get("local_address"),
        family=way.get("family", "any"),
        resolve=way.get("resolve"),
        nameservers=way.get("nameservers", ()),
    )


def _authorized(headers: HeaderTypes, auth: AuthTypes | None) -> tuple[tuple[tuple[str, str], ...], Auth | None]:
    """The headers with credentials that are known, and those that have to be learnt."""
    pairs = tuple(headers.items() if hasattr(headers, "items") else headers)
    credentials = Basic(*auth) if isinstance(auth, tuple) else auth
    if credentials is None:
        return pairs, None
    if any(name.lower() == "authorization" for name, _ in pairs):
        raise UsageError("the request has an Authorization header and auth, too; give one of the two")
    if isinstance(credentials, Basic | Bearer):
        return (*pairs, ("Authorization", credentials.header)), None
    return pairs, credentials


def _asks_for_more(method: str, headers: tuple[tuple[str, str], ...]) -> bool:
    return method == "CONNECT" or any(name.lower() == "upgrade" for name, _ in headers)


def _limit(max_uses: int | None) -> int:
    if max_uses is None:
        return NO_LIMIT
    if max_uses < 1:
        raise UsageError(f"max_uses is {max_uses}; expected 1 or more requests on a connection")
    return max_uses
