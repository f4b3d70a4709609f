"""How a check reaches its target and judges it: what `client:` says of proxies, addresses, TLS and HTTP/2."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeVar, cast

import msgspec

from milkrun.client.dial.client_certificate import ClientCertificate
from milkrun.client.dial.route import Family, route
from milkrun.client.dial.tls import TlsOptions, TlsVersion
from milkrun.client.errors import UsageError
from milkrun.client.preparing import WayOptions
from milkrun.client.proxy import Proxy
from milkrun.client.request import Http2
from milkrun.client.url import parse_url
from milkrun.config.section import Section
from milkrun.probes.key_files import complaint

Made = TypeVar("Made")

_HTTP2: dict[str, Http2 | None] = {"false": False, "true": True, "prior-knowledge": "prior-knowledge"}
_FAMILIES: dict[str, Family | None] = {"ip": None, "ip4": "ipv4", "ip6": "ipv6"}
_VERSIONS: dict[str, TlsVersion | None] = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}
_OF_ADDRESSES = ("local-address", "network", "resolve", "dns-resolver")
_A_PROXY = "expected http, https, socks5 or socks5h, then ://host:port, and perhaps user:password@ before the host"
_A_RESOLVER = "expected udp:// or tcp://, then a literal address, and perhaps a port"
_BY_UDP = "names are asked for by UDP, and by TCP only where an answer is too long for that; Gatus would use TCP alone"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """As the client's `WayOptions`; what is not given is the client's own default."""

    insecure: bool = False
    ca_file: str | None = None
    certificate: ClientCertificate | None = None
    server_name: str | None = None
    minimum_version: TlsVersion | None = None
    http2: Http2 | None = None
    proxy: Proxy | None = None
    unix_socket: str | None = None
    local_address: str | None = None
    family: Family | None = None
    resolve: tuple[tuple[str, tuple[str, ...]], ...] = ()
    nameservers: tuple[str, ...] = ()

    def options(self) -> WayOptions:
        """What differs from the client's defaults."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        options = cast("WayOptions", {name: value for name, value in fields if value != getattr(_DEFAULT, name)})
        if self.resolve:
            options["resolve"] = dict(self.resolve)
        if self.unix_socket is not None:
            options["proxy"] = None  # not the environment's either
        return options

    @property
    def has_files(self) -> bool:
        """Whether there are files that a handshake needs."""
        return self.ca_file is not None or self.certificate is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may repeat."""
        of_proxy = self.proxy and self.proxy.credentials and self.proxy.credentials[1]
        of_key = self.certificate and self.certificate.password
        return tuple([secret for secret in (of_proxy, of_key) if secret])

    def to_others(self) -> "Way":
        """The way to whom the target needs, such as a token endpoint: without what is the target's alone."""
        return msgspec.structs.replace(self, server_name=None, unix_socket=None, http2=None)


_DEFAULT = Way()
# What makes a way another one than that of a plain connection to where the target's name leads.
_OF_ITS_OWN = ("proxy", "unix_socket", "local_address", "resolve", "nameservers")


def is_direct(options: object) -> bool:
    """Whether an endpoint with these options is reached as anything on this machine would be."""
    way = getattr(options, "way", _DEFAULT)
    return all(getattr(way, name) == getattr(_DEFAULT, name) for name in _OF_ITS_OWN)


def read_way(client: Section, *, over_tls: bool) -> Way:
    """Read the keys; what is wrong with them, alone and together, goes to the section."""
    way = Way(
        insecure=client.flag("insecure", default=False),
        ca_file=_ca_file(client),
        certificate=_certificate(client.section("tls")),
        server_name=_if_any(client, "server-name", _server_name, "expected a host name, or an address"),
        minimum_version=client.choice("minimum-tls-version", _VERSIONS, None),
        http2=client.choice("http2", _HTTP2, None),
        unix_socket=_if_any(client, "unix-socket", _unix_socket, "expected a path of at most 107 bytes"),
        local_address=_if_any(client, "local-address", _local_address, "expected an address of this machine"),
        family=client.choice("network", _FAMILIES, None),
        resolve=_resolve(client.section("resolve")),
        nameservers=_nameservers(client),
    )
    way = msgspec.structs.replace(way, proxy=_if_any(client, "proxy-url", _proxy(way), _A_PROXY))
    _judge(client, way, over_tls=over_tls)
    return way


