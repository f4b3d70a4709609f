"""The answer to a digest challenge, by the examples of the RFCs and by hand."""

import hashlib

import pytest

from milkrun.client.auth.challenge import Challenge, challenges
from milkrun.client.auth.digest_rules import Terms, Use, account, authorization, session_key, strongest

RFC_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def terms_of(field: str) -> Terms:
    terms = strongest(challenges([field]))
    assert terms is not None
    return terms


def answer_to(
    field: str,
    user: str,
    password: str,
    *,
    target: str = "/",
    nonce: str | None = None,
    cnonce: str = "c",
    count: int = 1,
    content: bytes | None = None,
) -> dict[str, str]:
    """The parameters of the Authorization for a GET."""
    terms, who = terms_of(field), account(user, password)
    key = session_key(terms, who, cnonce)
    use = Use(method="GET", target=target, content=content, nonce=nonce or terms.nonce, count=count, cnonce=cnonce)
    (answer,) = challenges([authorization(terms, who, key, use)])
    assert answer.scheme == "digest"
    return answer.parameters


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_rfcs_first_example_comes_out(algorithm: str, response: str) -> None:  # RFC 7616 3.9.1
    field = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{RFC_NONCE}", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    assert answer_to(field, "Mufasa", "Circle of Life", target="/dir/index.html", cnonce=RFC_CNONCE) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": RFC_NONCE,
        "nc": "00000001",
        "cnonce": RFC_CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }


def test_the_rfcs_second_example_comes_out_as_its_erratum_has_it() -> None:  # RFC 7616 3.9.2, erratum 4897
    field = (
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, charset=UTF-8, userhash=true, '
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"'
    )
    cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"

    said = answer_to(field, "Jäsøn Doe", "Secret, or not?", target="/doe.json", cnonce=cnonce)

    assert said["username"] == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert said["response"] == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert said["userhash"] == "true"


def test_a_server_of_1999_is_answered_without_qop() -> None:  # RFC 2069 2.4, by its erratum 749
    field = (
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    said = answer_to(field, "Mufasa", "CircleOfLife", target="/dir/index.html")

    assert said["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert not said.keys() & {"qop", "nc", "cnonce", "algorithm"}


def test_content_is_part_of_the_answer_only_where_the_server_takes_nothing_less() -> None:
    field = 'Digest realm="r", nonce="n", qop="auth-int"'

    with_content = answer_to(field, "u", "p", content=b"content")
    without = answer_to(field, "u", "p")

    key = md5("u", "r", "p")
    assert with_content["response"] == md5(key, "n", "00000001", "c", "auth-int", md5("GET", "/", md5("content")))
    assert without["response"] == md5(key, "n", "00000001", "c", "auth-int", md5("GET", "/", md5("")))
    assert strongest(challenges([field]), readable=False) is None
    assert answer_to('Digest realm="r", nonce="n", qop="auth-int,auth"', "u", "p")["qop"] == "auth"


def test_a_session_key_outlives_its_nonce() -> None:
    field = 'Digest realm="r", nonce="first", qop="auth", algorithm=MD5-sess'

    said = answer_to(field, "u", "p", nonce="second", count=2)

    key = md5(md5("u", "r", "p"), "first", "c")
    assert said["response"] == md5(key, "second", "00000002", "c", "auth", md5("GET", "/"))
    assert (said["nonce"], said["nc"], said["algorithm"]) == ("second", "00000002", "MD5-sess")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["MD5", "SHA-256"], "SHA-256"),
        (["SHA-512-256", "SHA-256", "MD5"], "SHA-512-256"),
        (["NEW-HASH", "md5"], "md5"),
        (["SHA-256-sess", "SHA-256"], "SHA-256-sess"),  # equals: the server's first
        (["TOKEN"], None),
    ],
)
def test_the_strongest_known_of_several_challenges_is_taken(offered: list[str], chosen: str | None) -> None:
    fields = [f'Basic realm="r", Digest realm="r", nonce="n", qop="auth", algorithm={name}' for name in offered]

    terms = strongest(challenges(fields))

    assert (terms and terms.algorithm) == chosen


@pytest.mark.parametrize(
    "field",
    [
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce="n", qop="auth-conf"',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',
        'Digest realm="r", nonce="n", algorithm=-sess',
        'Digest realm="r\x01", nonce="n"',
        'Digest realm="r", nonce="n\r"',
        'Digest realm="r", nonce="n", opaque="\x00"',
    ],
)
def test_what_cannot_be_answered_is_no_offer(field: str) -> None:
    assert strongest(challenges([field])) is None


def test_what_only_the_server_understands_goes_back_as_it_came() -> None:
    answer = authorization(
        terms := terms_of('Digest realm="a \\"b\\" \\\\", nonce="\xe9", opaque=""'),
        who := account('m"e', "p"),
        session_key(terms, who, "c"),
        Use(method="GET", target="/", content=None, nonce="\xe9", count=1, cnonce="c"),
    )
    assert 'username="m\\"e", realm="a \\"b\\" \\\\", nonce="\xe9"' in answer
    assert 'opaque=""' in answer


def test_a_name_beyond_ascii_is_utf_8_in_the_form_that_the_server_reads() -> None:
    modern = 'Digest realm="r", nonce="n", qop="auth", charset=utf-8'
    legacy = 'Digest realm="r", nonce="n", qop="auth"'

    assert answer_to(modern, "Jäsøn Doe", "p")["username*"] == "UTF-8''J%C3%A4s%C3%B8n%20Doe"
    assert "username" not in answer_to(modern, "Jäsøn Doe", "p")
    assert answer_to(legacy, "Jä", "p")["username"].encode("latin-1") == "Jä".encode()
    assert answer_to(legacy, "Jä", "p")["response"] == answer_to(legacy, "Ja\u0308", "p")["response"]
    assert answer_to(modern, "me", "p")["username"] == "me"


def test_parameters_are_compared_without_case() -> None:
    offer = Challenge(
        "digest", {"realm": "r", "nonce": "n", "algorithm": "sha-256-SESS", "stale": "TRUE", "qop": "Auth"}
    )

    terms = strongest([offer])

    assert terms is not None
    assert (terms.session, terms.stale, terms.qop, terms.userhash) == (True, True, "auth", False)
