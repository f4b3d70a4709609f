"""The table of tests/contract/test_channels.py: how each kind of channel that posts is configured and judged.

A new kind is a `Trial` here. What is judged is what the service documents: required fields, lengths, sizes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from milkrun.core.alert import Purpose
from tests.support.receivers import Heard

SECRET = "s3cr3t-of-the-hook-0123456789"  # a test's


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A kind. `keys` are YAML lines with {url} for the receiver's address and {secret} for what is not to be shown.

    `needed` are the keys without which it cannot be read. `judge` gets the requests of one letter and how many
    incidents it had; it fails where the service would refuse. `ends`: what purposes the requests show, in order, of a
    letter that triggers and resolves; None where it is one text for people. `most`: how many incidents a test of very
    many is made with, fewer where each is a request.
    """

    kind: str
    keys: tuple[str, ...]
    needed: tuple[str, ...]
    judge: Callable[[Sequence[Heard], int], None]
    purposes: Callable[[Sequence[Heard]], list[str]] | None = None
    most: int = 10_000


def _only(heard: Sequence[Heard]) -> Any:
    (request,) = heard
    assert request.headers["content-type"] == "application/json"
    return request.json


def _slack(heard: Sequence[Heard], incidents: int) -> None:
    payload = _only(heard)
    assert payload["text"]
    assert 1 <= len(payload["blocks"]) <= 50
    texts = [block["text"]["text"] for block in payload["blocks"]]
    assert all(block["type"] == "section" and block["text"]["type"] == "mrkdwn" for block in payload["blocks"])
    assert all(1 <= len(text) <= 3_000 for text in texts)
    assert sum(map(len, texts)) <= 12_000
    _names_and_counts("\n".join(texts), incidents)


def _discord(heard: Sequence[Heard], incidents: int) -> None:
    payload = _only(heard)
    (embed,) = payload["embeds"]
    assert 1 <= len(payload["content"]) <= 2_000
    assert 1 <= len(embed["description"]) <= 4_096
    assert 0 <= embed["color"] <= 0xFFFFFF
    assert payload["allowed_mentions"] == {"parse": []}
    _names_and_counts(embed["description"], incidents)


