"""What one client keeps for the credentials it has met."""

import asyncio

from milkrun.client.auth import ClientCredentials, Digest, Sessions
from milkrun.client.errors import UsageError
from tests.support.credentials import Ask, FakeClient
from tests.support.turns import turns


def test_equal_credentials_share_what_was_learnt_within_one_client() -> None:
    sessions, others = Sessions(FakeClient(), float), Sessions(FakeClient(), float)

    first = sessions.of(Digest("a", "b"))

    assert sessions.of(Digest("a", "b")) is first
    assert sessions.of(Digest("a", "c")) is not first
    assert others.of(Digest("a", "b")) is not first


def test_those_used_longest_ago_are_forgotten() -> None:
    sessions = Sessions(FakeClient(), float, size=2)
    kept, lost = (sessions.of(Digest(user, "")) for user in "ab")
    sessions.of(Digest("a", ""))
    sessions.of(Digest("c", ""))

    assert sessions.of(Digest("a", "")) is kept
    assert sessions.of(Digest("b", "")) is not lost


async def test_closing_ends_them_all() -> None:
    client = FakeClient()
    client.gate.clear()
    sessions = Sessions(client, float)
    sessions.of(Digest("a", ""))
    grants = [ClientCredentials("http://login.test/", name, "") for name in "ab"]
    waiting = [asyncio.create_task(sessions.of(grant).authorize(Ask("http://a.test/"))) for grant in grants]
    await turns()

    await sessions.close()

    for one in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(one, UsageError)
    await sessions.close()
