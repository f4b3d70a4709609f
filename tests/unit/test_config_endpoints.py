"""What an endpoint's keys mean."""

from pathlib import Path

import pytest

from milkrun.config.problems import Report
from milkrun.config.section import Section
from milkrun.core.endpoint import Retry, Thresholds
from milkrun.probes.http import HttpKind, HttpOptions, Redirects
from milkrun.probes.way import Way
from tests.support.configuring import Configured


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def test_the_least_endpoint_has_gatus_defaults(configured: Configured) -> None:
    endpoint = configured.endpoint("name: Front Page\nurl: https://example.org")
    assert (endpoint.key, endpoint.name, endpoint.group, endpoint.kind) == ("_front-page", "Front Page", "", "http")
    assert (endpoint.interval, endpoint.timeout, endpoint.conditions) == (60_000, 10.0, ())
    assert (endpoint.thresholds, endpoint.retry) == (Thresholds(failure=1, success=1), Retry(count=0, delay=1.0))
    assert endpoint.options == HttpOptions(url="https://example.org", method="GET", redirects=Redirects.ALL)
    assert endpoint.target == "https://example.org/"


def test_every_key_is_read(configured: Configured) -> None:
    endpoint = configured.endpoint(
        """
        enabled: true
        name: checkout
        group: core
        url: "http://shop.example:8080/health?deep=1#top"
        method: post
        headers:
          Content-Type: application/json
          X-Number: 007
        body: |
          {"a": 1}
        interval: 1m30s
        conditions: ["[STATUS] == 200", "[BODY].a == 1"]
        degraded: ["[RESPONSE_TIME] < 300"]
        failure-threshold: 3
        success-threshold: 2
        retry: {count: 2, delay: 500ms}
        client: {timeout: 2s, insecure: true, ignore-redirect: true}
        connection: {max-age: 2m, max-uses: 50}
        """
    )
    assert (endpoint.key, endpoint.interval, endpoint.timeout) == ("core_checkout", 90_000, 2.0)
    assert [condition.text for condition in endpoint.conditions] == ["[STATUS] == 200", "[BODY].a == 1"]
    assert [condition.text for condition in endpoint.degraded] == ["[RESPONSE_TIME] < 300"]
    assert (endpoint.thresholds, endpoint.retry) == (Thresholds(failure=3, success=2), Retry(count=2, delay=0.5))
    assert endpoint.options == HttpOptions(
        url="http://shop.example:8080/health?deep=1#top",
        method="POST",
        headers=(("Content-Type", "application/json"), ("X-Number", "007")),
        body=b'{"a": 1}\n',
        redirects=Redirects.OFF,
        max_age=120.0,
        max_uses=50,
        fresh=False,
        way=Way(insecure=True),
    )
    assert endpoint.target == "http://shop.example:8080/health?deep=1"


def test_a_fresh_connection_for_every_check(configured: Configured) -> None:
    options = configured.options("connection: {fresh: true}")
    assert (options.fresh, options.max_age) == (True, None)


def test_scalars_are_what_yaml_1_2_says(configured: Configured) -> None:
    endpoint = configured.endpoint('name: on\ngroup: 1:30\nurl: http://h/\nbody: "null"\nenabled: TRUE\nmethod: ~')
    assert (endpoint.name, endpoint.group) == ("on", "1:30")
    assert isinstance(endpoint.options, HttpOptions)
    assert (endpoint.options.body, endpoint.options.method) == (b"null", "GET")


def test_a_disabled_endpoint_is_left_out_and_its_key_is_free(configured: Configured) -> None:
    settings = configured.load(
        """
        endpoints:
          - {name: a, url: "http://h/", enabled: false}
          - {name: a, url: "http://h/2"}
        """
    )
    assert [endpoint.target for endpoint in settings.endpoints] == ["http://h/2"]


def test_credentials_in_a_url_are_kept_for_the_client_and_shown_to_nobody(configured: Configured) -> None:
    endpoint = configured.endpoint("name: a\nurl: http://user:hunter2@h/x")
    assert endpoint.target == "http://h/x"
    assert isinstance(endpoint.options, HttpOptions)
    assert endpoint.options.url == "http://user:hunter2@h/x"
    assert "hunter2" not in repr(endpoint)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://${HOST}/p?token=${TOKEN}", "https://api.example/p?token=${TOKEN}"),
        ("https://${HOST}", "https://api.example/"),
        ("${BASE}/${TOKEN}", "https://api.example/"),
        ("https://u:${TOKEN}@$HOST?$TOKEN", "https://api.example?$TOKEN"),
    ],
)
def test_a_variable_in_a_url_is_shown_only_where_it_is_the_host(configured: Configured, url: str, target: str) -> None:
    variables = {"HOST": "api.example", "TOKEN": "hunter2", "BASE": "https://api.example/v1"}
    assert configured.endpoint(f"name: a\nurl: {url}", **variables).target == target


