"""Conditions: Gatus's dialect, and what is ours beside it."""

import tracemalloc

import pytest
from msgspec.structs import replace

from milkrun.core.condition import Condition, parse_condition
from milkrun.core.evidence import Evidence
from milkrun.core.grammar import MAX_CONDITION, ConditionError, NotBuiltError
from milkrun.core.observation import Connection, Timings, Tls
from tests.support.judging import certificate, judged, observed

JOHN = '{"name": "john.doe", "age": 18, "adult": true, "tags": ["a", "b"], "inner": {"id": 1}}'


@pytest.mark.parametrize(
    ("condition", "observation"),
    [
        ("[STATUS] == 200", observed(status=200)),
        ("[STATUS] == 0xC8", observed(status=200)),
        ("[status] == 200", observed(status=200)),
        ("200 == [STATUS]", observed(status=200)),
        ("[STATUS] != 500", observed(status=200)),
        ("[STATUS] < 300", observed(status=201)),
        ("[STATUS] <= 200", observed(status=200)),
        ("[STATUS] > 199", observed(status=200)),
        ("[STATUS] >= 200", observed(status=200)),
        ("[STATUS] == any(200, 429)", observed(status=429)),
        ("any(200, 429) == [STATUS]", observed(status=429)),
        ("[STATUS] != any(200, 429)", observed(status=404)),
        ("[STATUS] == pat(4*)", observed(status=404)),
        ("pat(4??) == [STATUS]", observed(status=404)),
        ("[RESPONSE_TIME] < 500", observed()),
        ("[RESPONSE_TIME] < 1s", observed()),
        ("[RESPONSE_TIME] <= 50", observed(timings=Timings(total=0.0509))),
        ("[IP] == 127.0.0.1", observed(address="127.0.0.1")),
        ("[IP] == pat(10.*)", observed(address="10.0.0.7")),
        ("[CONNECTED] == true", observed()),
        ("[CONNECTED] == false", observed(connected=False)),
        ("[BODY] == test", observed(body="test\n")),
        ("[BODY] == ", observed(body="")),
        ("[BODY] < 124", observed(body="123")),
        ("[BODY].name == john.doe", observed(body=JOHN)),
        ("[BODY].inner.id == 1", observed(body=JOHN)),
        ("[BODY].tags[1] == b", observed(body=JOHN)),
        ("[BODY].adult == true", observed(body=JOHN)),
        ("[BODY].tags == [a b]", observed(body=JOHN)),
        ("[BODY].tags == pat(*b*)", observed(body=JOHN)),
        ('[BODY].inner == {"id":1}', observed(body=JOHN)),
        ("[BODY].name != [BODY].age", observed(body=JOHN)),
        ("[BODY][0].id == 1", observed(body='[{"id": 1}, {"id": 2}]')),
        ("[BODY][1][0] == x", observed(body='[[], ["x"]]')),
        ("[BODY].n == 1000000", observed(body='{"n": 1000000}')),
        ("[BODY].n == 2", observed(body='{"n": 2.0}')),
        ("[BODY].n == 2.5", observed(body='{"n": 2.5}')),
        ("[BODY].n > 123", observed(body='{"n": "123.4"}')),
        ("[BODY].n > 0", observed(body='{"n": "0b1"}')),
        ("[BODY].n == [1 2.5 true]", observed(body='{"n": [1, 2.5, true]}')),
        ("[BODY].n == 15", observed(body='{"n": "0xF"}')),
        ("[BODY].n == 8", observed(body='{"n": "010"}')),
        ("[BODY].n == -2", observed(body='{"n": "-0o2"}')),
        ("[BODY].took < 2m", observed(body='{"took": "1m30s"}')),
        ("[BODY].x == [<nil> map[a:1 b:[2]]]", observed(body='{"x": [null, {"b": [2], "a": 1}]}')),
        ("len([BODY]) == 3", observed(body="[1, 2, 3]")),
        ("len([BODY]) == 8", observed(body="john.doe")),
        ("len([BODY]) == 4", observed(body="[abc")),
        ("len([BODY].name) == 8", observed(body=JOHN)),
        ("len([BODY].age) == 2", observed(body=JOHN)),
        ("len([BODY].adult) == 4", observed(body=JOHN)),
        ("len([BODY].tags) >= 2", observed(body=JOHN)),
        ("len([BODY].inner) == 8", observed(body=JOHN)),
        ("len([STATUS]) == 3", observed()),
        ("has([BODY].errors) == false", observed(body="{}")),
        ("has([BODY].name) == true", observed(body=JOHN)),
        ("has([BODY].nothing) == false", observed(body='{"nothing": null}')),
        ("has([BODY]) == false", observed(body=" ")),
        ("has([CERTIFICATE_EXPIRATION]) == false", observed()),
        ("[CERTIFICATE_EXPIRATION] > 48h", observed(tls=certificate(hours=49))),
        ("[CERTIFICATE_EXPIRATION] > 48h", observed(tls=replace(certificate(49), chain_not_after=0.0))),
        ("[CHAIN_EXPIRATION] < 48h", observed(tls=replace(certificate(49), chain_not_after=certificate(47).not_after))),
        ("has([CHAIN_EXPIRATION]) == false", observed(tls=certificate(49))),
        ("[CERTIFICATE_EXPIRATION] > 172800000", observed(tls=certificate(hours=49))),
        ("[HEADER].Content-Type == text/plain", observed(headers={"content-type": "text/plain"})),
        ("[HEADER].etag == x", observed(headers={"ETag": "x"})),
        ("has([HEADER].etag) == false", observed(headers={})),
        ("[CONNECTION] == warm", observed(connection=Connection.WARM)),
        ("[QUEUE] < 1", observed(timings=Timings(queue=0.0005))),
        ("[DNS] <= 1", observed(timings=Timings(dns=0.001))),
        ("[CONNECT] < 2ms", observed(timings=Timings(connect=0.001))),
        ("[TLS] == 1.5", observed(timings=Timings(tls=0.0015))),
        ("[SEND] < 1s", observed()),
        ("[WAIT] < [RESPONSE_TIME]", observed(timings=Timings(wait=0.001, total=0.05))),
        ("[RECEIVE] == 0", observed()),
        ("raw == raw", observed()),
        ("[x] == [x]", observed()),
        ("[BODY] == pat(*(a == b)*)", observed(body="so (a == b).")),
        ("[BODY] == pat(*)*)", observed(body=":-) :")),
    ],
)
def test_a_condition_that_holds_is_shown_as_it_was_written(condition: str, observation: object) -> None:
    verdict = judged(condition, observation)  # type: ignore[arg-type] # one parametrised kind of observation
    assert (verdict.passed, verdict.shown, verdict.condition) == (True, condition, condition)


