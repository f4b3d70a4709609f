"""The small parts of messages: spans, moments, cut lines, idempotency keys, placeholders, signatures."""

import hashlib
import hmac
from datetime import UTC

import pytest

from milkrun.alerting.account import example
from milkrun.alerting.channels.posting import header_key
from milkrun.alerting.channels.signing import signature
from milkrun.alerting.placeholders import fill, has_placeholders, in_json, values_of
from milkrun.alerting.plain import shorten
from milkrun.alerting.spans import iso, moment, span
from tests.support.history import START


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (15_000, "4 h 10 min"),
        (86_400, "1 d"),
        (100_000, "1 d 3 h"),
        (40 * 86_400, "40 d"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, text: str) -> None:
    assert span(int(seconds * 1_000)) == text


def test_a_moment_has_its_zone_and_on_another_day_its_date() -> None:
    assert moment(START, seen=START + 1, zone=UTC) == "15:00 UTC"
    assert moment(START, seen=START + 86_400_000, zone=UTC) == "2026-09-21 15:00 UTC"
    assert iso(START + 7) == "2026-09-21T15:00:00.007Z"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 5, "short"),
        ("two words here", 12, "two words…"),
        ("onlyoneverylongword", 8, "onlyone…"),
        ("a verylongsecondword", 10, "a verylon…"),
        ("ends, with a comma", 7, "ends…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, limit: int, cut: str) -> None:
    assert shorten(text, limit) == cut
    assert len(cut) <= max(limit, len(text))


@pytest.mark.parametrize("key", ["k" * 201, "Straße/1", "a\nb"])
def test_a_key_that_no_header_may_carry_is_hashed_the_same_each_time(key: str) -> None:
    assert header_key(key) == hashlib.sha256(key.encode()).hexdigest()


def test_a_key_that_a_header_may_carry_stays() -> None:
    assert header_key("1-0-outage/core/ops/trigger/0") == "1-0-outage/core/ops/trigger/0"


def test_placeholders_are_filled_in_one_pass_and_escaped_for_json() -> None:
    (incident,) = example()["incidents"]
    incident["endpoint"]["name"] = 'a "name" with [ENDPOINT_URL]'
    values = values_of(incident, {"TRIGGERED": "investigating"})
    body = '{"t": "[ENDPOINT_NAME]", "s": "[ALERT_TRIGGERED_OR_RESOLVED]", "e": "[RESULT_ERRORS]", "o": ["[OTHER]"]}'
    assert has_placeholders(body)
    assert not has_placeholders('["OTHER"]')
    assert fill(body, values, in_json) == (
        '{"t": "a \\"name\\" with [ENDPOINT_URL]", "s": "investigating",'
        ' "e": "connect/refused: nobody listens at 192.0.2.1:443", "o": ["[OTHER]"]}'
    )


def test_a_failed_condition_is_a_condition_and_no_error_to_placeholders() -> None:
    (incident,) = example()["incidents"]
    values = values_of(incident | {"layer": "condition", "cause": "[STATUS] (503) == 200", "purpose": "resolve"}, {})
    assert (values["RESULT_ERRORS"], values["RESULT_CONDITIONS"]) == ("", "[STATUS] (503) == 200")
    assert values["ALERT_TRIGGERED_OR_RESOLVED"] == "RESOLVED"


def test_a_signature_is_over_the_time_and_the_body() -> None:
    expected = hmac.new(b"key", b"1790002800.{}", hashlib.sha256).hexdigest()
    assert signature("key", START, b"{}") == f"t=1790002800,v1={expected}"
