"""Configuration of what incidents are made by: maintenance, dependencies, quorum, flapping, expiry, our own network."""

from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.config.settings import NetworkSettings, Sentinel
from milkrun.config.wall_times import DAYS
from milkrun.core.flapping import Flapping
from milkrun.core.maintenance import Cron, OneOff, Recurring, Weekly
from milkrun.probes.kinds import KINDS
from tests.support.configuring import Configured

HOUR = 3_600_000
DAY = 24 * HOUR
BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")

PAIR = """
    endpoints:
      - {name: a, group: core, url: "http://h/"}
      - {name: b, group: shop, url: "http://h/"}
"""


@pytest.fixture
def config(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def test_without_a_word_of_it_certificates_are_warned_of_and_flapping_is_noticed(config: Configured) -> None:
    endpoint = config.endpoint("name: a\nurl: http://h/")
    assert (endpoint.certificate_expiry, endpoint.domain_expiry) == (14 * DAY, 0)
    assert endpoint.flapping == Flapping(changes=6, within=600_000, calm=600_000)
    assert (endpoint.tags, endpoint.depends_on, endpoint.quorum, endpoint.maintenance) == ((), (), None, ())


def test_an_endpoints_own_keys(config: Configured) -> None:
    endpoint = config.endpoint("""
        name: a
        url: http://h/
        tags: [prod, eu]
        quorum: 2
        flapping: {changes: 4, within: 5m, calm: 1m}
        certificate-expiry: 0
        domain-expiry: 30d
    """)
    assert (endpoint.tags, endpoint.quorum) == (("prod", "eu"), 2)
    assert endpoint.flapping == Flapping(changes=4, within=300_000, calm=60_000)
    assert (endpoint.certificate_expiry, endpoint.domain_expiry) == (0, 30 * DAY)


def test_flapping_may_be_switched_off(config: Configured) -> None:
    assert config.endpoint("name: a\nurl: http://h/\nflapping: {enabled: false}").flapping is None


@pytest.mark.parametrize(
    ("text", "window"),
    [
        (
            '{start: "23:00", duration: 1h, timezone: Europe/Berlin, every: [Monday, thursday]}',
            Weekly(start=time(23), duration=HOUR, zone=BERLIN, days=frozenset({0, 3})),
        ),
        ('{enabled: true, start: "04:30", duration: 90m}', Weekly(start=time(4, 30), duration=HOUR * 3 // 2, zone=UTC)),
        (
            "{from: 2026-12-24T22:00, until: 2026-12-25T01:00, timezone: Europe/Berlin}",
            OneOff(begins=1_798_146_000_000, duration=3 * HOUR),
        ),
        (
            "{from: 2026-12-24T22:00+01:00, until: 2026-12-25T01:00+01:00}",
            OneOff(begins=1_798_146_000_000, duration=3 * HOUR),
        ),
        (
            '{cron: "0 3 * * 0", duration: 2h, timezone: Europe/Berlin}',
            Cron(expression="0 3 * * 0", duration=2 * HOUR, zone=BERLIN),
        ),
        (
            '{rrule: "FREQ=MONTHLY;BYDAY=1SU", start: 2026-01-01T04:00, duration: 2h}',
            Recurring(rule="FREQ=MONTHLY;BYDAY=1SU", start=datetime(2026, 1, 1, 4), duration=2 * HOUR, zone=UTC),  # noqa: DTZ001 - wall time
        ),
    ],
)
def test_each_form_of_a_window(config: Configured, text: str, window: object) -> None:
    assert config.endpoint(f"name: a\nurl: http://h/\nmaintenance-windows: [{text}]").maintenance == (window,)


def test_a_disabled_window_is_none(config: Configured) -> None:
    text = 'maintenance-windows: [{enabled: false, start: "23:00", duration: 1h}]'
    assert config.endpoint(f"name: a\nurl: http://h/\n{text}").maintenance == ()


@pytest.mark.parametrize("text", ["{enabled: false}", "{enabled: false, start: soon, every: never}"])
def test_of_a_disabled_window_nothing_else_is_read(config: Configured, text: str) -> None:
    assert config.load(f"endpoints: []\nmaintenance: {text}").endpoints == ()


def test_a_window_on_no_days_is_one_on_all_as_gatus_has_it(config: Configured) -> None:
    text = 'maintenance-windows: [{start: "23:00", duration: 1h, every: []}]'
    window = Weekly(start=time(23), duration=HOUR, zone=UTC)
    assert config.endpoint(f"name: a\nurl: http://h/\n{text}").maintenance == (window,)


def test_a_rules_end_in_utc_is_one_in_its_zone(config: Configured) -> None:
    text = "{rrule: FREQ=DAILY;UNTIL=20260701T020000Z, start: 2026-01-01T04:00, duration: 1h, timezone: Europe/Berlin}"
    (window,) = config.endpoint(f"name: a\nurl: http://h/\nmaintenance-windows: [{text}]").maintenance
    assert isinstance(window, Recurring)
    assert window.rule == "FREQ=DAILY;UNTIL=20260701T040000"


def test_gatuss_global_window_is_for_everybody(config: Configured) -> None:
    settings = config.load(PAIR + '    maintenance: {start: "23:00", duration: 1h, every: [Monday]}\n')
    window = Weekly(start=time(23), duration=HOUR, zone=UTC, days=frozenset({0}))
    assert [endpoint.maintenance for endpoint in settings.endpoints] == [(window,), (window,)]


def test_windows_of_the_section_are_for_groups_or_endpoints(config: Configured) -> None:
    settings = config.load(
        PAIR
        + """
    maintenance:
      - {start: "01:00", duration: 1h, groups: ["co*"]}
      - {start: "02:00", duration: 1h, endpoints: [shop_b]}
      - {start: "03:00", duration: 1h, endpoints: [shop_gone]}
    """
    )
    hours = [[window.start.hour for window in each.maintenance] for each in settings.endpoints]  # type: ignore[union-attr]  # all weekly
    assert hours == [[1], [2]]
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        "maintenance[2].endpoints: no endpoint has the key 'shop_gone'"
    ]


@pytest.mark.parametrize("key", ["groups", "endpoints"])
def test_a_window_for_nobody_is_not_taken_for_one_for_everybody(config: Configured, key: str) -> None:
    problems = config.problems(f'maintenance: [{{start: "01:00", duration: 1h, {key}: []}}]')
    assert problems == [f"1: maintenance[0].{key}: expected at least one, or not this key"]


@pytest.mark.parametrize("gateway", ["enabled: false, url: http://h/", "url: icmp://h"])
def test_one_that_is_left_out_may_be_depended_on(config: Configured, gateway: str) -> None:
    settings = config.load(f"""
    endpoints:
      - {{name: gateway, {gateway}}}
      - {{name: shop, url: "http://h/", depends-on: [_gateway]}}
    """)
    assert [endpoint.key for endpoint in settings.endpoints] == ["_shop"]


def test_what_is_wrong_with_an_endpoint_is_not_told_again_of_those_that_depend_on_it(config: Configured) -> None:
    (problem,) = config.problems("""
    endpoints:
      - {name: gateway, url: "htp//h"}
      - {name: shop, url: "http://h/", depends-on: [_gateway]}
    """)
    assert problem.startswith("3: endpoints[0].url: ")


@pytest.mark.parametrize("url", ["rdap.example", "https://", "https://rdap example/", "ftp://rdap.example/"])
def test_a_registrys_address_is_a_url(config: Configured, url: str) -> None:
    expected = "expected the base URL of an RDAP server, such as https://rdap.example/"
    assert config.problems(f"rdap: {{url: '{url}'}}") == [f"1: rdap.url: {expected}"]


def test_whom_an_endpoint_depends_on(config: Configured) -> None:
    settings = config.load("""
    endpoints:
      - {name: gateway, url: "http://h/"}
      - {name: shop, url: "http://h/", depends-on: [_gateway]}
      - {name: cart, url: "http://h/", depends-on: _shop}
    """)
    assert [endpoint.depends_on for endpoint in settings.endpoints] == [(), ("_gateway",), ("_shop",)]


def test_a_key_that_is_nobodys_and_a_circle_are_errors_with_their_lines(config: Configured) -> None:
    assert config.problems("""
    endpoints:
      - {name: a, url: "http://h/", depends-on: [_gatewy]}
      - {name: gateway, url: "http://h/"}
      - {name: b, url: "http://h/", depends-on: [_c]}
      - {name: c, url: "http://h/", depends-on: [_gateway, _d]}
      - {name: d, url: "http://h/", depends-on: [_b]}
      - {name: e, url: "http://h/", depends-on: [_e]}
    """) == [
        "3: endpoints[0].depends-on: expected keys of endpoints; no endpoint has the key '_gatewy', perhaps '_gateway'",
        "5: endpoints[2].depends-on: expected no circle of endpoints; this is one: _b -> _c -> _d -> _b",
        "8: endpoints[5].depends-on: expected no circle of endpoints; this is one: _e -> _e",
    ]


A_RULE = "an RRULE (RFC 5545) with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY, such as FREQ=MONTHLY;BYDAY=1SU"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quorum: 0", "quorum: expected a whole number from 1 to 1000000000"),
        ("flapping: {changes: 1}", "flapping.changes: expected a whole number from 2 to 1000"),
        ("flapping: {within: fast}", "flapping.within: expected a duration of at least 1s such as 30s, 500ms or 1h30m"),
        ("certificate-expiry: soon", "certificate-expiry: expected a duration such as 30s, 500ms or 1h30m"),
        (
            'maintenance-windows: [{start: "25:00", duration: 1h}]',
            'maintenance-windows[0].start: expected a time of day such as "22:00"',
        ),
        (
            "maintenance-windows: [{duration: 1h}]",
            'maintenance-windows[0].start: expected a time of day such as "23:00"; or from and until, cron, or rrule',
        ),
        ('maintenance-windows: [{start: "23:00"}]', "maintenance-windows[0].duration: expected a duration such as 1h"),
        (
            'maintenance-windows: [{start: "23:00", duration: 1h, timezone: Berlin}]',
            "maintenance-windows[0].timezone: expected a time zone such as Europe/Berlin",
        ),
        (
            "maintenance-windows: [{from: 2026-12-24T22:00}]",
            "maintenance-windows[0].until: expected a date and time such as 2026-12-24T22:00",
        ),
        (
            "maintenance-windows: [{from: tomorrow, until: 2026-12-24T22:00}]",
            "maintenance-windows[0].from: expected a date and time such as 2026-12-24T22:00",
        ),
        (
            "maintenance-windows: [{from: 2026-12-24T22:00, until: 2026-12-24T21:00}]",
            "maintenance-windows[0].until: expected a time after from",
        ),
        (
            'maintenance-windows: [{cron: "0 3 * *", duration: 1h}]',
            'maintenance-windows[0].cron: expected a cron expression of five fields such as "0 3 * * 0"',
        ),
        (
            'maintenance-windows: [{rrule: "FREQ=MINUTELY", start: 2026-01-01T04:00, duration: 1h}]',
            f"maintenance-windows[0].rrule: expected {A_RULE}",
        ),
        (
            'maintenance-windows: [{rrule: "FREQ=DAILY;BYDAY=XX", start: 2026-01-01T04:00, duration: 1h}]',
            f"maintenance-windows[0].rrule: expected {A_RULE}",
        ),
        (
            'maintenance-windows: [{rrule: "FREQ=DAILY", start: 2026-01-01T04:00+01:00, duration: 1h}]',
            "maintenance-windows[0].start: expected a wall time: the window's time zone is its timezone",
        ),
        (
            'maintenance-windows: [{rrule: "FREQ=DAILY", duration: 1h}]',
            "maintenance-windows[0].start: expected a date and time such as 2026-12-24T22:00",
        ),
        (
            'maintenance-windows: [{start: "23:00", duration: 1h, every: [Mon]}]',
            f"maintenance-windows[0].every[0]: expected a day of the week: {', '.join(DAYS)}",
        ),
        ("maintenance-windows: yes", "maintenance-windows: expected a list"),
        *(
            (
                f'maintenance-windows: [{{rrule: "{rule}", start: 2026-01-01T04:00, duration: 1h}}]',
                f"maintenance-windows[0].rrule: expected {expected}",
            )
            for rule, expected in (
                ("FREQ=DAILY;INTERVAL=0", A_RULE),
                ("INTERVAL=00;FREQ=DAILY", A_RULE),
                ("FREQ=DAILY;INTERVAL=-1", A_RULE),
                ("FREQ=DAILY;COUNT=0", "a rule that ever comes"),
                ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "a rule that ever comes"),
            )
        ),
        (
            'maintenance-windows: [{start: "23:00", duration: 30000y}]',
            "maintenance-windows[0].duration: expected a duration of at most 366d",
        ),
        ("maintenance-windows: [{cron: [daily], duration: 1h}]", "maintenance-windows[0].cron: expected a text"),
    ],
)
def test_each_bad_value_is_one_error_with_its_line(config: Configured, text: str, expected: str) -> None:
    problems = config.problems(f"endpoints:\n  - name: a\n    url: http://h/\n    {text}\n")
    assert problems == [f"4: endpoints[0].{expected}"]


