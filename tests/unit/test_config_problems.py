"""What is wrong with a configuration is told all at once, with its place, and without any value."""

from pathlib import Path

import pytest

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.probes.kinds import KINDS
from tests.support.configuring import Configured

A_URL = "expected http:// or https:// with a host, and perhaps a port and a path, all without spaces"


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def test_every_error_of_a_file_is_told_at_once(configured: Configured) -> None:
    problems = configured.problems(
        """
        endpoints:
          - name: a
            url: http://h/
            intervall: 3s
            interval: 1:30
            conditions: ["[STATUS] = 200", "[STATUS] == 200"]
            client: {timeouts: 3s}
          - url: ftp://h/
            enabled: yes
            nam: x
          - nothing
          - name: A
            url: http://h/
        web: {port: 99999}
        storage: {max-size: 5XB}
        endpoint: []
        """
    )
    assert problems == [
        "5: endpoints[0].intervall: unknown key, perhaps 'interval'",
        "6: endpoints[0].interval: expected a duration of at least 100ms such as 30s, 500ms or 1h30m",
        (
            "7: endpoints[0].conditions[0]: not a condition: at character 10: "
            "expected one of == != < <= > >= with a space on each side"
        ),
        "8: endpoints[0].client.timeouts: unknown key, perhaps 'timeout'",
        "9: endpoints[1].name: expected a name",
        f"9: endpoints[1].url: {A_URL}",
        "10: endpoints[1].enabled: expected true or false",
        "11: endpoints[1].nam: unknown key, perhaps 'name'",
        "12: endpoints[2]: expected keys and values",
        (
            f"13: endpoints[3].name: expected a group and name whose key no other endpoint has; "
            f"so has endpoints[0] ({configured.file}:3)"
        ),
        "15: web.port: expected a whole number from 1 to 65535",
        "16: storage.max-size: expected a size such as 5GB, 500MB or 1GiB",
        "17: endpoint: unknown key, perhaps 'endpoints'",
    ]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("url: http://", "url: expected http:// or https:// with a host"),
        ("url: http://h:99999/", "url: expected http:// or https:// with a host"),
        ("url: http://h/a b", "url: expected http:// or https:// with a host"),
        ("url: example.org", "url: expected http:// or https:// with a host"),
        ("interval: 5s", "url: expected http:// or https:// with a host"),
        ("url: http://h/\nmethod: GE T", "method: expected an HTTP method such as GET"),
        ("url: http://h/\nmethod: [GET]", "method: expected a text"),
        ("url: http://h/\nheaders: {a b: c}", "headers.a b: expected a header's name"),
        ('url: http://h/\nheaders: {a: "b\\nc"}', "headers.a: expected a header's value on one line"),
        ("url: http://h/\nheaders: [a]", "headers: expected keys and values"),
        ("url: http://h/\nheaders: {a: [b]}", "headers.a: expected a text"),
        ("url: http://h/\nconditions: x", "conditions: expected a list"),
        ("url: http://h/\nconditions: [[x]]", "conditions[0]: expected a text"),
        ("url: http://h/\nenabled: on", "enabled: expected true or false"),
        ("url: http://h/\nfailure-threshold: 0", "failure-threshold: expected a whole number from 1"),
        ("url: http://h/\nfailure-threshold: 1.5", "failure-threshold: expected a whole number"),
        ("url: http://h/\nfailure-threshold: 9999999999999", "failure-threshold: expected a whole number"),
        pytest.param(
            f"url: http://h/\nfailure-threshold: {'9' * 5_000}",
            "failure-threshold: expected a whole number",
            id="more digits than int() reads",
        ),
        ("url: http://h/\nretry: {count: 101}", "retry.count: expected a whole number from 0 to 100"),
        ("url: http://h/\nretry: {counts: 1}", "retry.counts: unknown key, perhaps 'count'"),
        ("url: http://h/\nclient: {timeout: 0s}", "client.timeout: expected a duration of at least 1ms"),
        ("url: http://h/\ninterval: 1ms", "interval: expected a duration of at least 100ms"),
        ("url: http://h/\ninterval: 30", "interval: expected a duration"),
        ("url: http://h/\nconnection: {fresh: true, max-age: 5m}", "connection.fresh: expected fresh or max-age"),
        ("url: http://h/\nconnection: {fresh: true, max-uses: 5}", "connection.fresh: expected fresh or max-uses"),
        ("url: http://h/\nconnection: {max-uses: 0}", "connection.max-uses: expected a whole number from 1"),
        ("url: http://h/\nzzz: 1", "zzz: unknown key; known here are alerts, body, certificate-expiry, client,"),
        ("url: http://h/\nurl: http://h/", "url: expected each key once; it is on line 3 already"),
        ("url: http://h/\nclient: {timeout: 1s, timeout: 2s}", "client.timeout: expected each key once"),
        ("url: http://h/\nconditions: [{a: 1, a: 2}]", "conditions[0].a: expected each key once"),
    ],
)
def test_each_wrong_key_is_told_with_its_path(configured: Configured, keys: str, problem: str) -> None:
    indented = keys.replace("\n", "\n    ")
    problems = configured.problems(f"endpoints:\n  - name: a\n    {indented}\n")
    assert any(f": endpoints[0].{problem}" in one for one in problems), problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("endpoints: {a: 1}", "1: endpoints: expected a list"),
        ("endpoints: 5", "1: endpoints: expected a list"),
        ("[1, 2]", "1: expected keys such as endpoints: at the top"),
        ("just text", "1: expected keys such as endpoints: at the top"),
        ("web: 5", "1: web: expected keys and values"),
        ("a: 1\n---\nb: 2", "2: expected one document in a file"),
        ("a: [1\nb: 2", "this is not YAML"),
        ("a: *b", "1: expected an anchor &b that ends before this *b"),
        ("a: &a [*a]", "1: expected an anchor &a that ends before this *a"),
        ("a: !python/object x", "1: expected no tag but YAML's own"),
        ("a: !!binary x", "1: expected no tag but YAML's own"),
        ("a: {[b]: c}", "1: expected a plain key"),
        ("a: {<<: 5}", "1: expected << to name a mapping"),
        ("a: {<<: [{b: 1}, 5]}", "1: expected << to name a mapping"),
        ("a: " + "[" * 100 + "]" * 100, "1: expected at most 64 levels of nesting"),
        ("a: \x07", "this is not YAML: it contains a control character"),
        (
            "zzz: 1",
            "1: zzz: unknown key; known here are alerting, client, endpoints, maintenance, network, rdap, security, ",
        ),
        ("web: {port: 1}\nweb: {port: 2}", "2: web: expected each key once; it is on line 1 already"),
        ("endpoints: []\nendpoints: []", "2: endpoints: expected each key once"),
        ("web: {host: a, address: b}", "1: web.host: expected host or address, not both"),
        ("web: {allowed-hosts: a}", "1: web.allowed-hosts: expected a list"),
        ("storage: {retention: 1s}", "1: storage.retention: expected a duration of at least 60s"),
        ("storage: {max-size: 5 apples}", "1: storage.max-size: expected a size"),
        ("client: {resolver: magic}", "1: client.resolver: expected ares or system"),
        ("client: {max-uses: x}", "1: client.max-uses: expected a whole number"),
        (
            "client: {addresses: {allow: [10.0.0.1/8]}}",
            "1: client.addresses.allow[0]: expected an address, or a network",
        ),
        (
            "client: {addresses: {deny: [example.org]}}",
            "1: client.addresses.deny[0]: expected an address, or a network",
        ),
        ("client: {addresses: {allow: []}}", "1: client.addresses.allow: expected at least one network"),
        (
            "client: {addresses: {public-only: true, allow: [10.0.0.0/8]}}",
            "1: client.addresses.allow: expected allow or public-only, not both",
        ),
        ("client: {keepalive: {idle: 1500ms}}", "1: client.keepalive.idle: expected whole seconds, at most 32767s"),
        ("client: {keepalive: {interval: 10h}}", "1: client.keepalive.interval: expected whole seconds"),
        ("client: {keepalive: {count: 128}}", "1: client.keepalive.count: expected a whole number from 1 to 127"),
        ("client: {keepalive: {user-timeout: 0s}}", "1: client.keepalive.user-timeout: expected a duration of at"),
        ("client: {proxy-from-environment: 1}", "1: client.proxy-from-environment: expected true or false"),
        ("client: {proxy-url: 'http://h'}", "1: client.proxy-url: unknown key; known here are addresses"),
        ("security: {basic: {password-bcrypt-base64: x}}", "1: security.basic.username: expected a user name"),
        ("security: {basic: {username: u}}", "1: security.basic.password-bcrypt-base64: expected the base64 of a"),
        ("security: {basic: {username: u, password-bcrypt-base64: 'é'}}", "expected the base64 of a bcrypt hash"),
        ("security: {basics: {}}", "1: security.basics: unknown key, perhaps 'basic'"),
        ("web: {port: ${PORT}}", "1: web.port: expected the environment variable PORT to be set, or $$ for a $"),
        ("web: {host: $1}", "1: web.host: expected the environment variable 1 to be set"),
        ('web: {host: "${}"}', "1: web.host: expected the environment variable (no name) to be set"),
    ],
)
def test_each_wrong_file_is_told_with_its_line(configured: Configured, text: str, problem: str) -> None:
    problems = configured.problems(text)
    assert any(problem in one for one in problems), problems