@pytest.mark.parametrize(
    ("condition", "observation", "shown"),
    [
        ("[STATUS] == 200", observed(status=500), "[STATUS] (500) == 200"),
        ("[STATUS] != 500", observed(status=500), "[STATUS] (500) != 500"),
        ("[STATUS] < 300", observed(status=404), "[STATUS] (404) < 300"),
        ("[STATUS] == 200", observed(status=None), "[STATUS] (no response) == 200"),
        ("[STATUS] == any(200, 429)", observed(status=404), "[STATUS] (404) == any(200, 429)"),
        ("any(200, 429) == [STATUS]", observed(status=404), "any(200, 429) == [STATUS] (404)"),
        ("[RESPONSE_TIME] < 10ms", observed(), "[RESPONSE_TIME] (50) < 10ms"),
        ("[RESPONSE_TIME] < potato", observed(), "[RESPONSE_TIME] (50) < potato (not a number)"),
        ("[BODY].name == jack", observed(body='{"name": "john"}'), "[BODY].name (john) == jack"),
        ("[BODY].name < 5", observed(body='{"name": "jack"}'), "[BODY].name (jack, not a number) < 5"),
        ("[BODY].x == 1", observed(body="{}"), "[BODY].x (INVALID) == 1"),
        ("[BODY].x != 1", observed(body="{}"), "[BODY].x (INVALID) != 1"),
        ("[BODY].x == pat(*)", observed(body="{}"), "[BODY].x (INVALID) == pat(*)"),
        ("[BODY].x > 1", observed(body="{}"), "[BODY].x (INVALID) > 1"),
        ("1 == [BODY].x", observed(body="{}"), "1 == [BODY].x (INVALID)"),
        ("[BODY].x == 1", observed(body='{"x": null}'), "[BODY].x (INVALID) == 1"),
        ("[BODY].x.y == 1", observed(body='{"x": "text"}'), "[BODY].x.y (INVALID) == 1"),
        ("[BODY][0] == 1", observed(body="{}"), "[BODY][0] (INVALID) == 1"),
        ("[BODY][1] == 1", observed(body="[1]"), "[BODY][1] (INVALID) == 1"),
        ("[BODY].x == 1", observed(body="<html>"), "[BODY].x (INVALID: the body is not JSON) == 1"),
        ("[BODY].x == 1", observed(body=b'"\xff"'), "[BODY].x (INVALID: the body is not JSON) == 1"),
        ("[BODY].x == 1", observed(body="[" * 100_000), "[BODY].x (INVALID: the body is not JSON) == 1"),
        ("len([BODY].items) > 5", observed(body='{"items": [1, 2, 3]}'), "len([BODY].items) (3) > 5"),
        ("len([BODY].x) == 5", observed(body="{}"), "len([BODY].x) (INVALID) == 5"),
        ("len([BODY].x) == 5", observed(body="no"), "len([BODY].x) (INVALID: the body is not JSON) == 5"),
        ("len([IP]) == 5", observed(), "len([IP]) (no connection) == 5"),
        ("has([BODY].errors) == false", observed(body='{"errors": [1]}'), "has([BODY].errors) (true) == false"),
        ("[CERTIFICATE_EXPIRATION] > 48h", observed(tls=certificate(24)), "[CERTIFICATE_EXPIRATION] (24h) > 48h"),
        ("[CERTIFICATE_EXPIRATION] > 0", observed(tls=certificate(-1.5)), "[CERTIFICATE_EXPIRATION] (-1h30m) > 0"),
        ("[CERTIFICATE_EXPIRATION] > 48h", observed(), "[CERTIFICATE_EXPIRATION] (no certificate) > 48h"),
        (
            "[CERTIFICATE_EXPIRATION] > 48h",
            observed(tls=Tls(version=None, cipher=None, not_before=None, not_after=None)),
            "[CERTIFICATE_EXPIRATION] (no certificate) > 48h",
        ),
        ("len([CERTIFICATE_EXPIRATION]) > 9", observed(tls=certificate(1)), "len([CERTIFICATE_EXPIRATION]) (7) > 9"),
        ("[HEADER].etag == x", observed(), "[HEADER].etag (INVALID) == x"),
        ("[CONNECTION] == cold", observed(), "[CONNECTION] (warm) == cold"),
        ("[CONNECTION] == cold", observed(connection=None), "[CONNECTION] (no connection) == cold"),
        ("[IP] == pat(10.*)", observed(address="9.9.9.9"), "[IP] (9.9.9.9) == pat(10.*)"),
        ("[WAIT] < 5", observed(timings=Timings(wait=0.0118)), "[WAIT] (11.8) < 5"),
        ("1 == 2", observed(), "1 == 2"),
        ("[BODY].n == 1", observed(body='{"n": 99999999999999999999}'), "[BODY].n (99999999999999999999) == 1"),
        ("[BODY].n == 1", observed(body='{"n": 1e300}'), "[BODY].n (1e+300) == 1"),
        (
            "[BODY] == pat(*john*)",
            observed(body='<!DOCTYPE html><html lang="en"><head>'),
            "[BODY] (<!DOCTYPE html><html lang...(truncated)) == pat(*john*)",
        ),
    ],
)
def test_a_condition_that_fails_is_shown_with_its_values(condition: str, observation: object, shown: str) -> None:
    verdict = judged(condition, observation)  # type: ignore[arg-type] # one parametrised kind of observation
    assert (verdict.passed, verdict.shown, verdict.condition) == (False, shown, condition)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 1, "expected one of =="),
        ("[STATUS]", 9, "expected one of =="),
        ("[STATUS]==200", 9, "a space on each side"),
        ("[STATUS] = = 200", 10, "expected one of =="),
        ("[STATUS] ? 200", 15, "expected one of =="),
        ("[STATSU] == 200", 1, "perhaps [STATUS]"),
        ("200 ==  [XYZZY]", 9, "expected a placeholder that exists: [STATUS]"),
        ("[STATUS].x == 200", 9, "expected nothing more after [STATUS]"),
        ("[BODY].a[x] == 1", 9, "expected .name or [0]"),
        ("[BODY]x]y == 1", 8, "expected .name or [0]"),
        ("[HEADER] == 1", 9, "expected a header's name"),
        ("[HEADER].a b == 1", 9, "expected a header's name"),
        ("len([BODY].users == 100", 17, "expected ) to close len("),
        ("len(users) == 100", 5, "expected a placeholder in len("),
        ("1 == pat([a)", 10, "expected a class with its end"),
        ("1 == pat(\\)", 10, "expected a character after the backslash"),
        ("1 == pat([z-a])", 10, "from low to high"),
        ("pat(a) == any(b)", 11, "expected a value"),
        ("[STATUS] < any(1, 2)", 10, "expected == or !="),
        ("pat(*) >= [STATUS]", 8, "expected == or !="),
        ("[BODY] == " + "x" * MAX_CONDITION, MAX_CONDITION + 1, "expected at most"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where_and_what_was_expected(
    text: str, position: int, expected: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    assert caught.value.position == position
    assert expected in caught.value.expected
    assert str(caught.value) == f"at character {position}: {caught.value.expected}"


@pytest.mark.parametrize(
    "text",
    [
        "[DNS_RCODE] == NOERROR",
        "[DOMAIN_EXPIRATION] > 720h",
        "[CONTEXT].id == 1",
        "age([HEADER].date) < 10m",
        "[BODY].items[*].ok == true",
    ],
)
def test_what_gatus_has_and_we_do_not_build_yet_says_so(text: str) -> None:
    with pytest.raises(NotBuiltError, match="Gatus's and not built yet"):
        parse_condition(text)


def test_an_error_never_repeats_the_condition() -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition("[BODY].token = hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_condition_with_a_secret_is_shown_as_written_and_without_values() -> None:
    condition = parse_condition("[BODY].token == hunter2", written="[BODY].token == ${TOKEN}")
    passing = condition.evaluate(Evidence(observed(body='{"token": "hunter2"}')))
    failing = condition.evaluate(Evidence(observed(body='{"token": "hunter3"}')))
    assert (passing.passed, passing.shown) == (True, "[BODY].token == ${TOKEN}")
    assert (failing.passed, failing.shown) == (False, "[BODY].token == ${TOKEN} (values hidden)")
    assert repr(condition) == "<Condition [BODY].token == ${TOKEN}>"


@pytest.mark.parametrize(
    ("text", "needs_body", "needs_headers", "is_time"),
    [
        ("[STATUS] == 200", False, False, False),
        ("has([BODY].x) == true", True, False, False),
        ("pat(*x*) == [BODY]", True, False, False),
        ("[HEADER].etag == x", False, True, False),
        ("[RESPONSE_TIME] < 1s", False, False, True),
        ("100 > [WAIT]", False, False, True),
        ("[CERTIFICATE_EXPIRATION] > 48h", False, False, False),
    ],
)
def test_a_condition_knows_what_it_needs(text: str, needs_body: bool, needs_headers: bool, is_time: bool) -> None:
    condition = parse_condition(text)
    assert (condition.needs_body, condition.needs_headers, condition.is_time) == (needs_body, needs_headers, is_time)


def test_two_conditions_of_one_text_are_equal() -> None:
    assert parse_condition("[BODY] == pat(*a*)") == parse_condition("[BODY] == pat(*a*)")
    assert len({parse_condition("[BODY] == pat(*a*)"), parse_condition("[BODY] == pat(*a*)")}) == 1


def test_a_passing_condition_gives_the_same_result_every_time() -> None:
    condition = parse_condition("[STATUS] == 200")
    first, second = (condition.evaluate(Evidence(observed())) for _ in range(2))
    assert first is second is condition.passing


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("[STATUS] == 200", 200),
        ("[STATUS] < 1s", 1000.0),
        ("[STATUS] == 200.0", None),
        ("[STATUS] == any(200)", None),
        ("len([STATUS]) == 3", None),
        ("[RESPONSE_TIME] < 3", 3.0),
        ("[RESPONSE_TIME] == 3", 3),
        ("[WAIT] < 3", None),
        ("200 == [STATUS]", None),
        ("[STATUS] == [BODY]", None),
    ],
)
def test_a_plain_condition_is_known_by_its_figure_and_number(text: str, number: float | None) -> None:
    plain = parse_condition(text).plain
    assert (plain and plain[1]) == number


def test_what_is_shown_of_a_large_body_is_bounded() -> None:
    body = b'{"text": "' + b"x" * 1_000_000 + b'"}'
    for text in ("[BODY] == y", "[BODY].text == y", "[BODY].text > 5", "[BODY].text == any(a, b)"):
        assert len(judged(text, observed(body=body)).shown) < 300


def test_a_body_is_read_as_json_once_for_all_conditions() -> None:
    evidence = Evidence(observed(body='{"a": [1]}'))
    assert evidence.json() is evidence.json()


def test_a_value_that_nests_too_deeply_to_be_written_fails_and_says_so() -> None:
    body = '{"x": ' + "[" * 400 + "]" * 400 + "}"
    assert judged("[BODY].x == 1", observed(body=body)).shown == "[BODY].x (INVALID: nested too deeply) == 1"


def test_a_status_condition_costs_no_memory() -> None:
    condition: Condition = parse_condition("[STATUS] == 200")
    evidence = Evidence(observed())
    tracemalloc.start()
    for _ in range(100):
        condition.evaluate(evidence)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 2_000


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("[BODY].user.token == x", "[BODY].user.token (hidden) == x"),
        ("[BODY].passwords[0] == x", "[BODY].passwords[0] (hidden) == x"),
        ("[BODY].user == x", '[BODY].user ({"token":(hidden),"ok":true}) == x'),
        ("[BODY].users == x", "[BODY].users ([map[name:ada token:(hidden)]]) == x"),
        ("[BODY].note == x", "[BODY].note (hidden) == x"),
        ("[BODY].authenticated == true", "[BODY].authenticated (false) == true"),
        ("[BODY].author == x", "[BODY].author (ada) == x"),
        ("len([BODY].passwords[0]) == 9", "len([BODY].passwords[0]) (6) == 9"),
        ("[BODY].passwords[0] < 9", "[BODY].passwords[0] (hidden, not a number) < 9"),
    ],
)
def test_what_an_answer_says_of_secrets_is_not_shown(condition: str, shown: str) -> None:
    body = (
        '{"user": {"token": "s3cr3t", "ok": true}, "users": [{"name": "ada", "token": "s3cr3t"}],'
        ' "passwords": ["s3cr3t"], "note": "eyJhbGciOiJI.eyJzdWIi.SflKxw", "authenticated": false, "author": "ada"}'
    )
    assert parse_condition(condition).evaluate(Evidence(observed(body=body))).shown == shown
