"""What `client:` says of an endpoint: how its target is reached, how it is judged, and what it is shown."""

from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from milkrun.client import Basic, Bearer, ClientCertificate, ClientCredentials, Digest
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.proxy import Proxy
from milkrun.probes.credentials import Grant
from milkrun.probes.http import HttpOptions
from milkrun.probes.way import Way
from tests.support.authority import Authority
from tests.support.configuring import Configured


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def test_without_a_word_everything_is_the_clients_own_default(configured: Configured) -> None:
    options = configured.options("")
    assert (options.way, options.way.options(), options.credentials) == (Way(), {}, None)


@pytest.mark.parametrize(
    ("client", "options"),
    [
        ("http2: true", {"http2": True}),
        ("http2: false", {"http2": False}),
        ("http2: prior-knowledge", {"http2": "prior-knowledge"}),
        ("insecure: true", {"insecure": True}),
        ("insecure: false", {}),
        ("server-name: Example.ORG", {"server_name": "example.org"}),
        ("server-name: bücher.example", {"server_name": "xn--bcher-kva.example"}),
        ("server-name: '2001:DB8::1'", {"server_name": "2001:db8::1"}),
        ("minimum-tls-version: 1.3", {"minimum_version": "TLSv1.3"}),
        ("minimum-tls-version: 1.0", {"minimum_version": "TLSv1"}),
        ("unix-socket: /run/app.sock", {"unix_socket": "/run/app.sock", "proxy": None}),
        ("local-address: 10.0.0.7", {"local_address": "10.0.0.7"}),
        ("local-address: 10.0.0.7\nnetwork: ip4", {"local_address": "10.0.0.7", "family": "ipv4"}),
        ("network: ip", {}),
        ("network: ip4", {"family": "ipv4"}),
        ("network: ip6", {"family": "ipv6"}),
        ("network: ip\nunix-socket: /s", {"unix_socket": "/s", "proxy": None}),
        ("dns-resolver: udp://9.9.9.9:5353", {"nameservers": ("9.9.9.9:5353",)}),
        ("dns-resolver: tcp://9.9.9.9", {"nameservers": ("9.9.9.9:53",)}),
        ("dns-resolver: UDP://[2620:fe::fe]:53", {"nameservers": ("[2620:fe::fe]:53",)}),
        ("resolve: {API.example: 10.0.0.7}", {"resolve": {"api.example": ("10.0.0.7",)}}),
        (
            'resolve: {"api.example:443": [10.0.0.7, "::1"], b: 10.0.0.8}',
            {"resolve": {"api.example:443": ("10.0.0.7", "::1"), "b": ("10.0.0.8",)}},
        ),
        ("proxy-url: http://p.example:3128", {"proxy": Proxy.parse("http://p.example:3128")}),
        ("proxy-url: socks5h://u:s3cret@p.example", {"proxy": Proxy.parse("socks5h://u:s3cret@p.example")}),
        ('proxy-url: ""\nserver-name: ""\nca-file: ""\nunix-socket: ""\nlocal-address: ""\ndns-resolver: ""', {}),
    ],
)
def test_each_key_is_what_the_client_is_asked_for(
    configured: Configured, client: str, options: dict[str, object]
) -> None:
    keys = client.replace("\n", "\n  ")
    assert configured.options(f"client:\n  {keys}").way.options() == options


def test_a_proxy_over_tls_is_judged_as_the_target_is(configured: Configured) -> None:
    way = configured.options("client: {proxy-url: 'https://p.example', insecure: true}").way
    assert way.proxy is not None
    assert way.proxy.tls == TlsOptions(insecure=True)


def test_files_of_roots_and_certificates_are_named(configured: Configured) -> None:
    authority = Authority(configured.folder)
    cert_file, key_file = authority.client_files(configured.folder, password="0pen s3same")
    way = configured.options(
        f"""
        client:
          ca-file: {authority.ca_file}
          tls: {{certificate-file: {cert_file}, private-key-file: {key_file}, private-key-password: "${{PASSWORD}}"}}
        """,
        PASSWORD="0pen s3same",
    ).way
    certificate = ClientCertificate(cert_file=cert_file, key_file=key_file, password="0pen s3same")
    assert way.options() == {"ca_file": authority.ca_file, "certificate": certificate}


