"""A result's public shape, and endpoints' keys."""

import json

import pytest

from milkrun.core.endpoint import Endpoint
from milkrun.core.keys import endpoint_key
from milkrun.core.observation import Connection, Http, Timings, Tls
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult
from milkrun.core.result_json import iso_ms, iso_seconds, result_json
from tests.support.judging import result

ENDPOINT = Endpoint(
    key="core_checkout",
    name="checkout",
    group="core",
    kind="http",
    target="https://shop.example/health",
    interval=10_000,
    timeout=10.0,
    options=None,
)


def test_a_result_has_exactly_the_documented_shape() -> None:
    passed = ConditionResult(condition="[STATUS] == 200", passed=True, shown="[STATUS] == 200")
    whole = result(
        slot=1_795_341_610_250,
        started=1_795_341_610.2531,
        connection=Connection.WARM,
        peer="10.0.0.7:443",
        lag_ms=0.20004,
        timings=Timings(queue=0.0001, send=0.0001, wait=0.0118, receive=0.0003, total=0.01220049),
        http=Http(status=200, version="1.1", bytes=55),
        tls=Tls(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256", not_before=0.0, not_after=1_798_761_600.0),
        conditions=(passed,),
    )
    shown = result_json(ENDPOINT, whole)
    assert json.loads(json.dumps(shown)) == {
        "endpoint": "core_checkout",
        "group": "core",
        "name": "checkout",
        "url": "https://shop.example/health",
        "location": "local",
        "slot": "2026-11-22T10:00:10.250Z",
        "attempt": 1,
        "trigger": "schedule",
        "started": "2026-11-22T10:00:10.253Z",
        "outcome": "up",
        "connection": "warm",
        "stale_retry": False,
        "peer": "10.0.0.7:443",
        "lag_ms": 0.2,
        "warnings": [],
        "timings_ms": {
            "queue": 0.1,
            "dns": 0.0,
            "connect": 0.0,
            "tls": 0.0,
            "send": 0.1,
            "wait": 11.8,
            "receive": 0.3,
            "total": 12.2,
        },
        "http": {"status": 200, "version": "1.1", "bytes": 55},
        "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "not_after": "2027-01-01T00:00:00Z"},
        "conditions": [{"condition": "[STATUS] == 200", "passed": True, "shown": "[STATUS] == 200"}],
        "failure": None,
    }


def test_parts_that_did_not_happen_are_null() -> None:
    refused = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")
    shown = result_json(ENDPOINT, result(Outcome.DOWN, failure=refused))
    assert (shown["connection"], shown["peer"], shown["http"], shown["tls"]) == (None, None, None, None)
    assert shown["failure"] == {"layer": "connect", "kind": "refused", "message": "nobody listens"}


def test_a_session_without_a_certificate_has_no_end() -> None:
    session = Tls(version=None, cipher=None, not_before=None, not_after=None)
    shown = result_json(ENDPOINT, result(tls=session))
    assert shown["tls"] == {"version": None, "cipher": None, "not_after": None}


def test_times_are_iso_8601_in_utc() -> None:
    assert iso_ms(0) == "1970-01-01T00:00:00.000Z"
    assert iso_ms(1_999) == "1970-01-01T00:00:01.999Z"
    assert iso_seconds(253_402_300_799.9) == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("group", "name", "key"),
    [
        ("core", "checkout", "core_checkout"),
        ("", "Front Page", "_front-page"),
        (" Core/EU ", "a_b.c,d#e+f&g", "core-eu_a-b-c-d-e-f-g"),
    ],
)
def test_a_key_is_made_by_gatus_rule(group: str, name: str, key: str) -> None:
    assert endpoint_key(group, name) == key
