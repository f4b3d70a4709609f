"""Who may change something: requests of our own pages, and programs; never a page of another site.

A browser sends what it knows of a password with every request, whichever page made it. It also says, since 2020
everywhere, where a POST comes from: in Sec-Fetch-Site, else in Origin. Who says neither is no browser.
"""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import Headers

REFUSED = (
    "This comes from a page of another site, so nothing was changed. Open Milkrun's own page and do it there; behind "
    "a proxy, let the proxy pass the Host header on."
)


def is_own(headers: Headers) -> bool:
    """Whether a request comes from our own page, from the address bar, or from no browser at all."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in {"same-origin", "none"}
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _own(request: Request) -> None:
    if not is_own(request.headers):
        raise HTTPException(403, REFUSED)


OwnOrigin = Annotated[None, Depends(_own)]
