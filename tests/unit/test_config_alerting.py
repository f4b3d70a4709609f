"""The section `alerting`: channels, routes and a heartbeat, and what is said where they are wrong."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.pretty import pretty_repr

from milkrun.alerting.kinds import CHANNELS as CHANNEL_KINDS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.config.settings import AlertingSettings, HeartbeatSettings, Rate
from milkrun.core.alert import Digest, QuietHours, Route, Step
from milkrun.core.incident import Severity
from milkrun.probes.kinds import KINDS
from tests.support.configuring import Configured

CHANNELS = """
  channels:
    ops: {type: slack, webhook-url: "http://h/ops"}
    pager: {type: pagerduty, integration-key: k}
"""


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def routes(configured: Configured, text: str) -> tuple[Route, ...]:
    return configured.load(f"alerting:{CHANNELS}{text}").alerting.routes


def test_without_the_section_nobody_is_told_of_anything(configured: Configured) -> None:
    assert configured.load("").alerting == AlertingSettings()
    assert configured.load("alerting: {}").alerting == AlertingSettings()


def test_a_channel_has_its_kind_its_rate_and_its_time(configured: Configured) -> None:
    settings = configured.load(
        'alerting: {channels: {ops: {type: slack, webhook-url: "http://h/", rate-limit: 20/1m, timeout: 3s}}}'
    )
    (ops,) = settings.alerting.channels
    assert (ops.name, ops.kind, ops.rate, ops.timeout) == ("ops", "slack", Rate(count=20, per=60_000), 3.0)


def test_channels_without_routes_hear_of_everything(configured: Configured) -> None:
    settings = configured.load(f"alerting:{CHANNELS}")
    assert settings.alerting.routes == (Route(name="everything", channels=("ops", "pager")),)
    assert settings.warnings == ()


def test_an_empty_list_of_routes_leads_nowhere_and_says_so(configured: Configured) -> None:
    settings = configured.load(f"alerting:{CHANNELS}  routes: []")
    assert settings.alerting.routes == ()
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        "alerting.channels.ops: no route leads to this channel (and 1 more place)"
    ]


def test_a_route_with_all_its_keys(configured: Configured) -> None:
    (route,) = routes(
        configured,
        """
  routes:
    - name: core
      groups: [core*]
      tags: prod
      severities: [critical, warning]
      channels: [ops]
      failure-threshold: 2
      success-threshold: 3
      delay: 30s
      group-wait: 5s
      repeat: 4h
      resolve: false
      description: see the runbook
      quiet-hours: {from: "22:00", to: 07:00, timezone: Europe/Berlin, days: [monday, Sunday], except: [critical]}
      digest: 1h
      escalate: [{after: 1h, channels: [ops, pager]}, {after: 15m, channels: pager}]
