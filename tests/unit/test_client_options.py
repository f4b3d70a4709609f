"""Options: what no request and no client has is refused, and never left out in silence."""

import pytest

from milkrun.client import Client, Limits, UsageError


@pytest.mark.parametrize("option", ["verify", "follow_redirects", "params", "json", "timeouts", "cookies"])
def test_an_option_that_is_none_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"no option '{option}'"):
        Client().prepare("GET", "https://a.test/", **{option: None})  # type: ignore[arg-type]  # who does not check types


@pytest.mark.parametrize("option", ["verify", "headers", "base_url", "timeout"])
def test_an_option_that_no_client_has_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"no option '{option}'"):
        Client(**{option: None})  # type: ignore[arg-type]  # who does not check types


@pytest.mark.parametrize(
    ("option", "value"), [("redirects", True), ("redirects", "always"), ("body", "stream"), ("http2", "h2c")]
)
def test_a_choice_that_is_none_is_refused(option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"{option} is {value!r}; expected one of"):
        Client().prepare("GET", "https://a.test/", **{option: value})  # type: ignore[arg-type]  # who does not check types


@pytest.mark.parametrize("limit", ["total", "per_origin", "handshakes"])
def test_a_limit_that_nothing_could_pass_is_refused(limit: str) -> None:
    with pytest.raises(UsageError, match="expected 1 or more"):
        Limits(**{limit: 0})


@pytest.mark.parametrize(
    ("given", "said"),
    [("a.test", "a.test"), ("A.Test", "a.test"), ("é.test", "xn--9ca.test"), ("::1", "::1"), ("[::1]", "::1")],
)
def test_a_server_name_is_brought_into_the_form_that_a_handshake_takes(given: str, said: str) -> None:
    assert Client(server_name=given).prepare("GET", "https://b.test/").options.tls.server_name == said


@pytest.mark.parametrize("name", ["", ".a.test", "a b", "a\0b", "a.test/x", "me@a.test", "a.test:443", "x" * 300])
def test_a_server_name_that_no_handshake_takes_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="server_name is"):
        Client().prepare("GET", "https://a.test/", server_name=name)


@pytest.mark.parametrize("content", [5, 1.5, {"a": "b"}, object()])
def test_content_that_is_no_bytes_is_refused(content: object) -> None:
    with pytest.raises(UsageError, match="the content is a"):
        Client().prepare("POST", "https://a.test/", content=content)  # type: ignore[arg-type]  # who does not check types


@pytest.mark.parametrize("content", [bytearray(b"abc"), memoryview(b"abc")])
def test_what_is_as_good_as_bytes_is_sent_as_it_was_given(content: bytearray | memoryview) -> None:
    assert Client().prepare("POST", "https://a.test/", content=content).data.endswith(b"Content-Length: 3\r\n\r\nabc")
