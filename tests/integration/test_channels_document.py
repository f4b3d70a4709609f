"""What docs/channels.md shows of messages is what is sent."""

import json
import re
from pathlib import Path

import pytest

from milkrun.alerting.account import example
from milkrun.alerting.channels.signing import signature
from milkrun.alerting.kinds import CHANNELS
from milkrun.alerting.placeholders import NAMES
from tests.support.history import START

TEXT = (Path(__file__).resolve().parents[2] / "docs/channels.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_json_of_a_webhook_is_as_documented() -> None:
    assert json.loads(block("json")) == example()


def test_every_placeholder_is_documented() -> None:
    assert set(re.findall(r"`\[([A-Z_]+)\]`", TEXT)) == set(NAMES)


@pytest.mark.parametrize("kind", sorted(CHANNELS))
def test_every_kind_of_channel_has_a_configuration_to_copy(kind: str) -> None:
    assert re.search(rf"\btype: {kind}\b", TEXT)


def test_the_documented_check_of_a_signature_accepts_ours_and_nothing_else() -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)  # noqa: S102  # our own document
    check = names["is_from_milkrun"]
    assert callable(check)
    header, now = signature("key", START, b"{}"), START / 1_000
    assert check("key", header, b"{}", now)
    assert not check("other", header, b"{}", now)
    assert not check("key", header, b"[]", now)
    assert not check("key", header, b"{}", now + 301)
