"""Gatus's files load as they are: its providers become channels, its endpoints' alerts become routes."""

from pathlib import Path

import pytest

from milkrun.config.gatus_providers import NO_CHANNEL, PROVIDERS
from milkrun.config.settings import ChannelSettings, Rate
from milkrun.core.alert import Route
from milkrun.core.incident import Severity
from tests.support.configuring import Configured

# As in Gatus's README: a provider, its default, an override by group, and alerts that say little.
WHOLE = """
alerting:
  slack:
    webhook-url: "https://hooks.slack.com/services/${TEAM}/general"
    default-alert:
      description: "health check failed"
      send-on-resolved: true
      failure-threshold: 5
      success-threshold: 5
    overrides:
      - group: core
        webhook-url: "https://hooks.slack.com/services/${TEAM}/core"
  pagerduty:
    integration-key: "********************************"

endpoints:
  - name: website
    group: core
    url: "https://twin.sh/health"
    interval: 5m
    conditions:
      - "[STATUS] == 200"
    alerts:
      - type: slack
      - type: pagerduty
        failure-threshold: 7
        success-threshold: 4
        minimum-reminder-interval: 30m
        description: "it is down"
  - name: backend
    group: other
    url: "https://example.org/"
    conditions:
      - "[STATUS] == 200"
    alerts:
      - type: slack
        send-on-resolved: false
  - name: nobody
    url: "https://example.com/"
    conditions:
      - "[STATUS] == 200"
    alerts:
      - type: slack
        enabled: false
"""


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def channels(configured: Configured, text: str, **environ: str) -> dict[str, ChannelSettings]:
    return {channel.name: channel for channel in configured.load(text, **environ).alerting.channels}


def routes_of(configured: Configured, provider: str, *alerts: str) -> tuple[Route, ...]:
    """The routes of a file with an endpoint for each of these alerts."""
    endpoints = [f"  - {{name: e{number}, url: 'http://h/', alerts: [{alert}]}}" for number, alert in enumerate(alerts)]
    return configured.load(f"alerting: {{{provider}}}\nendpoints:\n" + "\n".join(endpoints)).alerting.routes


def test_a_whole_file_of_gatus_alerts_as_gatus_would(configured: Configured) -> None:
    settings = configured.load(WHOLE, TEAM="T1")
    assert settings.warnings == ()
    assert [(channel.name, channel.kind) for channel in settings.alerting.channels] == [
        ("slack", "slack"),
        ("slack:core", "slack"),
        ("pagerduty", "pagerduty"),
    ]
    told = {channel.name: channel.options for channel in settings.alerting.channels}
    assert getattr(told["slack:core"], "url", "") == "https://hooks.slack.com/services/T1/core"
    core, pager, other = settings.alerting.routes
    assert core.channels == ("slack:core",)
    assert core.endpoints == frozenset({"core_website"})
    assert (core.failure, core.success, core.resolve, core.description) == (5, 5, True, "health check failed")
    assert pager.channels == ("pagerduty",)
    assert (pager.failure, pager.success, pager.resolve, pager.repeat) == (7, 4, False, 1_800_000)
    assert pager.description == "it is down"
    assert (other.channels, other.endpoints, other.resolve) == (("slack",), frozenset({"other_backend"}), False)


def test_an_alert_has_gatus_defaults_and_tells_only_of_what_is_down(configured: Configured) -> None:
    (route,) = routes_of(configured, "ntfy: {topic: t}", "{type: ntfy}")
    assert (route.failure, route.success, route.resolve, route.repeat, route.delay) == (3, 2, False, 0, 0)
    assert route.severities == frozenset({Severity.CRITICAL})
    assert (route.groups, route.tags, route.endpoints) == ((), (), frozenset({"_e0"}))


def test_the_same_alert_of_many_endpoints_is_one_route(configured: Configured) -> None:
    routes = routes_of(
        configured,
        "ntfy: {topic: t}",
        "{type: ntfy}",
        "{type: ntfy, failure-threshold: 3}",
        "{type: ntfy, failure-threshold: 9}",
    )
    assert [(route.failure, route.endpoints) for route in routes] == [
        (3, frozenset({"_e0", "_e1"})),
        (9, frozenset({"_e2"})),
    ]


def test_a_routes_name_stays_when_the_file_is_sorted_anew(configured: Configured) -> None:
    first = routes_of(configured, "ntfy: {topic: t}", "{type: ntfy}", "{type: ntfy, failure-threshold: 9}")
    second = routes_of(configured, "ntfy: {topic: t}", "{type: ntfy, failure-threshold: 9}", "{type: ntfy}")
    assert {route.name for route in first} == {route.name for route in second}
    assert len({route.name for route in first}) == 2