def test_variables_are_filled_in_everywhere_but_in_keys(configured: Configured) -> None:
    variables = {"NAME": "a b", "PORT": "81", "EVERY": "5s", "BODY": "x: y # z", "OK": "201"}
    endpoint = configured.endpoint(
        """
        name: ${NAME}
        url: http://h:$PORT/
        interval: ${EVERY}
        body: ${BODY}
        headers: {Price: "$$5 and $${NAME}", Odd: "5$ or $ 5 or ${"}
        conditions: ["[STATUS] == ${OK}"]
        """,
        **variables,
    )
    assert (endpoint.name, endpoint.interval) == ("a b", 5_000)
    assert isinstance(endpoint.options, HttpOptions)
    assert endpoint.options.body == b"x: y # z"
    assert endpoint.options.headers == (("Price", "$5 and ${NAME}"), ("Odd", "5$ or $ 5 or ${"))
    assert [condition.text for condition in endpoint.conditions] == ["[STATUS] == ${OK}"]
    plain = endpoint.conditions[0].plain
    assert plain is not None
    assert plain[1] == 201


def test_variables_may_stand_in_lists_and_mappings_without_quotes(configured: Configured) -> None:
    settings = configured.load("web: {port: ${PORT}, allowed-hosts: [${A}, $B]}", PORT="81", A="a, b", B="}{")
    assert (settings.web.port, settings.web.allowed_hosts) == (81, ("a, b", "}{"))


def test_the_http_kind_needs_a_url() -> None:
    assert HttpKind().read(Section(None, "endpoints[0]", Report("a.yaml"), {})) is None


def test_the_framing_headers_are_the_clients_own(configured: Configured) -> None:
    settings = configured.load(
        """
        endpoints:
          - {name: a, url: "http://h/", headers: {Content-Length: 5, A: b}}
        """
    )
    options = settings.endpoints[0].options
    assert isinstance(options, HttpOptions)
    assert options.headers == (("A", "b"),)
    assert "Content-Length is the client's own" in settings.warnings[0]


def test_defaults_are_merged_and_what_an_endpoint_says_itself_wins(configured: Configured) -> None:
    settings = configured.load(
        """
        default-endpoint: &defaults
          group: core
          interval: 5m
          client: {timeout: 30s}
        fast: &fast {interval: 1s, group: fast}
        x-anything: 1
        endpoints:
          - name: one
            <<: *defaults
            url: http://h/1
          - <<: [*fast, *defaults]
            name: two
            url: http://h/2
            interval: 2s
        """
    )
    one, two = settings.endpoints
    assert (one.key, one.interval, one.timeout) == ("core_one", 300_000, 30.0)
    assert (two.key, two.interval, two.timeout) == ("fast_two", 2_000, 30.0)


def test_a_list_of_endpoints_may_come_by_an_alias(configured: Configured) -> None:
    settings = configured.load('all: &all [{name: a, url: "http://h/"}]\nendpoints: *all\n')
    assert [endpoint.key for endpoint in settings.endpoints] == ["_a"]


BASE = 'name: a\nurl: http://h/\ninterval: 1s\nconditions: ["[STATUS] == 200"]'


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (BASE, True),
        (BASE.replace("name: a", "name: b"), True),
        (BASE.replace("1s", "2s"), True),
        (f"{BASE}\nfailure-threshold: 3", True),
        (BASE.replace("h/", "h/2"), False),
        (BASE.replace("200", "201"), False),
        (f"{BASE}\nbody: x", False),
        (f"{BASE}\nheaders: {{A: b}}", False),
        (f"{BASE}\nclient: {{timeout: 1s}}", False),
        (f"{BASE}\nclient: {{proxy-url: 'http://p'}}", False),
        (f"{BASE}\nclient: {{auth: {{bearer: t}}}}", False),
        (f'{BASE}\ndegraded: ["[STATUS] == 200"]', False),
    ],
)
def test_the_fingerprint_changes_with_what_a_results_meaning_rests_on(
    configured: Configured, changed: str, same: bool
) -> None:
    assert (configured.endpoint(BASE).fingerprint == configured.endpoint(changed).fingerprint) is same


def test_the_fingerprint_notices_another_value_of_a_variable(configured: Configured) -> None:
    text = 'name: a\nurl: http://h/\nconditions: ["[BODY] == ${X}"]'
    assert configured.endpoint(text, X="1").fingerprint != configured.endpoint(text, X="2").fingerprint
