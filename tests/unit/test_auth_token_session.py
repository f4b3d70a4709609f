"""One token for all: fetched once, renewed ahead, dropped when turned down, and never asked for in a hurry."""

import asyncio

import pytest

from milkrun.client.auth import ClientCredentials
from milkrun.client.auth.token import NoToken
from milkrun.client.auth.token_session import TokenSession
from milkrun.client.errors import OwnError, RequestError, UsageError
from milkrun.client.headers import Headers
from tests.support.credentials import Answer, Ask, FakeClient
from tests.support.turns import turns

GRANT = ClientCredentials("https://login.test/token", "me", "s3cret", timeout=7)
REQUEST = Ask("http://a.test/")
NOTHING = Headers(())


class Now:
    """A clock that a test sets."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def client() -> FakeClient:
    return FakeClient(good("one"))


@pytest.fixture
def session(client: FakeClient, now: Now) -> TokenSession:
    return GRANT.session(client, now)


def good(name: str, life: int = 300) -> Answer:
    return Answer(f'{{"access_token": "{name}", "token_type": "bearer", "expires_in": {life}}}'.encode())


async def refused(session: TokenSession) -> OwnError:
    with pytest.raises(OwnError) as caught:
        await session.authorize(REQUEST)
    return caught.value


async def test_a_token_is_fetched_once_and_used_until_near_its_end(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    assert await session.authorize(REQUEST) == "Bearer one"
    now.seconds += 269
    assert await session.authorize(REQUEST) == "Bearer one"

    assert client.asked == [("POST", "https://login.test/token", GRANT.headers(), GRANT.form())]
    assert client.limits == [(7, "off", None, 65_536)]


async def test_many_who_wait_are_one_question(session: TokenSession, client: FakeClient) -> None:
    client.gate.clear()
    waiting = [asyncio.create_task(session.authorize(REQUEST)) for _ in range(50)]
    await turns()
    client.gate.set()

    assert set(await asyncio.gather(*waiting)) == {"Bearer one"}
    assert len(client.asked) == 1


async def test_near_its_end_it_is_renewed_in_the_background_and_used_meanwhile(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    await session.authorize(REQUEST)
    now.seconds += 271
    client.gate.clear()
    client.answer = good("two")

    meanwhile = [await session.authorize(REQUEST) for _ in range(3)]
    await turns()
    client.gate.set()
    await turns()

    assert meanwhile == ["Bearer one"] * 3
    assert await session.authorize(REQUEST) == "Bearer two"
    assert len(client.asked) == 2


async def test_an_expired_token_is_waited_for(session: TokenSession, client: FakeClient, now: Now) -> None:
    await session.authorize(REQUEST)
    now.seconds += 300
    client.answer = good("two")

    assert await session.authorize(REQUEST) == "Bearer two"


async def test_a_token_that_dies_at_once_serves_those_who_waited(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    client.answer = good("short", life=0)
    client.gate.clear()
    waiting = asyncio.create_task(session.authorize(REQUEST))
    await turns()
    now.seconds += 5
    client.gate.set()

    assert await waiting == "Bearer short"
    assert await session.authorize(REQUEST) == "Bearer short"
    assert len(client.asked) == 2


async def test_a_renewal_that_fails_does_no_harm_while_the_token_is_good(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    await session.authorize(REQUEST)
    now.seconds += 271
    client.answer = Answer(b"", 500)

    for _ in range(5):  # within its pause it is not asked again
        assert await session.authorize(REQUEST) == "Bearer one"
        await turns()
    assert len(client.asked) == 2

    now.seconds += 1
    client.answer = good("two")
    await session.authorize(REQUEST)
    await turns()
    assert await session.authorize(REQUEST) == "Bearer two"


async def test_a_waiter_that_gives_up_leaves_the_question_to_the_others(
    session: TokenSession, client: FakeClient
) -> None:
    client.gate.clear()
    first, second = (asyncio.create_task(session.authorize(REQUEST)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    client.gate.set()

    assert await second == "Bearer one"
    assert first.cancelled()
    assert len(client.asked) == 1


async def test_an_answer_nobody_waited_for_is_kept(session: TokenSession, client: FakeClient) -> None:
    client.gate.clear()
    only = asyncio.create_task(session.authorize(REQUEST))
    await turns()
    only.cancel()
    client.gate.set()
    await turns()

    assert await session.authorize(REQUEST) == "Bearer one"
    assert len(client.asked) == 1


async def test_a_failure_is_ours_and_each_who_waits_gets_an_error_of_its_own(
    session: TokenSession, client: FakeClient
) -> None:
    client.answer = RequestError("connect", "refused", "nobody listens")
    errors = await asyncio.gather(*(session.authorize(REQUEST) for _ in range(2)), return_exceptions=True)

    first, second = errors
    assert isinstance(first, OwnError)
    assert isinstance(second, OwnError)
    assert first is not second
    assert (first.layer, first.kind, first.phase) == ("self", "credentials", "queue")
    assert first.message == "no token from https://login.test/token: connect/refused: nobody listens"
    remembered = first.__cause__
    assert remembered is not None
    assert remembered is second.__cause__
    assert remembered.__cause__ is client.answer


async def test_a_secret_is_in_no_failure(session: TokenSession, client: FakeClient) -> None:
    client.answer = Answer(b'{"error": "s3cret", "error_description": "s3cret"}', 400)

    error = await refused(session)

    remembered = error.__cause__
    assert remembered is not None
    answer = remembered.__cause__
    assert isinstance(answer, NoToken)
    for one in (error, remembered, answer):
        assert "s3cret" not in f"{one!s}{one!r}{vars(one)}"


async def test_an_endpoint_that_fails_is_left_alone_for_longer_and_longer(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    client.answer = Answer(b"", 500)
    asked_at = []
    for _ in range(1000):
        before = len(client.asked)
        await refused(session)
        if len(client.asked) > before:
            asked_at.append(now.seconds - 1000)
        now.seconds += 0.5

    assert asked_at[:7] == [0, 1, 3, 7, 15, 31, 61]
    assert asked_at[-1] - asked_at[-2] == 30

    now.seconds += 30
    client.answer = good("one", life=1)
    await session.authorize(REQUEST)
    now.seconds += 1
    client.answer = Answer(b"", 500)
    await refused(session)
    now.seconds += 1
    client.answer = good("two")
    assert await session.authorize(REQUEST) == "Bearer two", "success starts the pauses anew"


@pytest.mark.parametrize(("after", "pause"), [("120", 120), ("0", 1), ("86400", 300)])
async def test_an_endpoint_that_says_when_to_come_back_is_heeded_within_reason(
    session: TokenSession, client: FakeClient, now: Now, after: str, pause: float
) -> None:
    client.answer = Answer(b"", 429, Retry_After=after)
    await refused(session)
    now.seconds += pause - 0.5
    await refused(session)
    assert len(client.asked) == 1

    now.seconds += 0.5
    client.answer = good("one")
    assert await session.authorize(REQUEST) == "Bearer one"


async def test_a_token_turned_down_is_not_used_again(session: TokenSession, client: FakeClient, now: Now) -> None:
    sent = await session.authorize(REQUEST)
    now.seconds += 10
    client.answer = good("two")

    session.answered(REQUEST, sent, 403, NOTHING)
    session.answered(REQUEST, "Bearer another", 401, NOTHING)
    session.answered(REQUEST, None, 401, NOTHING)
    assert await session.authorize(REQUEST) == "Bearer one"

    session.answered(REQUEST, sent, 401, NOTHING)
    assert await session.authorize(REQUEST) == "Bearer two"
    session.answered(REQUEST, sent, 401, NOTHING)  # late, of the old one
    assert await session.authorize(REQUEST) == "Bearer two"


async def test_a_target_that_turns_down_each_new_token_does_not_drive_us_to_the_endpoint(
    session: TokenSession, client: FakeClient, now: Now
) -> None:
    for _ in range(100):
        session.answered(REQUEST, await session.authorize(REQUEST), 401, NOTHING)
        now.seconds += 0.125

    assert len(client.asked) == 2


async def test_closing_ends_the_question_and_who_waits_is_told(session: TokenSession, client: FakeClient) -> None:
    client.gate.clear()
    waiting = asyncio.create_task(session.authorize(REQUEST))
    await turns()

    await session.close()

    with pytest.raises(UsageError, match="closed while a token was fetched"):
        await waiting


async def test_closing_what_is_quiet_is_nothing(session: TokenSession) -> None:
    await session.close()
    await session.authorize(REQUEST)
    await session.close()
