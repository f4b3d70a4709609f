"""The webhook's own keys: signature, bodies of the user's, placeholders; and Discord's and Alertmanager's."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from milkrun.alerting.channel import PermanentError, TransientError
from milkrun.alerting.channels.alertmanager import AlertmanagerChannel, AlertmanagerOptions
from milkrun.alerting.kinds import CHANNELS
from milkrun.client import Client
from milkrun.core.alert import Purpose
from milkrun.core.incident import Severity
from milkrun.core.outcome import Outcome
from tests.support.authority import Authority
from tests.support.configuring import Configured
from tests.support.history import START
from tests.support.letters import MINUTE, a_letter, an_alert, many
from tests.support.peers import closed_port
from tests.support.receivers import HANG, Answer, receiver


class Posting:
    """Opens channels from configurations."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._configured = Configured(folder)
        self._client = client

    def channel(self, kind: str, keys: str) -> Any:
        (settings,) = self._configured.load(self._text(kind, keys)).alerting.channels
        return CHANNELS[kind].open(settings.options, client=self._client)

    def problems(self, kind: str, keys: str) -> list[str]:
        return self._configured.problems(self._text(kind, keys))

    def _text(self, kind: str, keys: str) -> str:
        lines = "\n".join(f"      {line}" for line in keys.splitlines())
        return f"alerting:\n  channels:\n    ops:\n      type: {kind}\n{lines}\n"


@pytest.fixture
async def posting(tmp_path: Path) -> AsyncIterator[Posting]:
    async with Client() as client:
        yield Posting(tmp_path, client)


async def test_a_signature_proves_who_sent_it_and_when(posting: Posting) -> None:
    async with receiver() as place:
        await posting.channel("webhook", f"url: {place.url}\nsigning-key: shared").deliver(a_letter())
    (heard,) = place.heard
    at, _, told = heard.headers["milkrun-signature"].removeprefix("t=").partition(",v1=")
    assert int(at) == a_letter().at // 1_000
    assert told == hmac.new(b"shared", at.encode() + b"." + heard.body, hashlib.sha256).hexdigest()


async def test_without_a_key_nothing_is_signed(posting: Posting) -> None:
    async with receiver() as place:
        await posting.channel("webhook", f"url: {place.url}").deliver(a_letter())
    assert "milkrun-signature" not in place.heard[0].headers


async def test_placeholders_are_filled_for_each_incident_in_body_and_url(posting: Posting) -> None:
    keys = """
url: {url}/[ENDPOINT_GROUP]
method: PUT
body: '{{"name": "[ENDPOINT_NAME]", "is": "[ALERT_TRIGGERED_OR_RESOLVED]"}}'
placeholders: {{ALERT_TRIGGERED_OR_RESOLVED: {{TRIGGERED: broken, RESOLVED: fine}}}}
"""
    letter = a_letter(
        an_alert(name='a "b"', group="x/y z"), an_alert(Purpose.RESOLVE, number=2, name="[ENDPOINT_URL]", lasted=MINUTE)
    )
    async with receiver() as place:
        await posting.channel("webhook", keys.format(url=place.url).strip()).deliver(letter)
    first, second = place.heard
    assert (first.method, first.target, first.json) == ("PUT", "/x%2Fy%20z", {"name": 'a "b"', "is": "broken"})
    assert (second.target, second.json) == ("/core", {"name": "[ENDPOINT_URL]", "is": "fine"})
    assert [request.key for request in place.heard] == [message.id for message in letter.messages]


async def test_a_body_that_is_no_json_is_filled_as_it_is(posting: Posting) -> None:
    keys = "url: {url}\nheaders: {{Content-Type: text/plain}}\nbody: '[ENDPOINT_NAME] [STATE]'"
    async with receiver() as place:
        await posting.channel("webhook", keys.format(url=place.url)).deliver(a_letter(an_alert(name='a "b"')))
    (heard,) = place.heard
    assert (heard.headers["content-type"], heard.body) == ("text/plain", b'a "b" down')


