"""What a client learns of digest spaces: when it asks, when it goes ahead, when it gives up."""

import pytest

from milkrun.client.auth import Digest
from milkrun.client.auth.challenge import challenges
from milkrun.client.auth.digest import DigestSession
from milkrun.client.headers import Headers
from tests.support.credentials import Ask, FakeClient

Said = dict[str, str]


@pytest.fixture
def session() -> DigestSession:
    return Digest("me", "secret").session(FakeClient(), float)


def challenge(nonce: str, *, realm: str = "r", more: str = "") -> Headers:
    field = f'Digest realm="{realm}", nonce="{nonce}", qop="auth"{more}'
    return Headers(((b"WWW-Authenticate", field.encode()),))


def read(authorization: str | None) -> Said:
    assert authorization is not None
    return challenges([authorization])[0].parameters


async def ahead(session: DigestSession, url: str = "http://a.test/x") -> Said | None:
    """What goes along before anything is asked."""
    value = await session.authorize(Ask(url))
    return None if value is None else read(value)


def answers(
    session: DigestSession, headers: Headers, *, sent: str | None = None, url: str = "http://a.test/x"
) -> str | None:
    """What a 401 with these headers is answered with."""
    return session.answered(Ask(url), sent, 401, headers)


async def opened(session: DigestSession, nonce: str = "n1", *, more: str = "") -> str:
    """A space that the credentials have opened; gives what was sent."""
    sent = answers(session, challenge(nonce, more=more))
    assert sent is not None
    assert session.answered(Ask("http://a.test/x"), sent, 200, Headers(())) is None
    return sent


async def test_nothing_goes_along_before_a_challenge(session: DigestSession) -> None:
    assert await ahead(session) is None


async def test_a_known_nonce_goes_ahead_with_each_request_and_no_count_twice(session: DigestSession) -> None:
    sent = await opened(session)
    assert session.answered(Ask("http://a.test/x"), sent, 200, Headers(())) is None
    first = read(sent)
    others = [await ahead(session, f"http://a.test/{number}") for number in range(3)]

    assert [(said["nonce"], said["nc"], said["uri"]) for said in (first, *filter(None, others))] == [
        ("n1", "00000001", "/x"),
        ("n1", "00000002", "/0"),
        ("n1", "00000003", "/1"),
        ("n1", "00000004", "/2"),
    ]


async def test_another_origin_is_told_nothing(session: DigestSession) -> None:
    await opened(session)

    for url in ("http://b.test/x", "https://a.test/x", "http://a.test:81/x"):
        assert await ahead(session, url) is None


async def test_a_401_without_a_challenge_that_we_know_stands(session: DigestSession) -> None:
    assert answers(session, Headers(())) is None
    assert answers(session, Headers(((b"www-authenticate", b"Basic realm=r"),))) is None
    assert answers(session, challenge("n", more=", algorithm=NEW")) is None


async def test_a_wrong_password_is_tried_once_and_the_next_request_asks_first(session: DigestSession) -> None:
    sent = answers(session, challenge("n1"))

    assert answers(session, challenge("n2"), sent=sent) is None
    assert await ahead(session) is None
    assert answers(session, challenge("n3")) is not None


async def test_a_stale_nonce_is_replaced_at_once(session: DigestSession) -> None:
    sent = await opened(session)

    again = read(answers(session, challenge("n2", more=", stale=true"), sent=sent))

    assert (again["nonce"], again["nc"]) == ("n2", "00000001")
    assert (await ahead(session) or {})["nc"] == "00000002"


async def test_a_server_that_forgot_its_nonces_without_saying_so_is_answered_if_it_knew_us(
    session: DigestSession,
) -> None:
    sent = await opened(session)

    again = answers(session, challenge("n2"), sent=sent)

    assert read(again)["nonce"] == "n2"
    assert answers(session, challenge("n3"), sent=again) is None, "the password has changed"


async def test_requests_on_their_way_when_nonces_were_forgotten_are_all_answered(session: DigestSession) -> None:
    await opened(session)
    sent = [await session.authorize(Ask("http://a.test/x")) for _ in range(3)]

    again = [answers(session, challenge(f"m{number}"), sent=value) for number, value in enumerate(sent)]

    assert [read(value)["nonce"] for value in again] == ["m0", "m1", "m2"]


async def test_the_next_nonce_comes_with_a_response(session: DigestSession) -> None:
    sent = await opened(session, more=", algorithm=MD5-sess")
    info = Headers(((b"Authentication-Info", b'nextnonce="n2", qop=auth'),))
    cnonce = read(sent)["cnonce"]

    session.answered(Ask("http://a.test/x"), sent, 200, info)
    session.answered(Ask("http://a.test/x"), sent, 200, info)  # said twice, it is not used up anew
    said = await ahead(session) or {}
    session.answered(Ask("http://a.test/x"), sent, 200, Headers(((b"Authentication-Info", b"nextnonce="),)))

    assert (said["nonce"], said["nc"], said["cnonce"]) == ("n2", "00000001", cnonce)
    assert (await ahead(session) or {})["nonce"] == "n2"


async def test_a_response_to_what_no_space_is_known_for_teaches_nothing(session: DigestSession) -> None:
    info = Headers(((b"Authentication-Info", b"nextnonce=n"),))

    for sent in (None, 'Digest realm="gone"'):
        assert session.answered(Ask("http://a.test/"), sent, 200, info) is None
    assert await ahead(session) is None


@pytest.mark.parametrize(
    ("domain", "url", "covered"),
    [
        ("/private", "http://a.test/private/1", True),
        ("/private", "http://a.test/public", False),
        ("/private", "http://a.test/x?other=query", True),  # where it was asked, whatever it says
        ("http://a.test/private http://b.test/", "http://a.test/private", True),
        ("http://a.test/private http://b.test/", "http://b.test/", False),
        ("http://[broken ftp://a.test/ /private", "http://a.test/private", True),
        ("", "http://a.test/anything", True),
    ],
)
async def test_a_nonce_goes_where_its_challenge_says_and_never_to_another_origin(
    session: DigestSession, domain: str, url: str, covered: bool
) -> None:
    await opened(session, more=f', domain="{domain}"')

    assert (await ahead(session, url) is not None) == covered


async def test_of_two_realms_the_closer_one_is_entered_and_else_the_newer(session: DigestSession) -> None:
    answers(session, challenge("n1", realm="one"), url="http://a.test/one")
    answers(session, challenge("n2", realm="two"), url="http://a.test/two")

    realms = [(await ahead(session, f"http://a.test/{path}") or {})["realm"] for path in ("one", "two", "three")]

    assert realms == ["one", "two", "two"]


async def test_a_server_that_invents_realms_does_not_fill_the_memory(session: DigestSession) -> None:
    for number in range(100):
        answers(session, challenge("n", realm=str(number)))

    (realms,) = session._spaces.values()
    assert list(realms) == [str(number) for number in range(92, 100)]


async def test_content_on_its_way_is_not_sent_where_it_would_have_to_be_hashed(session: DigestSession) -> None:
    only_int = Headers(((b"WWW-Authenticate", b'Digest realm="r", nonce="n", qop="auth-int"'),))
    streamed = Ask("http://a.test/x", content=object())

    assert session.answered(streamed, None, 401, only_int) is None
    assert session.answered(Ask("http://a.test/x", content=b"here"), None, 401, only_int) is not None
    assert await session.authorize(streamed) is None


async def test_closing_is_nothing_to_wait_for(session: DigestSession) -> None:
    await session.close()