def test_our_own_network(config: Configured) -> None:
    assert config.load("endpoints: []").network == NetworkSettings()
    text = 'network: {sentinels: ["1.1.1.1:443", "[::1]:53", "host:1"], hosts: 8, share: 30%, within: 1m}'
    sentinels = (Sentinel("1.1.1.1", 443), Sentinel("::1", 53), Sentinel("host", 1))
    assert config.load(text).network == NetworkSettings(hosts=8, share=0.3, within=60_000, sentinels=sentinels)
    assert not config.load("network: {enabled: false}").network.enabled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("network: {hosts: 2}", "network.hosts: expected a whole number from 3 to 1000000000"),
        ("network: {share: 0.5}", "network.share: expected a share from 1% to 100%"),
        ("network: {share: 101%}", "network.share: expected a share from 1% to 100%"),
        ("network: {share: x%}", "network.share: expected a share from 1% to 100%"),
        ("network: {sentinels: [dns]}", "network.sentinels[0]: expected a host and a port such as 1.1.1.1:443"),
        ('network: {sentinels: ["h:70000"]}', "network.sentinels[0]: expected a host and a port such as 1.1.1.1:443"),
        ("rdap: {url: ftp://h}", "rdap.url: expected the base URL of an RDAP server, such as https://rdap.example/"),
    ],
)
def test_each_bad_value_of_the_network_is_one_error(config: Configured, text: str, expected: str) -> None:
    assert config.problems(text) == [f"1: {expected}"]


def test_where_domains_are_asked_for(config: Configured) -> None:
    assert config.load("rdap: {url: http://127.0.0.1:9/rdap/}").rdap == "http://127.0.0.1:9/rdap"
    assert config.load("endpoints: []").rdap is None


def test_the_section_maintenance_stands_in_one_file_only(tmp_path: Path) -> None:
    text = 'maintenance: {start: "23:00", duration: 1h}\n'
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="maintenance: expected this section in one file only"):
        load([tmp_path], KINDS, CHANNELS, {})