async def test_each_incident_can_be_posted_on_its_own(posting: Posting) -> None:
    async with receiver() as place:
        await posting.channel("webhook", f"url: {place.url}\nby-incident: true").deliver(a_letter(*many(3)))
    assert [heard.json["endpoint"]["name"] for heard in place.heard] == ["service 0", "service 1", "service 2"]


async def test_a_template_makes_the_body(posting: Posting) -> None:
    keys = 'url: {url}\ntemplate: \'{{"text": {{{{ title | tojson }}}}, "count": {{{{ incidents | length }}}}}}\''
    async with receiver() as place:
        await posting.channel("webhook", keys.format(url=place.url)).deliver(a_letter(*many(3)))
    assert place.heard[0].json == {"text": "▲ 3 endpoints are down: core 1, shop 1, without a group 1", "count": 3}


async def test_a_template_that_fails_on_a_letter_is_permanent(posting: Posting) -> None:
    keys = "url: {url}\ntemplate: '{{{{ incidents[0].ack_url | length }}}}'"
    async with receiver() as place:
        channel = posting.channel("webhook", keys.format(url=place.url))
        with pytest.raises(PermanentError, match="template fails"):
            await channel.deliver(a_letter(linked=False))
    assert place.heard == []


async def test_a_receiver_with_a_certificate_of_its_own_may_be_trusted_blindly(
    posting: Posting, tmp_path: Path
) -> None:
    async with receiver(context=Authority(tmp_path).self_signed(tmp_path)) as place:
        await posting.channel("webhook", f"url: {place.url}\nclient: {{insecure: true}}").deliver(a_letter())
        with pytest.raises(TransientError, match="tls/untrusted"):
            await posting.channel("webhook", f"url: {place.url}").deliver(a_letter())
    assert len(place.heard) == 1


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "Mon, 21 Sep 2026 15:00:30 GMT", "Date": "Mon, 21 Sep 2026 15:00:00 GMT"}, 30.0),
        ({"Retry-After": "Mon, 21 Sep 2026 15:03:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 21 Sep 2026 14:00:00 GMT"}, 0.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-4"}, None),
    ],
)
async def test_retry_after_is_a_number_or_a_date(
    posting: Posting, headers: dict[str, str], after: float | None
) -> None:
    async with receiver(Answer(status=429, headers=tuple(headers.items()))) as place:
        with pytest.raises(TransientError) as caught:
            await posting.channel("webhook", f"url: {place.url}").deliver(a_letter())
    assert caught.value.after == after


@pytest.mark.parametrize(
    ("keys", "path", "expected"),
    [
        ("url: nowhere", "url", "http:// or https://"),
        ("url: http://h\nmethod: 'a b'", "method", "an HTTP method"),
        ("url: http://h\nbody: plain", "body", "a placeholder such as [ENDPOINT_NAME]"),
        ("url: http://h\nbody: '[ENDPOINT_NAME]'\ntemplate: x", "template", "not both"),
        ("url: http://h\ntemplate: '{{ nobody }}'", "template", "'nobody' is undefined"),
        ("url: http://h\ntemplate: '{% if %}'", "template", "line 1"),
        ("url: http://h\ntimezone: Nowhere/Land", "timezone", "a time zone such as"),
        ("url: http://h\nheaders: {'a b': c}", "headers.a b", "a header's name"),
    ],
)
async def test_a_bad_key_is_one_clear_error(posting: Posting, keys: str, path: str, expected: str) -> None:
    (problem,) = posting.problems("webhook", keys)
    assert f"alerting.channels.ops.{path}: " in problem
    assert expected in problem


async def test_a_variable_that_is_not_set_is_one_error_that_names_it(posting: Posting) -> None:
    for keys in ("url: '${NOBODY}'", "url: ['${NOBODY}', http://h]"):
        (problem,) = posting.problems("alertmanager", keys)
        assert "NOBODY" in problem


async def test_times_are_told_in_the_channel_s_time_zone(posting: Posting) -> None:
    async with receiver() as place:
        keys = f"webhook-url: {place.url}\ntimezone: Asia/Kolkata"
        await posting.channel("slack", keys).deliver(a_letter())
    assert "since 20:30 IST (3 min)" in place.heard[0].json["blocks"][0]["text"]["text"]


