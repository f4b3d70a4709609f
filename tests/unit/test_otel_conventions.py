"""What the semantic conventions call the parts of an exchange."""

import asyncio

import pytest

from milkrun.client import Client, ConnectionFacts, ProxyFacts, RequestError
from milkrun.client.facts import AnswerFacts
from milkrun.client.otel.conventions import Attributes, Describer, error_type, outcome, peer

CLIENT = Client()
PROXY = ProxyFacts(url="http://proxy.test:3128", peer="10.0.0.9:3128")


def facts(shown: str | None, proxy: ProxyFacts | None = None) -> ConnectionFacts:
    return ConnectionFacts(reused=False, age=0.0, uses=0, peer=shown, address=None, proxy=proxy)


def test_a_request_is_described_by_its_method_server_and_url() -> None:
    request = CLIENT.prepare("GET", "https://example.test/a?b=c")
    assert Describer().request(request, 1) == {
        "http.request.method": "GET",
        "server.address": "example.test",
        "server.port": 443,
        "url.full": "https://example.test/a?b=c",
    }


def test_an_attempt_after_the_first_says_how_often_it_was_sent_again() -> None:
    request = CLIENT.prepare("GET", "https://example.test/")
    assert Describer().request(request, 3)["http.request.resend_count"] == 2


def test_a_method_that_nobody_knows_makes_no_name_of_its_own() -> None:
    request = CLIENT.prepare("BREW", "http://example.test/")
    described = Describer().request(request, 1)
    assert (described["http.request.method"], described["http.request.method_original"]) == ("_OTHER", "BREW")
    assert Describer().name(request) == "HTTP"
    taught = Describer(methods=("BREW",))
    assert (taught.name(request), taught.request(request, 1)["http.request.method"]) == ("BREW", "BREW")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:secret@example.test/", "http://example.test/"),
        ("http://example.test/?a=1&sig=s3cr%2Ft&b=2", "http://example.test/?a=1&sig=REDACTED&b=2"),
        ("http://example.test/?Signature=x&SIG=y", "http://example.test/?Signature=REDACTED&SIG=REDACTED"),
        ("http://example.test/?X-Amz-Signature=x", "http://example.test/?X-Amz-Signature=REDACTED"),
        ("http://example.test/?design=x&sigma=y", "http://example.test/?design=x&sigma=y"),
        ("http://example.test/sig=x", "http://example.test/sig=x"),
        ("http://example.test/?sig=", "http://example.test/?sig="),
    ],
)
def test_secrets_are_not_in_the_url(url: str, shown: str) -> None:
    assert Describer().request(CLIENT.prepare("GET", url), 1)["url.full"] == shown


def test_which_parameters_are_secret_can_be_said() -> None:
    request = CLIENT.prepare("GET", "http://example.test/?token=x&sig=y")
    assert Describer(secrets=("token",)).request(request, 1)["url.full"].endswith("?token=REDACTED&sig=y")  # type: ignore[union-attr]  # it is text
    assert Describer(secrets=()).request(request, 1)["url.full"] == request.url.text


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (200, None, None),
        (302, None, None),
        (404, None, "404"),
        (503, None, "503"),
        (None, None, None),
        (None, RequestError("dns", "not-found", "no such name"), "dns/not-found"),
        (200, RequestError("receive", "truncated", "it ended early"), "receive/truncated"),
        (None, asyncio.CancelledError(), "asyncio.exceptions.CancelledError"),
        (None, KeyError("x"), "KeyError"),
    ],
)
def test_a_failure_has_few_words(status: int | None, error: BaseException | None, kind: str | None) -> None:
    answer = None if status is None else AnswerFacts(status=status, version="1.1", bytes=0)
    assert error_type(answer, error) == kind
    assert outcome(answer, error).get("error.type") == kind


def test_what_came_is_described_by_status_and_version() -> None:
    came = outcome(AnswerFacts(status=200, version="2", bytes=9), None)
    assert came == {"http.response.status_code": 200, "network.protocol.version": "2"}


@pytest.mark.parametrize(
    ("connection", "attributes"),
    [
        (None, {}),
        (facts(None), {}),
        (facts("127.0.0.1:80"), {"network.peer.address": "127.0.0.1", "network.peer.port": 80}),
        (facts("[::1]:443"), {"network.peer.address": "::1", "network.peer.port": 443}),
        (facts("unix:/run/x:1"), {"network.peer.address": "/run/x:1"}),
        (facts("example.test:80", PROXY), {"network.peer.address": "10.0.0.9", "network.peer.port": 3128}),
    ],
)
def test_the_peer_is_who_the_connection_leads_to(connection: ConnectionFacts | None, attributes: Attributes) -> None:
    assert peer(connection) == attributes
