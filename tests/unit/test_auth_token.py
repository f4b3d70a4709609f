"""What a token endpoint answers, read: tokens, refusals, and junk."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client.auth.token import NoToken, Token, token
from tests.support.credentials import Answer

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("bearer"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from(["access_token", "token_type", "expires_in", "error"])
GOOD = b'{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "expires_in": 3600}'  # RFC 6749 4.4.3
DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


def refusal(answer: Answer) -> NoToken:
    with pytest.raises(NoToken) as caught:
        token(answer, 0)
    return caught.value


def test_a_token_lives_from_when_it_was_asked_for_and_is_renewed_a_tenth_ahead() -> None:
    assert token(Answer(GOOD), 1000) == Token(header="Bearer 2YotnFZFEjr1zCsicMWpAA", renew=4240, expires=4600)


@pytest.mark.parametrize(
    ("expires_in", "life", "ahead"),
    [
        ("3600", 3600, 360),
        ('"3599"', 3599, 359.9),
        ("300", 300, 30),
        ("100.5", 100.5, 30),
        ("40", 40, 20),
        ("0", 1, 0.5),
        ("-5", 1, 0.5),
        ("1e300", 86_400, 8640),
        ('"nan"', 300, 30),
        ('"soon"', 300, 30),
        ("true", 300, 30),
        ("null", 300, 30),
        ("[]", 300, 30),
        ("1" + "0" * 400, 300, 30),
    ],
)
def test_a_lifetime_is_what_it_says_within_reason(expires_in: str, life: float, ahead: float) -> None:
    got = token(Answer(f'{{"access_token": "t", "expires_in": {expires_in}}}'.encode()), 0)

    assert got.expires == pytest.approx(life)
    assert got.renew == pytest.approx(life - ahead)


@pytest.mark.parametrize("kind", ['"bearer"', '"BEARER"'])
def test_a_tokens_type_is_compared_without_case(kind: str) -> None:
    assert token(Answer(b'{"access_token": "t", "token_type": %s}' % kind.encode()), 0).header == "Bearer t"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no access_token"),
        (b"<html>", "no access_token"),
        (b"[]", "no access_token"),
        (b"\xff", "no access_token"),
        (b'{"access_token": "\xff"}', "no access_token"),
        (b"[" * 60_000, "no access_token"),
        (b'{"a":' * 12_000, "no access_token"),
        (b"{}", "no access_token"),
        (b'{"access_token": 1}', "no access_token"),
        (b'{"access_token": ""}', "no access_token"),
        (b'{"access_token": "a\\r\\nb"}', "no access_token"),
        (b'{"access_token": "a", "token_type": "mac"}', "not a bearer token"),
        (b'{"access_token": "a", "token_type": 1}', "not a bearer token"),
    ],
    ids=lambda value: value[:40],
)
def test_junk_is_no_token(body: bytes, why: str) -> None:
    assert why in refusal(Answer(body)).why


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (
            401,
            b'{"error": "invalid_client", "error_description": "secret"}',
            "the endpoint answered 401, invalid_client",
        ),
        (400, b'{"error": "secret"}', "the endpoint answered 400"),
        (400, b'{"error": ["invalid_client"]}', "the endpoint answered 400"),
        (302, b"", "the endpoint answered 302"),
        (503, b"<html>", "the endpoint answered 503"),
        (201, GOOD, "the endpoint answered 201"),
    ],
)
def test_a_refusal_says_why_in_the_standards_words_alone(status: int, body: bytes, why: str) -> None:
    assert refusal(Answer(body, status)).why == why


@pytest.mark.parametrize(
    ("fields", "pause"),
    [
        ({}, None),
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "²"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "Mon, 23 Nov 2026 10:01:30 GMT", "Date": DATE}, 90),
        ({"Retry_After": "Mon, 23 Nov 2026 09:00:00 GMT", "Date": DATE}, 0),
        ({"Retry_After": "Mon, 23 Nov 2026 10:01:30 GMT"}, None),
        ({"Retry_After": "Mon, 23 Nov 2026 10:01:30 -0000", "Date": DATE}, None),
    ],
)
def test_how_long_to_stay_away_is_read_from_the_answer(fields: dict[str, str], pause: float | None) -> None:
    assert refusal(Answer(b"", 503, **fields)).pause == pause


@given(body=st.binary(), status=st.sampled_from([200, 400, 503]), after=st.text(), date=st.text())
def test_no_answer_ever_breaks_the_reading(body: bytes, status: int, after: str, date: str) -> None:
    refusal(Answer(body, status, Retry_After=after, Date=date))


@given(said=st.dictionaries(FIELDS, ANYTHING), status=st.sampled_from([200, 400]))
def test_whatever_the_fields_are_it_is_a_token_or_it_is_not(said: dict[str, object], status: int) -> None:
    try:
        got = token(Answer(json.dumps(said).encode(), status), 0)
    except NoToken:
        return
    assert got.header == f"Bearer {said['access_token']}"
    assert 0 < got.renew < got.expires <= 86_400
