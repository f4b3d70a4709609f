"""Credentials as values: what they send, what they refuse, what they never show."""

import base64
from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
import pytest

from milkrun.client.auth import Basic, Bearer, ClientCredentials, Digest
from milkrun.client.auth.token import Token
from milkrun.client.errors import UsageError

URL = "https://login.test/token"
ALL = [
    Basic("me", "s3cret"),
    Bearer("s3cret"),
    Digest("me", "s3cret"),
    ClientCredentials("https://x:s3cret@login.test/token", "me", "s3cret", audience="s3cret?"),
    Token(header="Bearer s3cret", renew=0, expires=0),
]


def test_basic_and_bearer_are_known_before_anything_is_sent() -> None:
    assert Basic("Aladdin", "open sesame").header == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617 2
    assert Basic("test", "123£").header == "Basic dGVzdDoxMjPCow=="  # RFC 7617 2.1
    assert Basic("", ":").header == "Basic Ojo="
    assert Bearer("mF_9.B5f-4.1JqM").header == "Bearer mF_9.B5f-4.1JqM"  # RFC 6750 2.1


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Basic("a:s3cret", "p"), "contains a colon"),
        (lambda: Basic("a", "s3cret\n"), "password contains a control character"),
        (lambda: Basic("s3cret\r", "p"), "user name contains a control character"),
        (lambda: Digest("a", "s3cret\0"), "password contains a control character"),
        (lambda: Bearer("s3cret s3cret"), "not one word"),
        (lambda: Bearer("s3crét"), "not one word"),
        (lambda: Bearer(""), "not one word"),
        (lambda: ClientCredentials("login.test", "me", "s3cret"), "not a URL"),
        (lambda: ClientCredentials(URL, "me", "s3cret", scopes="read write"), "scopes is text"),
        (lambda: ClientCredentials(URL, "me", "s3cret", send_in="query"), "send_in is 'query'"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_sent_is_refused_without_a_word_of_the_secret(
    make: Callable[[], object], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        make()
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_secrets_do_not_show(credentials: Basic | Bearer | Token) -> None:
    assert "s3cret" not in repr(credentials) + str(credentials) + f"{credentials.__rich_repr__()}"


def test_who_it_is_does_show() -> None:
    assert repr(ALL[0]) == "Basic(user='me')"
    assert repr(ALL[1]) == "Bearer()"
    assert repr(ALL[3]) == "ClientCredentials(endpoint='https://login.test/token', client_id='me')"


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_credentials_are_values(credentials: Basic | Bearer | Digest | ClientCredentials | Token) -> None:
    twin = msgspec.structs.replace(credentials)
    assert twin is not credentials
    assert twin == credentials
    assert hash(twin) == hash(credentials)
    with pytest.raises(AttributeError):
        setattr(credentials, credentials.__struct_fields__[0], "other")


def test_scopes_may_be_any_sequence() -> None:
    assert hash(ClientCredentials(URL, "a", "b", scopes=["r", "w"])) == hash(
        ClientCredentials(URL, "a", "b", scopes=("r", "w"))
    )


def test_the_identity_goes_in_the_header_form_encoded_first() -> None:
    grant = ClientCredentials(URL, "a:b", "p+/ é", scopes=("read", "write"), audience="https://api.test/")

    fields, form = grant.headers(), dict(parse_qsl(grant.form().decode()))

    assert base64.b64decode(fields["Authorization"].removeprefix("Basic ")) == b"a%3Ab:p%2B%2F+%C3%A9"
    assert fields["Content-Type"] == "application/x-www-form-urlencoded"
    assert form == {"grant_type": "client_credentials", "scope": "read write", "audience": "https://api.test/"}


def test_the_identity_goes_in_the_body_where_the_provider_wants_it_there() -> None:
    grant = ClientCredentials(URL, "me", "p&q", send_in="body")

    assert "Authorization" not in grant.headers()
    assert grant.form() == b"grant_type=client_credentials&client_id=me&client_secret=p%26q"
