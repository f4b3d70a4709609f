"""Which redirects are followed, and what of the request goes along (RFC 9110 15.4). Rules only."""

import os
from collections.abc import Set as AbstractSet

import msgspec

from milkrun.client.errors import RequestError, UsageError
from milkrun.client.proxy.environment import from_environment
from milkrun.client.request import Options, PreparedRequest, build
from milkrun.client.url import Origin, Url, join

LIMIT = 10

_SHOWN = 300  # characters of a complaint: an address may be as long as a head

_FOLLOWED = frozenset({301, 302, 303, 307, 308})
# After 303 always, after 301 and 302 by the custom that RFC 9110 15.4 allows, a POST goes on as a GET.
_TO_GET = {301: frozenset({"POST"}), 302: frozenset({"POST"})}
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_CONTENT = frozenset({"content-type", "content-encoding", "content-language", "content-location"})


def destination(request: PreparedRequest, status: int, *locations: str) -> Url | None:
    """Where a response with these Location fields sends the request on to, if that is to be followed.

    Raises RequestError, protocol/bad-header, for a Location that is no URL, or several that differ.
    """
    if request.options.redirects == "off" or status not in _FOLLOWED or not locations:
        return None
    if len(set(locations)) > 1:
        raise _nowhere("there are several, and they differ")
    try:
        url = join(request.url, _as_meant(locations[0]))
    except UsageError as err:
        raise _nowhere(str(err)) from err
    if request.options.redirects == "same-origin" and url.origin != request.url.origin:
        return None
    if url.userinfo is None and url.origin == request.url.origin:
        return msgspec.structs.replace(url, userinfo=request.url.userinfo)
    return url


def onward(request: PreparedRequest, status: int, url: Url, *, user_agent: str) -> PreparedRequest:
    """The request to send there. Raises UsageError when it would need content again that came as a stream."""
    dropped: frozenset[str] = frozenset()
    method, content, options = request.method, request.content, request.options
    if (status == 303 and method != "HEAD") or method in _TO_GET.get(status, ()):
        method, content = "GET", None
        dropped |= _OF_CONTENT | {"content-length", "expect"}
    if content is not None and not request.is_replayable:
        raise UsageError(f"a {status} asks for the content again, which was a stream; give bytes to be able to follow")
    if url.origin != request.url.origin:
        dropped |= _CREDENTIALS | {"host"}  # what was meant for one server is not another's to see
        options = _for_others(options, url.origin)
    headers = tuple(pair for pair in request.headers if pair[0].lower() not in dropped)
    options = msgspec.structs.replace(options, target=None)
    return build(method, url, headers=headers, content=content, options=options, user_agent=user_agent)


def _for_others(options: Options, origin: Origin) -> Options:
    """What is left of the options for another origin: nothing that shows who we are, nor the first one's own way."""
    way = options.route
    proxy = from_environment(origin, os.environ) if way.by_environment else way.proxy
    return msgspec.structs.replace(
        options,
        auth=None,
        tls=msgspec.structs.replace(options.tls, certificate=None, server_name=None),
        route=msgspec.structs.replace(way, proxy=proxy, unix_socket=None),
    )


def guard(seen: AbstractSet[tuple[str, str]], request: PreparedRequest) -> None:
    """Judge the next step by the (method, URL) of those before. Raises RequestError, redirect/loop or /limit."""
    if (request.method, request.url.text) in seen:
        message = f"the redirects lead back to {request.url.text[:_SHOWN]}"
        raise RequestError("redirect", "loop", message, phase="receive")
    if len(seen) > LIMIT:
        raise RequestError("redirect", "limit", f"more than {LIMIT} redirects", phase="receive")


def _as_meant(location: str) -> str:
    """Fields are read as Latin-1, which never fails; bytes beyond ASCII in an address are UTF-8 if they can be."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location


def _nowhere(why: str) -> RequestError:
    return RequestError("protocol", "bad-header", f"the Location leads nowhere: {why[:_SHOWN]}", phase="receive")
