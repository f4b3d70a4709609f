"""Telegram, PagerDuty, Opsgenie and ntfy beyond what the contract asks: what is peculiar to each of them."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from milkrun.alerting.channel import Channel, Letter, TransientError
from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from milkrun.core.alert import Purpose
from milkrun.core.incident import Kind, Severity
from milkrun.core.outcome import Outcome
from tests.support.configuring import Configured
from tests.support.letters import DASHBOARD, MINUTE, a_letter, an_alert, many
from tests.support.receivers import OK, Answer, Heard, receiver

WARNING = an_alert(state=Outcome.DEGRADED, severity=Severity.WARNING, cause="[RESPONSE_TIME] (740) < 500")
NOTICE = an_alert(kind=Kind.NETWORK, severity=Severity.NOTICE, cause="no sentinel answers")
OVER = an_alert(Purpose.RESOLVE, lasted=MINUTE)


class Sender:
    """Delivers a letter through a channel that is configured by a flow mapping; {url} is the receiver's."""

    def __init__(self, configured: Configured, client: Client) -> None:
        self._configured = configured
        self._client = client

    def channel(self, keys: str) -> Channel:
        (settings,) = self._configured.load(f"alerting: {{channels: {{a: {{{keys}}}}}}}").alerting.channels
        return CHANNELS[settings.kind].open(settings.options, client=self._client)

    async def heard(self, keys: str, letter: Letter) -> list[Heard]:
        async with receiver() as place:
            await self.channel(keys.replace("{url}", place.url)).deliver(letter)
        return place.heard


@pytest.fixture
async def sender(configured: Configured) -> AsyncIterator[Sender]:
    async with Client() as client:
        yield Sender(configured, client)


@pytest.fixture
def configured(tmp_path: Any) -> Configured:
    return Configured(tmp_path)


TELEGRAM = "type: telegram, token: '1:t', id: '@ops', api-url: '{url}/'"


async def test_telegram_gets_html_whose_markup_nobody_else_can_end(sender: Sender) -> None:
    letter = a_letter(an_alert(name="</b><a href='http://evil'>", cause="connect/refused: <i>&"))
    (request,) = await sender.heard(TELEGRAM, letter)
    assert request.json["text"].startswith("▲ <b>&lt;/b&gt;&lt;a href=&#x27;http://evil&#x27;&gt;</b> is down")
    assert "connect/refused: &lt;i&gt;&amp;" in request.json["text"]
    assert request.json["link_preview_options"] == {"is_disabled": True}
    assert "message_thread_id" not in request.json


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (Answer(status=429, body=b'{"ok": false, "parameters": {"retry_after": 31}}'), 31.0),
        (Answer(status=429, body=b'{"ok": false}', headers=(("Retry-After", "7"),)), 7.0),
        (Answer(status=429, body=b"<html>", headers=(("Retry-After", "7"),)), 7.0),
        (Answer(status=429, body=b"[]"), None),
    ],
)
async def test_telegram_tells_in_the_body_when_to_come_back(
    sender: Sender, answer: Answer, after: float | None
) -> None:
    async with receiver(answer) as place:
        with pytest.raises(TransientError) as caught:
            await sender.channel(TELEGRAM.replace("{url}", place.url)).deliver(a_letter())
    assert caught.value.after == after


NTFY = "type: ntfy, topic: t, url: '{url}'"


@pytest.mark.parametrize(
    ("message", "priority", "tag"),
    [
        (an_alert(), 5, "rotating_light"),
        (WARNING, 4, "warning"),
        (NOTICE, 2, "information_source"),
        (OVER, 3, "white_check_mark"),
    ],
)
async def test_ntfy_rings_as_loud_as_the_news_is_bad(sender: Sender, message: Any, priority: int, tag: str) -> None:
    (request,) = await sender.heard(NTFY, a_letter(message))
    assert (request.json["priority"], request.json["tags"]) == (priority, [tag])


async def test_ntfy_has_a_button_for_the_incident_and_one_to_acknowledge_it(sender: Sender) -> None:
    letter = a_letter()
    (request,) = await sender.heard(NTFY, letter)
    (message,) = letter.messages
    incident, ack = letter.incident_urls[message.id], letter.ack_urls[message.id]
    assert request.json["click"] == incident
    assert request.json["actions"] == [
        {"action": "view", "label": "Incident", "url": incident},
        {"action": "view", "label": "Acknowledge", "url": ack},
    ]
    (request,) = await sender.heard(NTFY, a_letter(*many(2)))
    assert (request.json["click"], request.json["actions"]) == (DASHBOARD, [])
    (request,) = await sender.heard(NTFY, a_letter(linked=False))
    assert "click" not in request.json


async def test_ntfy_takes_all_of_gatus_keys(sender: Sender) -> None:
    keys = f"{NTFY}, priority: 1, click: 'https://c/', email: a@b.io, disable-firebase: true, disable-cache: true"
    (request,) = await sender.heard(keys, a_letter())
    told = request.json
    assert (told["priority"], told["click"], told["email"]) == (1, "https://c/", "a@b.io")
    assert (request.headers["firebase"], request.headers["cache"]) == ("no", "no")
    assert "authorization" not in request.headers


PAGERDUTY = "type: pagerduty, integration-key: k, api-url: '{url}'"


