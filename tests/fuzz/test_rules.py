"""What servers send and people write, read by rules: they answer, or refuse in the one way they say they do."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milkrun.client import Client
from milkrun.client.auth.challenge import challenges, parameters
from milkrun.client.auth.digest_rules import strongest
from milkrun.client.charset import text
from milkrun.client.dial.certificate import parse_certificate
from milkrun.client.errors import RequestError, UsageError
from milkrun.client.facts import Certificate
from milkrun.client.headers import Headers
from milkrun.client.http1.lenient import repair
from milkrun.client.redirect import destination
from milkrun.client.url import Url, join, parse_url
from tests.fuzz.certificates import GARBAGE, NAMED, PLAIN, garbled
from tests.fuzz.responses import TOKENS, Made, tolerable

PARTS = [
    *(
        "http://",
        "HTTPS://",
        "//",
        "/",
        "\\",
        "?",
        "#",
        "@",
        ":",
        ":80",
        ":99999",
        ":0",
        "::1",
        "[",
        "]",
        "[::1]",
        "[v1.x]",
    ),
    *("a.test", "user:pass@", "%", "%41", "%00", "%zz", "%0d%0a", ".", "..", "1.2.3.4", "1.2.3", "0x7f.1", "256.1.1.1"),
    *(
        "é",
        "日本",
        "xn--",
        "xn--a",
        "\u200d",
        "\ufeff",
        "\u0130",
        "\uff0e",
        "\ud800",
        "\x00",
        "\x7f",
        "\t",
        "\r\n",
        " ",
    ),
    *("a" * 70, "mailto:", "javascript:", "ftp://", "&", "=", ";", "*", "|", '"', "<", "^", "`", "{", "٣", "²"),
]
WORDS = ["Digest", "realm=", "nonce=", "qop=auth", '"', "a", "\\", ",", " ", "=", "é"]
ADDRESS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(PARTS), max_size=8).map("".join)).flatmap(
    lambda rest: st.sampled_from([rest, f"http://{rest}", f"https://a.test/{rest}", f"http://a.test:81{rest}"])
)
BASE = parse_url("http://me:secret@a.test:81/b/c?d=e")


def check_url(url: Url, written: str) -> None:
    """It is one that can be asked for, and says the same when it is read again."""
    assert url.text.isascii()
    assert url.text.isprintable()
    assert " " not in url.text
    assert parse_url(url.text) == msgspec.structs.replace(url, userinfo=None), written
    head, _, rest = Client().prepare("GET", url.text).data.partition(b"\r\n")
    assert head.count(b" ") == 2
    assert rest.startswith(f"Host: {url.origin.authority}\r\n".encode())


@given(ADDRESS)
@example("http://a.test/\ud800")
def test_an_address_is_a_url_or_a_usage_error(address: str) -> None:
    try:
        url = parse_url(address)
    except UsageError:
        return
    check_url(url, address)


@given(ADDRESS)
def test_a_location_leads_to_a_url_or_a_usage_error(location: str) -> None:
    try:
        url = join(BASE, location)
    except UsageError:
        return
    check_url(url, location)
    assert "secret" not in url.text or "secret" in location


@given(
    ADDRESS.map(lambda text: text.encode("utf-8", "replace").decode("latin-1")), st.sampled_from(["all", "same-origin"])
)
def test_a_redirect_leads_to_a_url_or_is_a_bad_header(location: str, redirects: str) -> None:
    request = Client().prepare("GET", "http://me:secret@a.test:81/b/c?d=e", redirects=redirects)  # type: ignore[arg-type]  # drawn
    try:
        url = destination(request, 302, location)
    except RequestError as err:
        assert (err.layer, err.kind, len(err.message) < 400) == ("protocol", "bad-header", True)  # noqa: PT017  # fine, too
        return
    if url is not None:
        check_url(url, location)
        assert redirects == "all" or url.origin == request.url.origin
        assert url.userinfo != ("me", "secret") or url.origin == request.url.origin


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12).map(b"".join))
def test_fields_can_be_read_of_anything(head: bytes) -> None:
    headers = Headers.from_head(head)
    for name in headers:
        assert name == name.lower()
        assert headers[name] == ", ".join(headers.get_all(name))
    assert sum(len(headers.get_all(name)) for name in headers) == len(headers.raw)


@given(tolerable())
def test_a_repaired_head_needs_no_repair(made: Made) -> None:
    head, found = repair(made.head)
    assert set(found) == made.warnings
    assert repair(head) == (head, ())


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=12).map(b"".join))
def test_a_head_is_repaired_or_named(fields: bytes) -> None:
    end = (b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n").replace(b"\n\n", b"\n").partition(b"\n\r\n")
    try:
        head, _ = repair(end[0] + end[1])
    except RequestError as err:
        assert err.layer == "protocol"  # noqa: PT017  # either way out is right
        return
    assert repair(head) == (head, ())
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\n") == head.count(b"\r\n")


@given(garbled())
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_certificate_has_facts_or_none(der: bytes) -> None:
    assert isinstance(parse_certificate.__wrapped__(der), Certificate | None)


@pytest.mark.parametrize("der", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_of_every_kind_is_no_certificate_or_one_without_names(der: bytes) -> None:
    facts = parse_certificate(der)
    assert facts is None or facts.names == ()


def test_the_certificates_that_are_garbled_are_some_before() -> None:
    plain, named = parse_certificate(PLAIN), parse_certificate(NAMED)
    assert plain is not None
    assert plain.names == ()
    assert named is not None
    assert named.names == ("a.test", "127.0.0.1", "::1")


@pytest.mark.parametrize("begun", ["", "a", 'a="', "a=", "a b"])
@pytest.mark.parametrize("filler", [",", " ", "\t", "=", '"', "\\", "a ", "a,", "a=b,", 'a="', '\\"', "a\t=", "a =b "])
def test_what_a_challenge_is_made_of_does_not_decide_how_long_it_takes_to_read(begun: str, filler: str) -> None:
    for end in ("", '"', "x"):
        field = begun + filler * 20_000 + end
        challenges([field])
        parameters(field)


@given(
    st.lists(st.sampled_from(["Digest", "realm=", "nonce=", '"', "a", "\\", ",", " ", "=", "é"]), max_size=12).map(
        "".join
    )
)
def test_any_challenge_offers_something_to_answer_or_nothing(field: str) -> None:
    for challenge in challenges([field]):
        assert challenge.scheme == challenge.scheme.lower()
    terms = strongest(challenges([field]))
    assert terms is None or "digest" in field.lower()


@given(st.binary(max_size=50), st.text(max_size=50))
def test_any_body_of_any_type_is_some_text(body: bytes, content_type: str) -> None:
    text(body, content_type)
    text(body, f"text/plain; charset={content_type}")
