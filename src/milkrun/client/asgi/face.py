"""The application's clients under httpx2's interface."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from milkrun.client.asgi.finding import clients_of
from milkrun.client.httpx import Transport, unclosable


def httpx_of(where: Any, name: str | None = None) -> httpx2.AsyncClient:
    """The httpx2 client on the application's client of this name: see `client_of`.

    There is one for each, made when it is first asked for, and closing it does nothing. It keeps no cookies, which
    would be one user's at another's request, and reads no netrc.
    """
    clients = clients_of(where)
    client = clients.get(name)
    if client not in clients.faces:
        # It owns nothing that would have to be closed: the transport's client is the application's.
        http = httpx2.AsyncClient(transport=Transport(client), cookies=_no_cookies(), trust_env=False)
        clients.faces[client] = unclosable(http)
    face: httpx2.AsyncClient = clients.faces[client]
    return face


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))