def _teams(heard: Sequence[Heard], incidents: int) -> None:
    payload = _only(heard)
    (attachment,) = payload["attachments"]
    card = attachment["content"]
    assert (payload["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert len(heard[0].body) <= 28_000
    assert len(card["actions"]) <= 6
    assert all(action["type"] == "Action.OpenUrl" for action in card["actions"])
    blocks = [inner for block in card["body"] for inner in block.get("items", [block])]
    texts = ["".join(run["text"] for run in block["inlines"]) for block in blocks]
    assert all(texts)
    _names_and_counts("\n".join(texts), incidents)


def _alertmanager(heard: Sequence[Heard], incidents: int) -> None:
    alerts = [alert for request in heard for alert in request.json]
    assert all(request.target == f"/{SECRET}/api/v2/alerts" and len(request.json) <= 256 for request in heard)
    assert len({msgspec.json.encode(alert["labels"]) for alert in alerts}) == incidents
    assert all(alert["labels"]["alertname"] and alert["startsAt"] < alert["endsAt"] for alert in alerts)
    assert all(value for alert in alerts for value in alert["labels"].values())
    assert all(alert["generatorURL"].startswith("https://") for alert in alerts)


def _webhook(heard: Sequence[Heard], incidents: int) -> None:
    account = _only(heard)
    told = [incident["incident"] for incident in account["incidents"]] + [key for _, key in account["others"]]
    assert len(set(told)) == len(told) == account["count"] == incidents
    assert len(account["incidents"]) == min(incidents, 500)
    assert len(heard[0].body) <= 1_000_000


def _telegram(heard: Sequence[Heard], incidents: int) -> None:
    payload = _only(heard)
    assert heard[0].target == f"/bot{SECRET}/sendMessage"
    assert (payload["chat_id"], payload["message_thread_id"], payload["parse_mode"]) == ("-100", 7, "HTML")
    assert 1 <= len(payload["text"]) <= 4_096
    _names_and_counts(payload["text"], incidents)


def _ntfy(heard: Sequence[Heard], incidents: int) -> None:
    payload = _only(heard)
    assert (heard[0].target, heard[0].headers["authorization"]) == ("/", f"Bearer {SECRET}")
    assert (payload["topic"], payload["priority"], payload["tags"]) == ("alerts", 5, ["rotating_light"])
    assert len(payload["message"].encode()) <= 4_096
    assert len(payload["actions"]) == (2 if incidents == 1 else 0)
    _names_and_counts(payload["message"], incidents)


def _pagerduty(heard: Sequence[Heard], incidents: int) -> None:
    events = [request.json for request in heard]
    assert all(request.target == "/v2/enqueue" for request in heard)
    assert all((event["routing_key"], event["event_action"]) == (SECRET, "trigger") for event in events)
    assert len({event["dedup_key"] for event in events}) == len(events) == incidents
    assert all(len(event["dedup_key"]) <= 255 for event in events)
    payloads = [event["payload"] for event in events]
    assert all(1 <= len(payload["summary"]) <= 1_024 and payload["source"] for payload in payloads)
    assert all(payload["severity"] == "critical" for payload in payloads)


def _opsgenie(heard: Sequence[Heard], incidents: int) -> None:
    alerts = [request.json for request in heard]
    assert all(request.target == "/v2/alerts" for request in heard)
    assert all(request.headers["authorization"] == f"GenieKey {SECRET}" for request in heard)
    assert len({alert["alias"] for alert in alerts}) == len(alerts) == incidents
    assert all(1 <= len(alert["message"]) <= 130 and alert["priority"] == "P1" for alert in alerts)
    assert all(len(alert["description"]) <= 15_000 and len(alert["tags"]) <= 20 for alert in alerts)


def _names_and_counts(text: str, incidents: int) -> None:
    """Twenty at most are named, fewer where there is no room, and nobody is forgotten."""
    named = text.count("is down")
    assert 1 <= named <= min(incidents, 20)
    assert (f"and {incidents - named:,} more" in text) is (incidents > named)


def _ends_of_alerts(heard: Sequence[Heard]) -> list[str]:
    """An open alert ends far from its beginning."""
    alerts = [alert for request in heard for alert in request.json if alert["labels"]["severity"] == "critical"]
    return [Purpose.RESOLVE if alert["startsAt"][:10] == alert["endsAt"][:10] else Purpose.TRIGGER for alert in alerts]


def _purposes_of_accounts(heard: Sequence[Heard]) -> list[str]:
    return [incident["purpose"] for request in heard for incident in request.json["incidents"]]


def _purposes_of_events(heard: Sequence[Heard]) -> list[str]:
    return [request.json["event_action"] for request in heard]


def _purposes_of_targets(heard: Sequence[Heard]) -> list[str]:
    return [Purpose.RESOLVE if "/close?" in request.target else Purpose.TRIGGER for request in heard]


_HOOK = ("webhook-url: {url}/{secret}",)

TRIALS = (
    Trial(kind="slack", keys=_HOOK, needed=("webhook-url",), judge=_slack),
    Trial(kind="discord", keys=_HOOK, needed=("webhook-url",), judge=_discord),
    Trial(kind="teams", keys=_HOOK, needed=("webhook-url",), judge=_teams),
    Trial(
        kind="alertmanager",
        keys=("url: {url}/{secret}", "headers: {{Authorization: Bearer {secret}}}"),
        needed=("url",),
        judge=_alertmanager,
        purposes=_ends_of_alerts,
    ),
    Trial(
        kind="webhook",
        keys=("url: {url}/{secret}", "signing-key: {secret}", "headers: {{X-Token: {secret}}}"),
        needed=("url",),
        judge=_webhook,
        purposes=_purposes_of_accounts,
    ),
    Trial(
        kind="telegram",
        keys=("token: {secret}", 'id: "-100"', "topic-id: 7", "api-url: {url}"),
        needed=("token", "id"),
        judge=_telegram,
    ),
    Trial(
        kind="ntfy",
        keys=("topic: alerts", "url: {url}", "token: {secret}"),
        needed=("topic",),
        judge=_ntfy,
    ),
    Trial(
        kind="pagerduty",
        keys=("integration-key: {secret}", "api-url: {url}"),
        needed=("integration-key",),
        judge=_pagerduty,
        purposes=_purposes_of_events,
        most=1_000,
    ),
    Trial(
        kind="opsgenie",
        keys=("api-key: {secret}", "api-url: {url}"),
        needed=("api-key",),
        judge=_opsgenie,
        purposes=_purposes_of_targets,
        most=1_000,
    ),
)
