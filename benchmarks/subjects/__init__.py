"""Who is measured: the floor, Milkrun's client and its peers, one a file, each imported only where it is measured."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, cast

KEEP = 3600.0  # seconds: nobody is to close an idle connection during a run
TIMEOUT = 30.0

SUBJECTS = {
    "bare": "bare:Bare",
    "milkrun": "ours:Milkrun",
    "pyreqwest": "peer_pyreqwest:Pyreqwest",
    "aiohttp": "peer_aiohttp:Aiohttp",
    "httpx2": "peer_httpx2:Httpx2",
    "httpx2 on milkrun": "httpx2_on_ours:Httpx2OnOurs",
    "httpx2 on nothing": "httpx2_on_ours:Httpx2OnNothing",
    "h2": "bare_h2:BareH2",
    "httpx2 with HTTP/2": "peer_httpx2:Httpx2OverHttp2",
}


class Subject(Protocol):
    """Whoever is measured, made with its origins' URLs and the authority that signed their certificates.

    Peers are set up as their own documentation would for many origins: no limits, long keep-alive.
    """

    async def get(self, index: int) -> int:
        """GET origin `index` over a connection that is kept, read the body, give the status."""

    async def close(self) -> None:
        """Close everything."""


def make(name: str, urls: Sequence[str], ca: str) -> Subject:
    """Make the subject called `name`."""
    module, _, made = SUBJECTS[name].partition(":")
    maker = cast("Callable[[Sequence[str], str], Subject]", getattr(import_module(f"{__name__}.{module}"), made))
    return maker(urls, ca)