""",
    )
    assert route == Route(
        name="core",
        channels=("ops",),
        groups=("core*",),
        tags=("prod",),
        severities=frozenset({Severity.CRITICAL, Severity.WARNING}),
        failure=2,
        success=3,
        delay=30_000,
        wait=5_000,
        repeat=14_400_000,
        resolve=False,
        description="see the runbook",
        quiet=QuietHours(
            begins=time(22),
            ends=time(7),
            zone=ZoneInfo("Europe/Berlin"),
            days=frozenset({0, 6}),
            save=frozenset({Severity.CRITICAL}),
        ),
        digest=Digest(every=3_600_000),
        steps=(Step(after=900_000, channels=("pager",)), Step(after=3_600_000, channels=("ops", "pager"))),
    )


def test_a_route_of_few_words_has_the_defaults_and_a_name_by_its_place(configured: Configured) -> None:
    first, second = routes(configured, "  routes: [{channels: ops}, {channels: [pager], endpoints: [a_b]}]")
    assert first == Route(name="route-1", channels=("ops",))
    assert second == Route(name="route-2", channels=("pager",), endpoints=frozenset({"a_b"}))


def test_a_digest_may_be_daily(configured: Configured) -> None:
    (route,) = routes(configured, '  routes: [{channels: ops, digest: {at: "09:00", timezone: Asia/Tokyo}}]')
    assert route.digest == Digest(at=time(9), zone=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ("{channels: [opps]}", "channels[0]: unknown channel, perhaps 'ops'"),
        ("{channels: [zzz]}", "channels[0]: unknown channel, known here are ops, pager"),
        ("{name: a}", "channels: expected at least one channel"),
        ("{channels: []}", "channels: expected at least one channel"),
        ("{channels: ops, name: a/b}", "name: expected a name without a slash"),
        ("{channels: ops, name: ' '}", "name: expected a name without a slash"),
        ("{channels: ops, groups: ['[']}", "groups[0]: expected a name, perhaps with * in it: "),
        ("{channels: ops, severities: [dire]}", "severities[0]: expected one of critical, warning, notice"),
        ("{channels: ops, failure-threshold: 0}", "failure-threshold: expected a whole number from 1 to 1000"),
        ("{channels: ops, repeat: 30s}", "repeat: expected a duration of at least 60s such as 30s"),
        ("{channels: ops, digest: 30s}", "digest: expected a duration of at least 60s such as 30s"),
        ("{channels: ops, digest: {}}", 'digest: expected a duration such as 1h, or at: "09:00" with a timezone'),
        ('{channels: ops, digest: {at: "9:00"}}', 'digest.at: expected a time of day such as "22:00"'),
        ("{channels: ops, quiet-hours: {from: '24:00', to: '07:00'}}", "quiet-hours.from: expected a time of day"),
        ("{channels: ops, quiet-hours: {from: '22:00'}}", "quiet-hours.to: expected a time of day"),
        (
            "{channels: ops, quiet-hours: {from: '22:00', to: '22:00'}}",
            "quiet-hours.to: expected another time than from",
        ),
        (
            "{channels: ops, quiet-hours: {from: '22:00', to: '23:00', timezone: Berlin}}",
            "quiet-hours.timezone: expected a time zone such as Europe/Berlin",
        ),
        (
            "{channels: ops, quiet-hours: {from: '22:00', to: '23:00', days: [Mo]}}",
            "quiet-hours.days[0]: expected a day of the week: monday, ",
        ),
        ("{channels: ops, escalate: [{after: 15m}]}", "escalate[0].channels: expected at least one channel"),
        ("{channels: ops, escalate: [{channels: ops}]}", "escalate[0].after: expected a duration such as 15m"),
        ("{channels: ops, escalate: {after: 15m}}", "escalate: expected a list"),
        ("{channels: ops, escalate: [15m]}", "escalate[0]: expected keys and values"),
        ("{channels: ops, group-wiat: 5s}", "group-wiat: unknown key, perhaps 'group-wait'"),
    ],
)
def test_each_mistake_in_a_route_is_told_with_its_path(configured: Configured, route: str, problem: str) -> None:
    (found,) = configured.problems(f"alerting:{CHANNELS}  routes:\n    - {route}\n")
    assert found.startswith(f"6: alerting.routes[0].{problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{channels: {a: {type: slak}}}", "1: alerting.channels.a.type: expected a kind of channel, perhaps 'slack'"),
        ("{channels: {a: {x: y}}}", "1: alerting.channels.a.type: expected a kind of channel, known here are "),
        ("{channels: {a/b: {type: ntfy, topic: t}}}", "1: alerting.channels.a/b: expected a channel's name without a"),
        ("{channels: {a: {type: ntfy, topic: t, rate-limit: 20}}}", "1: alerting.channels.a.rate-limit: expected lett"),
        ("{channels: {a: {type: ntfy, topic: t, rate-limit: 2/1ms}}}", "1: alerting.channels.a.rate-limit: expected "),
        ("{channels: {a: {type: ntfy, topic: t, timeout: 1ms}}}", "1: alerting.channels.a.timeout: expected a dur"),
        (
            "{channels: {a: {type: ntfy, topic: t, tpoic: t}}}",
            "1: alerting.channels.a.tpoic: unknown key, perhaps 'top",
        ),
        (
            "{channels: {slack: {type: ntfy, topic: t}}, slack: {webhook-url: 'http://h/'}}",
            "1: alerting.channels.slack: ",
        ),
        ("{slakc: {}}", "1: alerting.slakc: unknown key"),
        (
            "{heartbeat: {interval: 60s}}",
            "1: alerting.heartbeat.url: expected the http:// or https:// address to visit",
        ),
        ("{heartbeat: {url: 'ftp://h/'}}", "1: alerting.heartbeat.url: expected the http:// or https:// address"),
        ("{heartbeat: {url: 'http://h/', interval: 1ms}}", "1: alerting.heartbeat.interval: expected a duration of at"),
    ],
)
def test_each_mistake_in_the_section_is_told_with_its_path(configured: Configured, text: str, problem: str) -> None:
    (found,) = configured.problems(f"alerting: {text}")
    assert found.startswith(problem)


def test_two_routes_of_one_name_are_a_problem(configured: Configured) -> None:
    assert configured.problems(
        f"alerting:{CHANNELS}  routes: [{{name: a, channels: ops}}, {{name: a, channels: ops}}]"
    ) == ["5: alerting.routes[1].name: expected a name that no other route has"]


def test_the_section_stands_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("alerting: {}")
    (tmp_path / "b.yaml").write_text("alerting: {}")
    with pytest.raises(ConfigError, match=r"b\.yaml:1: alerting: expected this section in one file only"):
        load([tmp_path], KINDS, CHANNEL_KINDS, {})


def test_an_endpoint_that_a_route_names_and_nobody_has_is_a_warning(configured: Configured) -> None:
    settings = configured.load(
        f"""alerting:{CHANNELS}  routes: [{{channels: [ops, pager], endpoints: [core_chekout, zzz, core_checkout]}}]
