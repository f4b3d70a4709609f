"""TLS options: what they may be, which of them share what, and what they never show."""

import gc
import os
import ssl
import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from rich.pretty import pretty_repr

from milkrun.client.dial.client_certificate import ClientCertificate
from milkrun.client.dial.tls import Contexts, TlsOptions, file_edition
from milkrun.client.errors import UsageError

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


def test_clients_of_one_process_share_contexts_so_that_one_per_request_builds_none_of_its_own() -> None:
    assert Contexts().get(TlsOptions()) is Contexts().get(TlsOptions())


def test_a_file_of_roots_that_has_changed_is_read_anew_by_the_next_client(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    one, other = trustme.CA(), trustme.CA()
    contexts = []
    for authority in (one, one, other):
        authority.cert_pem.write_to_path(roots)
        os.utime(roots, ns=(0, 1 if authority is one else 2))
        contexts.append(Contexts().get(TlsOptions(ca_file=str(roots))))

    assert contexts[0] is contexts[1]
    assert contexts[2] is not contexts[1]
    assert contexts[2].get_ca_certs() != contexts[1].get_ca_certs()


def test_roots_that_the_environment_names_are_those_it_names_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = []
    for name in ("one", "other"):
        roots = tmp_path / name
        trustme.CA().cert_pem.write_to_path(roots)
        monkeypatch.setenv("SSL_CERT_FILE", str(roots))
        contexts.append(Contexts().get(TlsOptions()))

    assert contexts[0].get_ca_certs() != contexts[1].get_ca_certs()


def test_a_private_key_is_not_kept_beyond_the_client_it_was_given_to(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    trustme.CA().issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(file)
    tls = TlsOptions(certificate=ClientCertificate(cert_file=str(file)))
    context = weakref.ref(Contexts().get(tls))
    gc.collect()

    assert context() is None


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


def test_no_file_of_roots_and_one_that_is_not_there_have_no_edition(tmp_path: Path) -> None:
    assert file_edition(None) is None
    assert file_edition(str(tmp_path / "missing.pem")) is None
