"""What evidence may show of an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.masking import HIDDEN, is_secret, masked_headers, masked_text, without


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"password": "hunter2", "user": "ada"}', '{"password": (hidden), "user": "ada"}'),
        ('{"accessToken":"a\\"b","n":1}', '{"accessToken":(hidden),"n":1}'),
        ('{"client_secret": 12345}', '{"client_secret": (hidden)}'),
        ('{"secret": {"token": "abc"}}', '{"secret": {"token": (hidden)}}'),
        ('{"token": "cut off by the en', '{"token": (hidden)'),
        ("{\"token\": \"cut off by the en\\", '{"token": (hidden)'),
        ('{"message": "no such user"}', '{"message": "no such user"}'),
        ("user=ada&api_key=s3cret&x=1", "user=ada&api_key=(hidden)&x=1"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer (hidden)"),
        ("got eyJhbGciOiJI.eyJzdWIiOi.SflKxw there", "got (hidden) there"),
        ('{"author": "ada", "authority": "h"}', '{"author": "ada", "authority": "h"}'),
        ('{"authorisation": "abc"}', '{"authorisation": (hidden)}'),
        ("a plain sentence about a basic problem", "a plain sentence about a basic problem"),
    ],
)  # fmt: skip
def test_values_of_keys_that_hold_secrets_are_hidden(text: str, masked: str) -> None:
    assert masked_text(text) == masked


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Auth-Token", "X-Session-Id"])
def test_headers_that_hold_secrets_have_no_value(name: str) -> None:
    assert is_secret(name)
    assert masked_headers({name: "abc"}) == ((name, HIDDEN),)


def test_other_headers_are_shown() -> None:
    assert masked_headers({"Server": "nginx", "Location": "/?token=abc"}) == (
        ("Server", "nginx"),
        ("Location", "/?token=(hidden)"),
    )


def test_an_endpoints_own_secrets_are_hidden_wherever_they_stand() -> None:
    assert without(("s3cret", "s3"), "it said s3cret and s3") == f"it said {HIDDEN} and {HIDDEN}"


@given(secret=st.text(st.characters(codec="ascii", exclude_characters='"\\'), min_size=1), cut=st.integers(0, 60))
def test_wherever_a_body_is_cut_no_part_of_a_members_secret_is_shown(secret: str, cut: int) -> None:
    marked = f"<<{secret}>>"
    body = f'{{"ok": false, "password": "{marked}", "n": 1}}'[: 30 + cut]
    assert "<<" not in masked_text(body)


@pytest.mark.parametrize("piece", ['"', '\\"', '{"', "token", "token=", 'a"token":', "Bearer ", "eyJ.", "a.b-"])
def test_no_repetition_makes_masking_go_back_over_what_it_has_seen(piece: str) -> None:
    text = piece * 40_000  # by its square this would take minutes
    assert masked_text(text).count("token") <= text.count("token")
