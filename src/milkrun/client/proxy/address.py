"""A proxy, as a caller names one."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from milkrun.client.auth import Basic
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.errors import UsageError
from milkrun.client.request import LINE_BREAK, TOKEN
from milkrun.client.url import Origin, parse_authority

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#\s]+)/?", re.IGNORECASE)
_EXPECTED = "expected http, https, socks5 or socks5h, then ://host:port, and perhaps user:password@ before the host"
_LONGEST = 255  # what a SOCKS5 user name and password may have (RFC 1929 2)
# What CONNECT may not say twice (Host) or at all (RFC 9110 9.3.6: it has no content).
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class Proxy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where requests go on behalf of the client. Equal ones share connections.

    Attributes:
        origin: where the proxy is; its scheme says what it speaks: "http", "https", "socks5" or "socks5h". A socks5
            proxy is given the target's address; the others are given its name and resolve it themselves, so that an
            address policy can judge literal addresses only.
        credentials: user and password; never shown.
        tls: how an https proxy's own certificate is judged; that of the target has options of its own.
        headers: further fields of the CONNECT request to an http or https proxy; never shown.

    Raises:
        UsageError: for what cannot be said to such a proxy.
    """

    origin: Origin
    credentials: tuple[str, str] | None = None
    tls: TlsOptions = TlsOptions()
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.origin.scheme not in PORTS:
            raise UsageError(f"{self.origin.scheme!r} is no kind of proxy; {_EXPECTED}")
        if self.origin.scheme.startswith("socks5"):
            self._judge_socks()
        elif self.credentials is not None:
            Basic(*self.credentials)  # which says what it cannot carry
        for name, value in self.headers:
            if not TOKEN.fullmatch(name) or name.lower() in _RESERVED or LINE_BREAK.search(value):
                raise UsageError(f"the header {name!r} cannot be sent to a proxy; expected another name, and one line")

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # else msgspec's own shows every field
        return [("url", self.url)]

    @classmethod
    def parse(cls, url: str, *, tls: TlsOptions | None = None, headers: Iterable[tuple[str, str]] = ()) -> "Proxy":
        """Read a URL such as "http://user:password@host:3128" or "socks5h://host:1080".

        Without a port it is the scheme's own: 80, 443, 1080. Raises UsageError for anything else.
        """
        match = _URL.fullmatch(url)
        if match is None:
            # It is not shown: where the password would end cannot be told.
            raise UsageError(f"the proxy is no URL that can be read; {_EXPECTED}, all percent-encoded")
        scheme, authority = match["scheme"].lower(), match["authority"]
        shown = f"{scheme}://{authority.rpartition('@')[2]}"
        if scheme not in PORTS:
            raise UsageError(f"{shown!r} is no proxy; {_EXPECTED}")
        origin, credentials = parse_authority(scheme, authority, port=PORTS[scheme], shown=shown)
        return cls(origin=origin, credentials=credentials, tls=tls or TlsOptions(), headers=tuple(headers))

    @property
    def url(self) -> str:
        """Where it is, without credentials: safe to show."""
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        return f"{self.origin.scheme}://{host}:{self.origin.port}"

    @property
    def key(self) -> str:
        """Tells it from every other proxy, in credentials and options too, without showing them."""
        return f"{self.url} {hashlib.blake2s(msgspec.json.encode(self), digest_size=16).hexdigest()}"

    def _judge_socks(self) -> None:
        if self.headers:
            raise UsageError("a SOCKS5 proxy is sent no headers; expected them with http or https only")
        for part in self.credentials or ():
            if not (part.isascii() and 0 < len(part) <= _LONGEST):
                raise UsageError(
                    f"the user and password for {self.url} cannot be sent by SOCKS5; "
                    f"expected 1 to {_LONGEST} ASCII characters each"
                )