def problems(configured: Configured, client: str, *, url: str = "http://h/", rest: str = "") -> list[str]:
    keys = client.replace("\n", "\n      ")
    text = f"endpoints:\n  - name: a\n    url: {url}\n    client:\n      {keys}\n    {rest}\n"
    return [one.partition(" endpoints[0].")[2] for one in configured.problems(text)]


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        ("http2: always", "client.http2: expected false, true or prior-knowledge"),
        ("network: tcp", "client.network: expected ip, ip4 or ip6"),
        ("minimum-tls-version: TLSv1.2", "client.minimum-tls-version: expected 1.0, 1.1, 1.2 or 1.3"),
        ("proxy-url: p.example:3128", "client.proxy-url: expected http, https, socks5 or socks5h, then ://host:port"),
        ("proxy-url: ftp://p.example", "client.proxy-url: expected http, https, socks5"),
        ("proxy-url: 'socks5://u:@p.example'", "client.proxy-url: expected http, https, socks5"),
        ("dns-resolver: 9.9.9.9:53", "client.dns-resolver: expected udp:// or tcp://, then a literal address"),
        ("dns-resolver: tls://9.9.9.9:853", "client.dns-resolver: expected udp:// or tcp://"),
        ("dns-resolver: udp://dns.example:53", "client.dns-resolver: expected udp:// or tcp://, then a literal"),
        ("dns-resolver: udp://9.9.9.9:99999", "client.dns-resolver: expected udp:// or tcp://"),
        ("server-name: example.org:443", "client.server-name: expected a host name, or an address"),
        ("server-name: a b", "client.server-name: expected a host name"),
        (f"unix-socket: /{'x' * 107}", "client.unix-socket: expected a path of at most 107 bytes"),
        ("local-address: eth0", "client.local-address: expected an address of this machine"),
        ("resolve: {api.example: other.example}", "client.resolve.api.example: expected host or host:port, and for it"),
        ("resolve: {api.example: []}", "client.resolve.api.example: expected host or host:port"),
        ("resolve: {api.example: {a: b}}", "client.resolve.api.example: expected a list"),
        ("resolve: {'http://x/': 10.0.0.1}", "client.resolve.http://x/: expected host or host:port"),
        ("resolve: 10.0.0.1", "client.resolve: expected keys and values"),
        ("unix-socket: /s\nproxy-url: http://p", "client.unix-socket: expected unix-socket or proxy-url, not both"),
        ("unix-socket: /s\nnetwork: ip4", "client.network: expected nothing about addresses beside unix-socket"),
        ("unix-socket: /s\nresolve: {h: 10.0.0.1}", "client.resolve: expected nothing about addresses"),
        ("unix-socket: /s\ndns-resolver: udp://9.9.9.9", "client.dns-resolver: expected nothing about addresses"),
        ("unix-socket: /s\nlocal-address: 10.0.0.1", "client.local-address: expected nothing about addresses"),
        ("local-address: 10.0.0.1\nnetwork: ip6", "client.network: expected the family of local-address"),
        ("tls: {private-key-file: /k}", "client.tls.certificate-file: expected the certificate that the private key"),
        ("tls: {private-key-password: k}", "client.tls.certificate-file: expected the certificate that the private"),
        ("tls: {certificate-files: /k}", "client.tls.certificate-files: unknown key, perhaps 'certificate-file'"),
        ("ca-file: /no/such/file", "client.ca-file: the file cannot be read: No such file or directory; expected"),
        (
            "tls: {certificate-file: /no/such/file}",
            "client.tls.certificate-file: certificate-file cannot be read: No such file or directory; expected a",
        ),
        ("auth: {basic: {username: u}}", "client.auth.basic: expected a password"),
        ("auth: {basic: {username: 'a:b', password: p}}", "client.auth.basic: expected a username without a colon"),
        ("auth: {digest: {password: p}}", "client.auth.digest: expected a username"),
        ('auth: {digest: {username: u, password: "p\\n"}}', "client.auth.digest: expected both without a line break"),
        ('auth: {bearer: "t\\n"}', "client.auth.bearer: expected a token: one word of visible ASCII characters"),
        (
            "auth: {bearer: t, digest: {username: u, password: p}}",
            "client.auth: expected one of auth.bearer and auth.di",
        ),
        (
            "auth: {bearer: t}\noauth2: {token-url: 'http://t/', client-id: i, client-secret: s}",
            "client.oauth2: expected one of auth.bearer and oauth2, not all of them",
        ),
        ("auth: {bearer: ''}", "client.auth.bearer: expected a token: one word"),
        ("oauth2: {token-url: '', client-id: i, client-secret: s}", "client.oauth2.token-url: expected http:// or"),
        ("auth: {oauth: t}", "client.auth.oauth: unknown key"),
        ("oauth2: {client-id: i, client-secret: s}", "client.oauth2: expected http:// or https:// with a host"),
        ("oauth2: {token-url: t, client-id: i, client-secret: s}", "client.oauth2.token-url: expected http:// or"),
        ("oauth2: {token-url: 'http://t/', client-secret: s}", "client.oauth2: expected a client-id"),
        (
            "oauth2: {token-url: 'http://t/', client-id: i, client-secret: ''}",
            "client.oauth2.client-secret: expected a",
        ),
        ("oauth2: {token-url: 'http://t/', send-in: query}", "client.oauth2.send-in: expected header or body"),
        ("oauth2: {token-url: 'http://t/', scopes: a b}", "client.oauth2.scopes: expected a list"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(configured: Configured, client: str, problem: str) -> None:
    told = problems(configured, client)
    place, _, message = problem.partition(": ")
    assert any(one.startswith(problem) or (one.startswith(f"{place}.") and f": {message}" in one) for one in told), told


def test_a_text_that_cannot_be_had_is_told_once(configured: Configured) -> None:
    told = problems(configured, "auth: {basic: {username: u, password: '${NONE}'}}")
    assert told == [
        "client.auth.basic.password: expected the environment variable NONE to be set, or $$ for a $",
    ]


def test_what_is_wrong_together_with_the_url_is_told(configured: Configured) -> None:
    told = problems(configured, "http2: prior-knowledge\nauth: {bearer: t}", url="https://u:p@h/")
    assert told == [
        "url: expected credentials in the URL or under client, not both",
        "client.http2: expected true for https://, where the server chooses in the TLS handshake",
    ]
    told = problems(configured, "auth: {bearer: t}", rest="headers: {Accept: x, AUTHORIZATION: y}")
    assert told == ["headers.AUTHORIZATION: expected this header or credentials under client, not both"]


def test_a_key_and_a_certificate_that_do_not_fit_are_told_and_looked_at_again(configured: Configured) -> None:
    authority = Authority(configured.folder)
    (configured.folder / "other").mkdir()
    cert_file, _ = authority.client_files(configured.folder)
    _, other_key = authority.client_files(configured.folder / "other", password="right")
    keys = f"tls: {{certificate-file: {cert_file}, private-key-file: {other_key}, private-key-password: %s}}"
    place = "client.tls.certificate-file: "
    assert problems(configured, keys % "wrong") == [
        f"{place}the password does not open the private key in private-key-file; expected the one it is encrypted with"
    ]
    told = problems(configured, keys % "right")
    assert len(told) == 1
    assert told[0].startswith(f"{place}the private key in private-key-file does not belong to certificate-file; ")
    Path(other_key).write_bytes(Path(authority.client_files(configured.folder)[1]).read_bytes())
    assert problems(configured, keys % "right") == []


@pytest.mark.parametrize(
    ("client", "credentials"),
    [
        ("auth: {basic: {username: u, password: s3cret}}", Basic("u", "s3cret")),
        ("auth: {bearer: '${S}'}", Bearer("s3cret")),
        ("auth: {digest: {username: u, password: s3cret}}", Digest("u", "s3cret")),
        (
            "oauth2: {token-url: 'https://t/', client-id: i, client-secret: s3cret, scopes: [a, b], send-in: body}",
            Grant(ClientCredentials("https://t/", "i", "s3cret", ("a", "b"), send_in="body"), Way(), ("s3cret",)),
        ),
        (
            "proxy-url: http://p\noauth2: {token-url: 'https://t/${S}', client-id: i, client-secret: x, audience: me}",
            Grant(
                ClientCredentials("https://t/s3cret", "i", "x", audience="me"),
                Way(proxy=Proxy.parse("http://p")),
                ("x", "s3cret"),
            ),
        ),
    ],
)
def test_credentials_are_read_and_are_secrets(configured: Configured, client: str, credentials: object) -> None:
    keys = client.replace("\n", "\n  ")
    options = configured.options(f"client:\n  {keys}", S="s3cret")
    assert options.credentials == credentials
    assert "s3cret" in options.secrets


def test_nothing_that_is_printed_shows_a_secret(configured: Configured) -> None:
    cert_file, key_file = Authority(configured.folder).client_files(configured.folder, password="hunter2")
    endpoint = configured.endpoint(
        f"""
        name: a
        url: http://h/?k=${{S}}
        headers: {{X-Key: hunter2}}
        client:
          proxy-url: http://u:hunter2@p
          tls: {{certificate-file: {cert_file}, private-key-file: {key_file}, private-key-password: hunter2}}
          oauth2: {{token-url: "http://t/${{S}}", client-id: i, client-secret: hunter2}}
        """,
        S="hunter2",
    )
    options = endpoint.options
    assert isinstance(options, HttpOptions)
    shown = [repr(endpoint), pretty_repr(endpoint), repr(options), pretty_repr(options)]
    shown += [repr(part) + pretty_repr(part) for part in (options.way, options.credentials)]
    assert not [text for text in shown if "hunter2" in text]