def made(section: Section, key: str, make: Callable[[str], Made], expected: str) -> Made | None:
    """What is made of a text; None where it is not given, and where `make` refuses it, which is reported.

    `make` raises UsageError, whose own message may repeat the text and is not shown.
    """
    words = section.words(key)
    if words is None:
        return None
    try:
        return make(words.text)
    except UsageError:
        section.problem_at(words, expected)
        return None


def _if_any(client: Section, key: str, make: Callable[[str], Made], expected: str) -> Made | None:
    """The same, where a text that came out empty is none: a variable may be what switches it on."""
    return made(client, key, make, expected) if client.text(key) else None


def _judge(client: Section, way: Way, *, over_tls: bool) -> None:
    """What is right alone and wrong together."""
    if way.http2 == "prior-knowledge" and over_tls:
        client.problem("http2", "expected true for https://, where the server chooses in the TLS handshake")
    if way.local_address is not None and way.family is not None:
        version = f"ipv{ip_address(way.local_address).version}"
        if way.family != version:
            client.problem("network", "expected the family of local-address, from which no other can be reached")
    if way.unix_socket is None:
        return
    if way.proxy is not None:
        client.problem("unix-socket", "expected unix-socket or proxy-url, not both")
    for key, value in zip(_OF_ADDRESSES, (way.local_address, way.family, way.resolve, way.nameservers), strict=True):
        if value:
            client.problem(key, "expected nothing about addresses beside unix-socket, which needs none")


def _proxy(way: Way) -> Callable[[str], Proxy]:
    # As in Go, and so in Gatus: an https proxy is judged as the target is.
    judged = TlsOptions(insecure=way.insecure, ca_file=way.ca_file)
    return lambda text: Proxy.parse(text, tls=judged)


def _unix_socket(text: str) -> str | None:
    return route(unix_socket=text).unix_socket


def _local_address(text: str) -> str | None:
    return route(local_address=text).local_address


def _server_name(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        if any(sign in text for sign in "/?#@:[]"):
            raise UsageError("more than a host") from None
        return parse_url(f"https://{text}").origin.host


def _resolve(section: Section) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Hosts, perhaps with a port, and the addresses to use for them."""
    found: dict[str, tuple[str, ...]] = {}
    for name in section.keys():  # noqa: SIM118  # a section is no mapping
        addresses = [words.text for words in section.one_or_several(name)]
        try:
            found |= dict(route(resolve={name: addresses}).resolve)
        except UsageError:
            section.problem(name, "expected host or host:port, and for it a literal address, or a list of them")
    return tuple(sorted(found.items()))


def _nameservers(client: Section) -> tuple[str, ...]:
    servers = _if_any(client, "dns-resolver", _nameserver, _A_RESOLVER)
    if servers is not None and client.text("dns-resolver").lower().startswith("tcp:"):
        client.warning("dns-resolver", _BY_UDP)
    return servers or ()


def _nameserver(text: str) -> tuple[str, ...]:
    protocol, _, server = text.partition("://")
    if protocol.lower() not in ("udp", "tcp"):
        raise UsageError("another protocol")
    return route(nameservers=(server,)).nameservers


def _ca_file(client: Section) -> str | None:
    path = client.text("ca-file") or None
    if path is not None:
        why = complaint(TlsOptions(ca_file=path), {path: "the file"})
        if why is not None:
            client.problem("ca-file", why)
    return path


def _certificate(tls: Section) -> ClientCertificate | None:
    cert_file, key_file = tls.text("certificate-file"), tls.text("private-key-file")
    password = tls.text("private-key-password")
    if not cert_file:
        if key_file or password:
            tls.problem("certificate-file", "expected the certificate that the private key belongs to")
        return None
    certificate = ClientCertificate(cert_file=cert_file, key_file=key_file or None, password=password or None)
    names = {cert_file: "certificate-file"} | ({key_file: "private-key-file"} if key_file else {})
    why = complaint(TlsOptions(insecure=True, certificate=certificate), names)
    if why is not None:
        tls.problem("certificate-file", why)
    return certificate