def test_a_default_may_switch_alerts_off_and_one_endpoint_on_again(configured: Configured) -> None:
    (route,) = routes_of(
        configured, "ntfy: {topic: t, default-alert: {enabled: false}}", "{type: ntfy}", "{type: ntfy, enabled: true}"
    )
    assert route.endpoints == frozenset({"_e1"})


def test_an_alert_that_overrides_its_provider_has_a_channel_of_its_own(configured: Configured) -> None:
    text = """
        alerting: {ntfy: {topic: general, url: "http://h/", rate-limit: 5/1m}}
        endpoints:
          - {name: a, url: "http://h/", alerts: [{type: ntfy, provider-override: {topic: mine}}]}
          - {name: b, url: "http://h/", alerts: [{type: ntfy, provider-override: {topic: mine}}]}
          - {name: c, url: "http://h/", alerts: [{type: ntfy}]}
          - {name: d, url: "http://h/", alerts: [{type: ntfy, failure-threshold: 9, provider-override: {topic: mine}}]}
    """
    settings = configured.load(text)
    general, own = settings.alerting.channels
    assert (getattr(general.options, "topic", ""), getattr(own.options, "topic", "")) == ("general", "mine")
    assert own.rate == Rate(count=5, per=60_000)
    assert own.name.startswith("ntfy:")
    assert [(route.channels, route.endpoints) for route in settings.alerting.routes] == [
        ((own.name,), frozenset({"_a", "_b"})),
        (("ntfy",), frozenset({"_c"})),
        ((own.name,), frozenset({"_d"})),
    ]


def test_alerts_come_before_the_section_as_well_as_after_it_and_from_other_files(configured: Configured) -> None:
    head, _, tail = WHOLE.partition("\nendpoints:")
    turned = configured.load(f"endpoints:{tail}\n{head}", TEAM="T1").alerting
    assert turned == configured.load(WHOLE, TEAM="T1").alerting


def test_routes_may_lead_to_gatus_providers(configured: Configured) -> None:
    settings = configured.load("alerting: {ntfy: {topic: t}, routes: [{name: all, channels: ntfy}]}")
    assert settings.alerting.routes == (Route(name="all", channels=("ntfy",)),)


def test_providers_alone_tell_nobody_as_in_gatus(configured: Configured) -> None:
    settings = configured.load("alerting: {ntfy: {topic: t}}")
    assert (settings.alerting.routes, settings.warnings) == ((), ())


def test_alerts_whose_provider_is_not_configured_are_one_warning(configured: Configured) -> None:
    text = """
        endpoints:
          - {name: a, url: "http://h/", alerts: [{type: slack}]}
          - {name: b, url: "http://h/", alerts: [{type: slack, enabled: true}]}
    """
    settings = configured.load(text)
    assert settings.alerting.routes == ()
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        (
            "endpoints[0].alerts[0].type: alerting.slack is not configured, so that these alerts tell nobody "
            "(and 1 more place)"
        )
    ]


def test_a_provider_without_a_channel_says_what_to_write_instead(configured: Configured) -> None:
    text = """
        alerting: {github: {repository-url: "https://h/", token: x}}
        endpoints: [{name: a, url: "http://h/", alerts: [{type: github}]}]
    """
    settings = configured.load(text)
    assert settings.alerting.channels == ()
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        (
            "alerting.github: Milkrun has no channel for Gatus's github; "
            "a channel of type webhook can post to its address (and 1 more place)"
        )
    ]


def test_a_key_of_gatus_that_means_nothing_to_the_channel_is_a_warning(configured: Configured) -> None:
    settings = configured.load('alerting: {slack: {webhook-url: "http://h/", title: x}}')
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        "alerting.slack.title: 'title' is not known here and has no effect"
    ]