endpoints: [{{name: checkout, group: core, url: "http://h/"}}]
"""
    )
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        "alerting.routes[0].endpoints: no endpoint has the key 'core_chekout', perhaps 'core_checkout'",
        "alerting.routes[0].endpoints: no endpoint has the key 'zzz'",
    ]


def test_a_heartbeat_is_an_address_and_a_rhythm(configured: Configured) -> None:
    found = configured.load("alerting: {heartbeat: {url: 'https://hc/x', interval: 30s, timeout: 5s}}").alerting
    assert found.heartbeat == HeartbeatSettings(url="https://hc/x", interval=30.0, timeout=5.0)


def test_nothing_secret_is_in_the_settings_words_nor_in_what_is_said_of_mistakes(configured: Configured) -> None:
    text = """
        alerting:
          heartbeat: {url: "https://hc/${S}"}
          channels:
            a: {type: slack, webhook-url: "https://h/${S}"}
            b: {type: pagerduty, integration-key: "${S}"}
            c: {type: telegram, token: "${S}", id: "1"}
            d: {type: opsgenie, api-key: "${S}"}
            e: {type: ntfy, topic: "${S}", token: "${S}"}
            f: {type: command, command: [sh, "${S}"]}
            g: {type: apprise, urls: "json://h/${S}"}
            h: {type: webhook, url: "https://h/${S}", headers: {x: "${S}"}, signing-key: "${S}"}
    """
    settings = configured.load(text, S="hunter2-hunter2")
    assert len(settings.alerting.channels) == 8
    assert "hunter2" not in repr(settings) + pretty_repr(settings)
    assert "hunter2" not in "".join(repr(channel.options) for channel in settings.alerting.channels)
    wrong = text.replace("https://h/${S}", "ftp//${S} ${S}").replace("json://", "jsn://").replace("sh,", '"${S}",')
    problems = configured.problems(wrong, S="hunter2-hunter2")
    assert len(problems) == 4
    assert "hunter2" not in "".join(problems)


@pytest.mark.parametrize("url", ["https://status.example.org", "https://status.example.org/milkrun/"])
def test_the_address_of_the_pages_is_for_links(configured: Configured, url: str) -> None:
    assert configured.load(f"web: {{url: '{url}'}}").web.url == url.rstrip("/")


def test_an_address_of_the_pages_that_nobody_can_follow_is_a_problem(configured: Configured) -> None:
    assert configured.problems("web: {url: status.example.org}") == [
        "1: web.url: expected the address of the pages, such as https://status.example.org"
    ]
