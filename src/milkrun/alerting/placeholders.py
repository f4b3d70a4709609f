"""Gatus's placeholders in a webhook's body and URL, and a few of ours: "[ENDPOINT_NAME]" and the like. Pure.

Values are filled in once, all in one pass, escaped for where they come to stand: what a value contains is never taken
for a placeholder, and ends no string of JSON.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from milkrun.core.alert import Purpose

NAMES = (
    "ALERT_DESCRIPTION",
    "ALERT_TRIGGERED_OR_RESOLVED",
    "ENDPOINT_NAME",
    "ENDPOINT_GROUP",
    "ENDPOINT_URL",
    "RESULT_ERRORS",
    "RESULT_CONDITIONS",
    "STATE",
    "SEVERITY",
    "SUMMARY",
    "INCIDENT_URL",
    "ACK_URL",
)
_PLACEHOLDER = re.compile(rf"\[({'|'.join(NAMES)})\]")


def has_placeholders(text: str) -> bool:
    """Whether anything is to be filled in."""
    return _PLACEHOLDER.search(text) is not None


def fill(text: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    """The text with each placeholder's value."""
    return _PLACEHOLDER.sub(lambda match: escape(values[match[1]]), text)


def values_of(incident: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """What each stands for in one incident, an account's; `words` are the user's for TRIGGERED and RESOLVED."""
    endpoint = incident["endpoint"]
    settled = "RESOLVED" if incident["purpose"] == Purpose.RESOLVE else "TRIGGERED"
    is_condition = incident["layer"] == "condition"
    return {
        "ALERT_DESCRIPTION": incident["description"],
        "ALERT_TRIGGERED_OR_RESOLVED": words.get(settled, settled),
        "ENDPOINT_NAME": endpoint["name"],
        "ENDPOINT_GROUP": endpoint["group"],
        "ENDPOINT_URL": endpoint["url"],
        "RESULT_ERRORS": "" if is_condition else incident["cause"],
        "RESULT_CONDITIONS": incident["cause"] if is_condition else "",
        "STATE": incident["state"],
        "SEVERITY": incident["severity"],
        "SUMMARY": incident["summary"],
        "INCIDENT_URL": incident["url"] or "",
        "ACK_URL": incident["ack_url"] or "",
    }


def in_json(text: str) -> str:
    """A text as it stands inside a string of JSON."""
    return msgspec.json.encode(text).decode()[1:-1]