async def test_pagerduty_opens_and_closes_an_alert_by_the_incident_s_key(sender: Sender) -> None:
    letter = a_letter(an_alert(description="see the runbook", tags=("prod",)), OVER)
    opened, closed = [request.json for request in await sender.heard(PAGERDUTY, letter)]
    key = str(letter.messages[0].incident)
    assert closed == {"routing_key": "k", "event_action": "resolve", "dedup_key": key}
    assert (opened["event_action"], opened["dedup_key"], opened["client"]) == ("trigger", key, "Milkrun")
    assert [link["text"] for link in opened["links"]] == ["Incident", "Acknowledge"]
    payload = opened["payload"]
    assert payload["summary"].startswith("▲ checkout is down")
    assert (payload["source"], payload["component"], payload["group"]) == (
        "https://shop.example/checkout",
        "checkout",
        "core",
    )
    assert (payload["severity"], payload["class"]) == ("critical", "connect")
    assert payload["timestamp"].endswith("Z")
    assert payload["custom_details"] == {
        "cause": "connect/refused: no",
        "endpoint": "core_checkout",
        "tags": ["prod"],
        "description": "see the runbook",
    }


@pytest.mark.parametrize(
    ("message", "severity"), [(WARNING, "warning"), (NOTICE, "info"), (an_alert(Purpose.TEST), "info")]
)
async def test_pagerduty_hears_how_bad_it_is(sender: Sender, message: Any, severity: str) -> None:
    (request,) = await sender.heard(PAGERDUTY, a_letter(message, linked=False))
    assert request.json["payload"]["severity"] == severity
    assert "client_url" not in request.json


async def test_whoever_takes_one_at_a_time_and_few_a_minute_gets_all_of_them_once(sender: Sender) -> None:
    busy = Answer(status=429, headers=(("Retry-After", "1"),))
    async with receiver(OK, OK, busy, OK, busy, busy, OK) as place:
        channel = sender.channel(PAGERDUTY.replace("{url}", place.url))
        letter = a_letter(*many(5))
        for _ in range(2):
            with pytest.raises(TransientError):
                await channel.deliver(letter)
        await channel.deliver(letter)
        keys = Counter(request.json["dedup_key"] for request in place.heard)
        assert keys.keys() == {str(message.incident) for message in letter.messages}
        assert sum(keys.values()) == 5 + 2 + 1
        await channel.deliver(letter)  # it arrived, and it was not noted: whoever delivers it again means it
    assert len(place.heard) == 8 + 5


async def test_an_incident_s_end_does_not_pass_its_beginning_while_others_go_side_by_side(sender: Sender) -> None:
    begun = many(20)
    over = [an_alert(Purpose.RESOLVE, number=number + 1, lasted=MINUTE) for number in range(20)]
    mixed = [message for pair in zip(begun, over, strict=True) for message in pair]
    for letter in (a_letter(*begun, *over), a_letter(*mixed)):
        heard = [request.json for request in await sender.heard(PAGERDUTY, letter)]
        for message in begun:
            told = [event["event_action"] for event in heard if event["dedup_key"] == str(message.incident)]
            assert told == ["trigger", "resolve"]


OPSGENIE = "type: opsgenie, api-key: k, api-url: '{url}'"


async def test_opsgenie_opens_and_closes_an_alert_by_its_alias(sender: Sender) -> None:
    letter = a_letter(an_alert(tags=("prod",)), OVER)
    opened, closed = await sender.heard(OPSGENIE, letter)
    alias = f"milkrun-{letter.messages[0].incident}"
    assert closed.target == f"/v2/alerts/{alias}/close?identifierType=alias"
    assert closed.json["source"] == "milkrun"
    assert "is up again" in closed.json["note"]
    assert closed.headers["authorization"] == "GenieKey k"
    told = opened.json
    assert (told["alias"], told["entity"], told["tags"]) == (alias, "core_checkout", ["prod"])
    assert told["message"].startswith("▲ checkout is down")
    assert told["details"]["target"] == "https://shop.example/checkout"


async def test_opsgenie_takes_all_of_gatus_keys(sender: Sender) -> None:
    keys = f"{OPSGENIE}, priority: P2, source: gatus, entity-prefix: e-, alias-prefix: 'a b/', tags: [x]"
    opened, closed = await sender.heard(keys, a_letter(an_alert(), OVER))
    told = opened.json
    assert (told["priority"], told["source"], told["entity"]) == ("P2", "gatus", "e-core_checkout")
    assert (told["alias"], told["tags"]) == (f"a b/{OVER.incident}", ["x"])
    assert closed.target.startswith("/v2/alerts/a%20b%2F1-")


@pytest.mark.parametrize(
    ("message", "priority"), [(an_alert(), "P1"), (WARNING, "P3"), (NOTICE, "P5"), (an_alert(Purpose.TEST), "P5")]
)
async def test_opsgenie_hears_how_bad_it_is(sender: Sender, message: Any, priority: str) -> None:
    (request,) = await sender.heard(OPSGENIE, a_letter(message))
    assert request.json["priority"] == priority


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ("type: telegram, token: '1:t', id: '1'", "https://api.telegram.org/bot1:t/sendMessage"),
        ("type: pagerduty, integration-key: k", "https://events.pagerduty.com/v2/enqueue"),
        ("type: opsgenie, api-key: k", "https://api.opsgenie.com/v2/alerts"),
        ("type: ntfy, topic: t", "https://ntfy.sh"),
    ],
)
def test_each_has_its_service_s_own_address_by_default(configured: Configured, keys: str, url: str) -> None:
    (settings,) = configured.load(f"alerting: {{channels: {{a: {{{keys}}}}}}}").alerting.channels
    assert msgspec.structs.asdict(settings.options)["place"].url == url


@pytest.mark.parametrize("kind", ["telegram, token: t, id: x", "pagerduty, integration-key: k", "opsgenie, api-key: k"])
def test_another_address_has_to_be_one(configured: Configured, kind: str) -> None:
    (problem,) = configured.problems(f"alerting: {{channels: {{a: {{type: {kind}, api-url: nowhere}}}}}}")
    assert problem.startswith("1: alerting.channels.a.api-url: expected http:// or https://")
