"""TLS options: what they may be, which of them share what, and what they never show."""

import ssl
from itertools import pairwise
from typing import Any

import pytest
from rich.pretty import pretty_repr

from milkrun.client.client_certificate import ClientCertificate
from milkrun.client.errors import UsageError
from milkrun.client.tls import Contexts, TlsOptions

CERTIFICATE = ClientCertificate(cert_file="client.pem", key_file="client.key", password="hush")
DIFFERENT: list[dict[str, Any]] = [
    {},
    {"insecure": True},
    {"ca_file": "one.pem"},
    {"ca_file": "two.pem"},
    {"certificate": CERTIFICATE},
    {"certificate": ClientCertificate(cert_file="client.pem", key_file="client.key")},
    {"certificate": ClientCertificate(cert_file="client.pem", key_file="client.key", password="other")},
    {"certificate": ClientCertificate(cert_file="client.pem")},
    {"server_name": "one.test"},
    {"server_name": "two.test"},
    {"minimum_version": "TLSv1.3"},
    {"minimum_version": "TLSv1"},
    {"alpn": ("h2", "http/1.1")},
    {"alpn": ("http/1.1", "h2")},
    {"alpn": ()},
]


def test_every_choice_has_a_key_of_its_own_and_the_default_none() -> None:
    keys = [TlsOptions(**choice).key for choice in DIFFERENT]

    assert len(set(keys)) == len(DIFFERENT)
    assert keys[0] == ""


@pytest.mark.parametrize("choice", DIFFERENT)
def test_equal_choices_are_equal(choice: dict[str, Any]) -> None:
    assert TlsOptions(**choice) == TlsOptions(**choice)
    assert TlsOptions(**choice).key == TlsOptions(**choice).key


@pytest.mark.parametrize("show", [repr, str, pretty_repr, lambda options: options.key])
def test_a_password_is_never_shown(show: Any) -> None:
    assert "hush" not in show(TlsOptions(certificate=CERTIFICATE))
    assert "client.pem" in show(TlsOptions(certificate=CERTIFICATE))


def test_equal_options_share_one_context_and_unequal_ones_never() -> None:
    contexts = Contexts()
    choices: list[dict[str, Any]] = [{}, {"insecure": True}, {"minimum_version": "TLSv1.3"}, {"alpn": ("h2",)}]
    built = [contexts.get(TlsOptions(**choice)) for choice in choices]

    assert [contexts.get(TlsOptions(**choice)) for choice in choices] == built
    assert all(one is not other for one, other in pairwise(built))
    assert len(set(map(id, built))) == len(choices)


def test_a_server_name_needs_no_context_of_its_own() -> None:
    contexts = Contexts()

    assert contexts.get(TlsOptions(server_name="one.test")) is contexts.get(TlsOptions())


def test_nothing_is_offered_for_resumption_for_a_resumed_session_hides_the_certificate() -> None:
    assert Contexts().get(TlsOptions()).options & ssl.OP_NO_TICKET


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"minimum_version": "SSLv3"}, "expected one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"),
        ({"minimum_version": "1.2"}, "expected one of TLSv1"),
        ({"alpn": ("",)}, "expected a name such as http/1.1"),
        ({"alpn": ("x" * 256,)}, "expected a name such as http/1.1"),
        ({"alpn": ("hä",)}, "expected a name such as http/1.1"),
    ],
)
def test_what_cannot_be_chosen_is_a_mistake_that_says_what_was_expected(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TlsOptions(**choice)
