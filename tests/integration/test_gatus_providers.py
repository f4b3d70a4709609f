"""Gatus's providers that go through Apprise: what arrives at a server of ours, configured with Gatus's own keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from tests.support.configuring import Configured
from tests.support.letters import a_letter
from tests.support.receivers import Answer, receiver


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as warm:
        yield warm


@pytest.mark.parametrize(
    ("provider", "keys", "target", "said"),
    [
        (
            "gotify",
            "server-url: '{url}/folder', token: AAAAAAAAAAAAAAA, priority: 8",
            "/folder/message",
            '"priority":8',
        ),
        ("mattermost", "webhook-url: '{url}/hooks/abcdefgh', channel: ops", "/hooks/abcdefgh", '"channel":"ops"'),
        ("mattermost", "webhook-url: '{url}/chat/hooks/abcdefgh'", "/chat/hooks/abcdefgh", "checkout is down"),
        ("rocketchat", "webhook-url: '{url}/hooks/aaaa/bbbb'", "/hooks/aaaa/bbbb", "checkout is down"),
        ("signal", "api-url: '{url}', number: '+12345678901', recipients: ['+12345678902']", "/v2/send", "12345678902"),
        (
            "homeassistant",
            "url: '{url}', token: tttt",
            "/api/services/persistent_notification/create",
            "checkout is down",
        ),
    ],
)
async def test_it_arrives_where_gatus_would_post_it(
    tmp_path: Path, client: Client, provider: str, keys: str, target: str, said: str
) -> None:
    async with receiver(Answer(body=b"{}")) as place:
        text = f"alerting: {{{provider}: {{{keys.replace('{url}', place.url)}}}}}"
        (settings,) = Configured(tmp_path).load(text).alerting.channels
        await CHANNELS[settings.kind].open(settings.options, client=client).deliver(a_letter())
    assert [request.target.partition("?")[0] for request in place.heard] == [target]
    assert said.replace(" ", "") in place.heard[0].body.decode().replace(" ", "")
