"""URLs as the client reads them: strict about what a person wrote, tolerant of what a server sent as a Location."""

import ipaddress
import re
from urllib.parse import quote, unquote, urljoin

import idna
import msgspec

from milkrun.client.errors import UsageError

DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:(?P<userinfo>.*)@)?(?P<host>\[[^\[\]@]*\]|[^:\[\]@]*)(?::(?P<port>[^:]*))?", re.DOTALL)
_ASCII_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TARGET_SAFE = "%/?:@!$&'()*+,;=~[]|"
_CUT_PASSWORD = re.compile(r"[^/?#@\[\]:]*:(?!\d*[/?#])[^@]*[/?#].*@", re.DOTALL)
_MAX_HOST = 253
_MAX_PORT = 65535


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Scheme, host and port: what connections are pooled by.

    Attributes:
        scheme: "http" or "https"; of a proxy also "socks5" or "socks5h".
        host: a lower-case A-label name, or a literal address without brackets.
        port: 1 to 65535, the scheme's default filled in.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The `Host` header (RFC 9110 7.2): brackets around IPv6, a default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"


class Url(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An http or https URL, taken apart.

    Attributes:
        origin: where to connect.
        target: path and query as they go on the request line, percent-encoded, "/" at least.
        userinfo: user and password, decoded, when the URL carried them.
        text: the whole URL without credentials and fragment: safe to show.
    """

    origin: Origin
    target: str
    userinfo: tuple[str, str] | None = None
    text: str


def parse_url(text: str) -> Url:
    """Take an absolute http or https URL apart. Raises UsageError, which says what was expected."""
    if _FORBIDDEN.search(text):
        what = "a space, a control character or half a character"
        raise UsageError(f"{_shown(text)!r} contains {what}; write it percent-encoded")
    match = _URL.fullmatch(text.partition("#")[0])
    if match is None:
        raise UsageError(f"{_shown(text)!r} is not a URL; expected http://host/path or https://host/path")
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise UsageError(f"{_shown(text)!r} has the scheme {scheme!r}; expected http or https")
    return _assemble(scheme, match["authority"], match["target"], _shown(text))


def join(base: Url, location: str) -> Url:
    """Resolve a Location against the URL that sent it (RFC 3986 5.2); spaces and UTF-8 in it are percent-encoded.

    The result has credentials only if the Location itself carries them. Raises UsageError when it leads to no
    http or https URL.
    """
    encoded = location.strip().replace(" ", "%20")
    try:
        return parse_url(urljoin(base.text, encoded))
    except ValueError as err:  # urljoin's own complaint, about brackets that enclose no address
        raise UsageError(f"{_shown(location)!r} is no URL to go on to: {err}") from err


def parse_authority(scheme: str, authority: str, *, port: int, shown: str) -> tuple[Origin, tuple[str, str] | None]:
    """Take the part between "://" and the path apart: where it leads, and its user and password if it has them.

    Args:
        scheme: of the origin.
        authority: the part itself.
        port: the one to use where it names none.
        shown: what a message is to say it was read from, without credentials.

    Raises:
        UsageError: says what was expected.
    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UsageError(f"{shown!r} has no readable host; expected host, host:port or [IPv6 address]:port")
    origin = Origin(scheme=scheme, host=_host(match["host"], shown), port=_port(match["port"], port, shown))
    return origin, _userinfo(match["userinfo"])


def _assemble(scheme: str, authority: str, target: str, shown: str) -> Url:
    origin, userinfo = parse_authority(scheme, authority, port=DEFAULT_PORTS[scheme], shown=shown)
    target = _target(target)
    return Url(origin=origin, target=target, userinfo=userinfo, text=f"{scheme}://{origin.authority}{target}")


def _host(raw: str, shown: str) -> str:
    if not raw:
        raise UsageError(f"{shown!r} names no host; expected one after the two slashes")
    if raw.startswith("["):
        return _ipv6(raw[1:-1], shown)
    host = _a_label(unquote(raw), shown)
    if len(host.rstrip(".")) > _MAX_HOST or not _ASCII_HOST.fullmatch(host):
        raise UsageError(f"{shown!r} has the host {host!r}; expected letters, digits, hyphens and dots")
    if host.rstrip(".").rpartition(".")[2].isdigit():
        return _ipv4(host, shown)
    return host


def _a_label(host: str, shown: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as err:
        raise UsageError(f"{shown!r} has a host that is no international domain name: {err}") from err


def _ipv4(host: str, shown: str) -> str:
    # A name whose last label is a number can only be an address: no top-level domain is numeric (RFC 3696 2).
    try:
        return str(ipaddress.IPv4Address(host))
    except ipaddress.AddressValueError as err:
        raise UsageError(f"{shown!r} has the host {host!r}; expected an IPv4 address of four numbers") from err


def _ipv6(literal: str, shown: str) -> str:
    try:
        return str(ipaddress.IPv6Address(literal))
    except ipaddress.AddressValueError as err:
        raise UsageError(f"{shown!r} has [{literal}] for a host; expected an IPv6 address in the brackets") from err


def _port(raw: str | None, default: int, shown: str) -> int:
    if not raw:  # "host:" is allowed and means the default (RFC 3986 3.2.3)
        return default
    if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= _MAX_PORT):
        if f":{raw}" not in shown:  # it is the beginning of a password, and hidden
            raise UsageError(f"{shown!r} has credentials with a /, ? or # in them; write that percent-encoded")
        raise UsageError(f"{shown!r} has the port {raw!r}; expected a number from 1 to {_MAX_PORT}")
    return int(raw)


def _target(raw: str) -> str:
    target = quote(_STRAY_PERCENT.sub("%25", raw), safe=_TARGET_SAFE)
    return target if target.startswith("/") else f"/{target}"


def _userinfo(raw: str | None) -> tuple[str, str] | None:
    if raw is None:
        return None
    user, _, password = raw.partition(":")
    return unquote(user), unquote(password)


def _shown(text: str) -> str:
    # A message must not carry the password on: everything up to the last "@" before the path may be one. And where
    # what stands there is no host and port, but might be a user and the beginning of a password, up to the last of all.
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        return text.rpartition("@")[2]
    authority = re.match(r"[^/?#]*", rest)
    end = authority.end() if authority else 0
    if _CUT_PASSWORD.match(rest):
        end = rest.rindex("@") + 1
    return f"{scheme}://{rest[:end].rpartition('@')[2]}{rest[end:]}"