async def test_only_the_user_s_own_words_mention_somebody_on_discord(posting: Posting) -> None:
    async with receiver() as place:
        keys = f"webhook-url: {place.url}\nmessage-content: '<@&42> look'"
        await posting.channel("discord", keys).deliver(a_letter(an_alert(name="@everyone")))
    payload = place.heard[0].json
    assert payload["content"].startswith("<@&42> look ▲ @\u200beveryone is down")
    assert payload["allowed_mentions"] == {"parse": ["everyone", "roles", "users"]}


async def test_an_alert_s_labels_are_the_same_at_its_end_and_its_times_exact(posting: Posting) -> None:
    letter = a_letter(an_alert(), an_alert(Purpose.RESOLVE, lasted=MINUTE))
    async with receiver() as place:
        await posting.channel("alertmanager", f"url: {place.url}\nlabels: {{team: shop}}").deliver(letter)
    begun, *ended = place.heard[0].json
    assert begun["labels"] == {
        "alertname": "MilkrunOutage",
        "endpoint": "core_checkout",
        "name": "checkout",
        "group": "core",
        "kind": "outage",
        "severity": "critical",
        "team": "shop",
    }
    assert begun["labels"] in [alert["labels"] for alert in ended]
    assert (begun["startsAt"], begun["endsAt"]) == ("2026-09-21T15:00:00.000Z", "2026-10-21T15:03:00.000Z")
    assert {alert["endsAt"] for alert in ended} == {"2026-09-21T15:01:00.000Z"}
    assert begun["annotations"]["description"] == "connect/refused: no"


async def test_an_outage_that_got_worse_ends_the_warning_that_it_began_as(posting: Posting) -> None:
    warned = an_alert(state=Outcome.DEGRADED, severity=Severity.WARNING)
    async with receiver() as place:
        letter = a_letter(warned, an_alert(Purpose.RESOLVE, lasted=MINUTE))
        await posting.channel("alertmanager", f"url: {place.url}").deliver(letter)
    begun, *ended = place.heard[0].json
    assert begun["labels"] in [alert["labels"] for alert in ended]


async def test_a_test_alert_ends_by_itself(posting: Posting) -> None:
    async with receiver() as place:
        await posting.channel("alertmanager", f"url: {place.url}").deliver(a_letter(an_alert(Purpose.TEST), at=START))
    (alert,) = place.heard[0].json
    assert (alert["labels"]["alertname"], alert["endsAt"]) == ("MilkrunTest", "2026-09-21T15:05:00.000Z")


async def test_of_a_cluster_of_alertmanagers_each_is_told_and_one_is_enough(posting: Posting) -> None:
    async with receiver() as one, receiver() as other:
        urls = f"url: [{one.url}, {other.url}/api/v2/alerts, http://127.0.0.1:{closed_port()}]"
        await posting.channel("alertmanager", urls).deliver(a_letter())
    assert [heard.target for heard in (*one.heard, *other.heard)] == ["/api/v2/alerts"] * 2


async def test_where_no_alertmanager_takes_it_another_try_is_worth_it_if_it_is_for_one(posting: Posting) -> None:
    async with receiver(Answer(status=400)) as one, receiver(Answer(status=503)) as other:
        with pytest.raises(TransientError, match="503"):
            await posting.channel("alertmanager", f"url: [{one.url}, {other.url}]").deliver(a_letter())
        with pytest.raises(PermanentError, match="400"):
            await posting.channel("alertmanager", f"url: [{one.url}, {one.url}]").deliver(a_letter())


async def test_an_alertmanager_that_hangs_does_not_hold_up_the_others() -> None:
    async with receiver() as one, receiver(HANG) as other, Client() as client:
        options = AlertmanagerOptions(urls=(f"{other.url}/api/v2/alerts", f"{one.url}/api/v2/alerts"))
        await AlertmanagerChannel(options, client, patience=0.05).deliver(a_letter())
    assert len(one.heard) == 1