def test_a_variable_that_is_not_set_is_told_once_however_many_readers_ask_for_it(configured: Configured) -> None:
    said = configured.problems("endpoints: [{name: a, url: 'http://${HOST}/'}]")
    assert said == ["1: endpoints[0].url: expected the environment variable HOST to be set, or $$ for a $"]


def test_nested_aliases_that_expand_without_bound_are_refused(configured: Configured) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "all aliases written out" in configured.problems("\n".join(lines))[0]


def test_more_endpoints_than_the_limit_are_refused(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milkrun.config.load.MAX_ENDPOINTS", 2)
    items = "\n".join(f"  - {{name: a{n}, url: http://h/{n}}}" for n in range(4))
    assert configured.problems(f"endpoints:\n{items}") == ["4: expected at most 2 endpoints"]


def test_no_message_repeats_a_value(configured: Configured) -> None:
    secret = "hunter2"
    text = """
        endpoints:
          - name: a
            url: "http://user:hunter2@h:hunter2/hunter2"
            method: "hunter2 ${SECRET}"
            headers: {Authorization: "hunter2\\n${SECRET} ${MISSING}", X: "hunter2\\n", "Y": ["hunter2"]}
            body: {hunter: hunter2}
            interval: hunter2
            enabled: hunter2
            conditions: ["[BODY] = hunter2", "${SECRET}", "[BODY]hunter2 == 1"]
            client:
              timeout: "${SECRET}"
              proxy-url: "http://user:hunter2@[hunter2"
              http2: hunter2
              network: hunter2
              dns-resolver: "udp://hunter2"
              server-name: "${SECRET}:hunter2"
              minimum-tls-version: hunter2
              ca-file: /hunter2
              unix-socket: "/${SECRET}/%s"
              local-address: hunter2
              resolve: {"h/2": hunter2, h: hunter2}
              tls: {certificate-file: /x/hunter2, private-key-file: "/x/${SECRET}", private-key-password: hunter2}
              auth:
                basic: {username: "hunter2:", password: "${SECRET}"}
                bearer: "hunter2 ${SECRET}"
                digest: {username: hunter2, password: "hunter2\n"}
              oauth2: {token-url: "hunter2", client-id: hunter2, client-secret: "${SECRET}", send-in: hunter2}
        security: {basic: {username: "", password-bcrypt-base64: hunter2}}
        web: {port: hunter2, host: "${SECRET}"}
        storage: {max-size: hunter2}
        """
    problems = configured.problems(text % (secret * 20), SECRET=secret)
    assert len(problems) >= 30
    assert all(secret not in problem for problem in problems)


@pytest.mark.parametrize("text", ["", "# nothing\n", "endpoints:\n", "endpoints: []\n", "---\n", "web:\n", "~"])
def test_a_configuration_without_endpoints_is_valid(configured: Configured, text: str) -> None:
    assert configured.load(text).endpoints == ()


def test_what_gatus_has_and_we_do_not_build_yet_is_one_warning_each(configured: Configured) -> None:
    settings = configured.load(
        """
        announcements: []
        endpoints:
          - {name: a, url: "http://h/", client: {tunnel: x}}
          - {name: b, url: "http://h/", client: {tunnel: x}, ui: {hide-url: true}}
          - {name: c, url: "http://h/", body: "[ENDPOINT_NAME]"}
          - {name: d, url: "tcp://h:1"}
          - {name: e, url: "8.8.8.8", dns: {query-name: x}}
          - {name: g, url: "http://h/", client: {tls: {renegotiation: once}, dns-resolver: "tcp://9.9.9.9:53"}}
          - {name: f, url: "http://h/", conditions: ["[DOMAIN_EXPIRATION] > 48h", "[STATUS] == 200"]}
        storage: {type: sqlite, path: x}
        """
    )
    file = configured.file
    assert settings.warnings == (
        f"{file}:2: announcements: Gatus's 'announcements' is not built yet and has no effect",
        (
            f"{file}:4: endpoints[0].client.tunnel: Gatus's 'tunnel' is not built yet and has no effect "
            "(and 1 more place)"
        ),
        f"{file}:5: endpoints[1].ui: Gatus's 'ui' is not built yet and has no effect",
        f"{file}:6: endpoints[2].body: Gatus's placeholders in a body are not built yet; they are sent as they stand",
        f"{file}:7: endpoints[3].url: checks of kind tcp are not built yet; this endpoint is left out",
        f"{file}:8: endpoints[4].url: checks of kind dns are not built yet; this endpoint is left out",
        (
            f"{file}:9: endpoints[5].client.dns-resolver: names are asked for by UDP, and by TCP only where an answer "
            "is too long for that; Gatus would use TCP alone"
        ),
        f"{file}:9: endpoints[5].client.tls.renegotiation: Gatus's 'renegotiation' is not built yet and has no effect",
        (
            f"{file}:10: endpoints[6].conditions: [DOMAIN_EXPIRATION] is Gatus's and not built yet; "
            "this condition is left out"
        ),
        f"{file}:11: storage.type: Gatus's 'type' is not built yet and has no effect",
        f"{file}:11: storage.path: Gatus's 'path' is not built yet and has no effect",
    )
    assert [endpoint.name for endpoint in settings.endpoints] == ["a", "b", "c", "g", "f"]
    assert [condition.text for condition in settings.endpoints[4].conditions] == ["[STATUS] == 200"]


def test_problems_of_all_files_are_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("zzz: 1")
    (tmp_path / "b.yaml").write_text("web: 1")
    with pytest.raises(ConfigError) as caught:
        load([tmp_path, tmp_path / "missing.yaml"], KINDS, CHANNELS, {})
    assert [Path(problem.file).name for problem in caught.value.problems] == ["a.yaml", "b.yaml", "missing.yaml"]
    assert str(caught.value).count("\n") == 2
    assert caught.value.problems[2].message == "this file cannot be read: No such file or directory"