@pytest.mark.parametrize(
    ("alerting", "alert", "problem"),
    [
        ("{}", "{type: slakc}", "endpoints[0].alerts[0].type: expected one of Gatus's types of alert, perhaps 'slack'"),
        ("{}", "{}", "endpoints[0].alerts[0].type: expected one of Gatus's types of alert, known here are aws-ses, "),
        ("{ntfy: {topic: t}}", "{type: ntfy, x: y}", "endpoints[0].alerts[0].x: unknown key"),
        (
            "{ntfy: {topic: t}}",
            "{type: ntfy, minimum-reminder-interval: 1m}",
            "endpoints[0].alerts[0].minimum-reminder-interval: expected a duration of at least 300s",
        ),
        ("{ntfy: {}}", "{type: ntfy}", "alerting.ntfy.topic: expected a topic"),
        (
            "{ntfy: {topic: t}}",
            "{type: ntfy, provider-override: {priority: 9}}",
            "endpoints[0].alerts[0].provider-override.priority: expected a whole number from 1 to 5",
        ),
        (
            "{ntfy: {topic: t, overrides: [{group: g, priority: 9}]}}",
            "{type: ntfy}",
            "alerting.ntfy.overrides[0].priority: expected a whole number from 1 to 5",
        ),
        (
            "{ntfy: {topic: t, overrides: [{topic: u}]}}",
            "{type: ntfy}",
            "alerting.ntfy.overrides[0].group: expected a group that no other override has",
        ),
        (
            "{ntfy: {topic: t, overrides: [{group: g, topic: u}, {group: g, topic: v}]}}",
            "{type: ntfy}",
            "alerting.ntfy.overrides[1].group: expected a group that no other override has",
        ),
        ("{gotify: {token: t}}", "{type: gotify}", "alerting.gotify.server-url: expected a text here, as Gatus does"),
        ("{twilio: {sid: s, token: t, from: '1'}}", "{type: twilio}", "alerting.twilio.to: expected a text here"),
    ],
)
def test_each_mistake_is_told_with_its_path(configured: Configured, alerting: str, alert: str, problem: str) -> None:
    text = f"alerting: {alerting}\nendpoints: [{{name: a, url: 'http://h/', alerts: [{alert}]}}]"
    found = configured.problems(text)
    assert [line.partition(": ")[2].startswith(problem) for line in found] == [True], found


@pytest.mark.parametrize(
    ("provider", "keys", "why"),
    [
        (
            "twilio",
            "{sid: ..., token: ..., from: +1-234-567-8901, to: +1-234-567-8901}",
            "Apprise, which delivers to it",
        ),
        ("aws-ses", "{region: us-east-1, from: a@b.io, to: c@d.io}", "Apprise, which delivers to it"),
        ("mattermost", "{webhook-url: 'http://**********/hooks/**********'}", "an address of asterisks"),
        ("teams", "{webhook-url: 'https://********.webhook.office.com/webhookb2/*****'}", "an address of asterisks"),
    ],
)
def test_the_examples_of_gatus_load_and_what_no_service_would_take_is_told(
    configured: Configured, provider: str, keys: str, why: str
) -> None:
    settings = configured.load(
        f"alerting: {{slack: {{webhook-url: 'https://h/'}}, {provider}: {keys}}}\n"
        f"endpoints: [{{name: a, url: 'http://h/', alerts: [{{type: {provider}}}, {{type: slack}}]}}]"
    )
    assert [channel.name for channel in settings.alerting.channels] == ["slack"]
    assert [route.channels for route in settings.alerting.routes] == [("slack",)]
    (warning,) = settings.warnings
    assert f": alerting.{provider}: {why}" in warning
    assert warning.endswith("; alerts of this type tell nobody")


# The keys that Gatus's README has for each, with values of the form that each service's have.
GATUS = {
    "aws-ses": "{access-key-id: AKIAAAAAAAAAAAAAAAAA, secret-access-key: s/s, region: us-east-2, "
    "from: a@b.io, to: 'c@d.io, e@f.io'}",
    "custom": "{url: 'https://h/', method: POST, body: '{\"text\": \"[ALERT_DESCRIPTION]\"}', headers: {x: y}}",
    "discord": "{webhook-url: 'https://discord.com/api/webhooks/1/2'}",
    "email": "{from: a@b.io, username: a, password: p, host: mail.example.com, port: 587, to: 'c@d.io,e@f.io'}",
    "googlechat": "{webhook-url: 'https://chat.googleapis.com/v1/spaces/AAAA/messages?key=kkkk&token=tttt'}",
    "gotify": "{server-url: 'https://gotify.example/', token: AAAAAAAAAAAAAAA, priority: 5}",
    "homeassistant": "{url: 'http://ha:8123', token: tttt}",
    "ifttt": "{webhook-key: kkkk, event-name: gatus}",
    "line": "{channel-access-token: tttt, user-ids: [U1234567890abcdef]}",
    "matrix": "{server-url: 'https://matrix.example', access-token: tttt, internal-room-id: '!room:matrix.example'}",
    "mattermost": "{webhook-url: 'https://mm.example/hooks/abcdefgh'}",
    "messagebird": "{access-key: kkkkkkkkkkkkkkkkkkkkkkkkk, originator: '31619191918', "
    "recipients: '31619191919,31619191920'}",
    "ntfy": "{topic: t, url: 'https://ntfy.sh', priority: 2, token: tk, email: a@b.io, click: 'https://h/'}",
    "opsgenie": "{api-key: k, priority: P1, source: gatus, entity-prefix: gatus-, alias-prefix: gatus-hc-, tags: [a]}",
    "pagerduty": "{integration-key: k}",
    "plivo": "{auth-id: MAMAMAMAMAMAMAMAMAMA, auth-token: ttttttttttttttttttttttttttttt1, "
    "from: '12345678901', to: ['12345678902']}",
    "pushover": "{application-token: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
    "user-key: uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu, "
    "priority: 1, sound: siren}",
    "rocketchat": "{webhook-url: 'https://rc.example/hooks/aaaa/bbbb'}",
    "sendgrid": "{api-key: SG.kkkk, from: a@b.io, to: c@d.io}",
    "signal": "{api-url: 'http://signal:8080', number: '+12345678901', recipients: ['+12345678902']}",
    "signl4": "{team-secret: ssssssss}",
    "slack": "{webhook-url: 'https://hooks.slack.com/services/a/b/c'}",
    "teams": "{webhook-url: 'https://example.webhook.office.com/webhookb2/a'}",
    "teams-workflows": "{webhook-url: 'https://prod.westus.logic.azure.com/workflows/a'}",
    "telegram": "{token: 'tttt', id: '0123456789', topic-id: 7}",
    "twilio": "{sid: AC12345678901234567890123456789012, token: ttttttttttttttttttttttttttttttt1, "
    "from: '12345678901', to: '12345678902'}",
    "vonage": "{api-key: kkkkkkkk, api-secret: ssssssssssssssss, from: '12345678901', to: ['12345678902']}",
    "webex": "{webhook-url: 'https://webexapis.com/v1/webhooks/incoming/"
    "Y2lzY29zcGFyazovL3VzL1dFQkhPT0svYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
    "eXphYmNkZWZnaGlqaw'}",
    "zulip": "{bot-email: gatus-bot@some.zulip.org, bot-api-key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
    "domain: some.zulipchat.com, channel-id: '123456'}",
}


def test_every_type_of_gatus_is_known() -> None:
    assert GATUS.keys() == PROVIDERS.keys()
    assert not PROVIDERS.keys() & NO_CHANNEL.keys()


@pytest.mark.parametrize("provider", GATUS)
def test_each_provider_loads_with_gatus_own_keys(configured: Configured, provider: str) -> None:
    endpoint = f"{{name: a, url: 'http://h/', alerts: [{{type: {provider}}}]}}"
    settings = configured.load(f"alerting: {{{provider}: {GATUS[provider]}}}\nendpoints: [{endpoint}]")
    assert [(channel.name, channel.kind) for channel in settings.alerting.channels] == [
        (provider, PROVIDERS[provider].kind)
    ]
    assert [route.channels for route in settings.alerting.routes] == [(provider,)]


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("gotify", "gotifys://gotify.example/AAAAAAAAAAAAAAA?priority=5"),
        ("googlechat", "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=kkkk&token=tttt"),
        ("matrix", "matrixs://tttt@matrix.example/%21room%3Amatrix.example"),
        ("mattermost", "mmosts://mm.example/abcdefgh"),
        ("rocketchat", "rockets://aaaa/bbbb@rc.example/"),
        ("signal", "signal://signal:8080/%2B12345678901/%2B12345678902"),
        ("homeassistant", "hassio://ha:8123/tttt"),
        ("zulip", "zulip://gatus@some/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/123456"),
    ],
)
def test_what_only_apprise_knows_becomes_its_url(configured: Configured, provider: str, url: str) -> None:
    found = channels(configured, f"alerting: {{{provider}: {GATUS[provider]}}}")
    assert getattr(found[provider].options, "urls", ()) == (url,)


def test_what_apprise_delivers_may_have_a_rate_and_a_time_of_its_own(configured: Configured) -> None:
    found = channels(
        configured, "alerting: {gotify: {server-url: 'http://h', token: t, rate-limit: 3/1s, timeout: 2s}}"
    )
    assert (found["gotify"].rate, found["gotify"].timeout) == (Rate(count=3, per=1_000), 2.0)


def test_a_dollar_in_a_secret_that_becomes_part_of_a_url_stays_one(configured: Configured) -> None:
    found = channels(configured, "alerting: {gotify: {server-url: 'http://h', token: '${T}'}}", T="a$b${c}d/e")
    assert getattr(found["gotify"].options, "urls", ()) == ("gotify://h/a%24b%24%7Bc%7Dd%2Fe",)
