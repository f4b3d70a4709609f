"""A comparison as one JSON object: every figure, by contestant and round, and what they say."""

from typing import Any

import msgspec

from milkrun.client.compare.conduct import Comparison
from milkrun.client.compare.plan import LABELS
from milkrun.client.compare.verdict import verdict


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The object; times in seconds."""
    facts: dict[str, Any] = msgspec.to_builtins(comparison)
    standings = facts.pop("standings")
    labels = [LABELS[each.contestant] for each in comparison.standings]
    return {
        **facts,
        "contestants": [{"label": label, **each} for label, each in zip(labels, standings, strict=True)],
        "verdict": list(verdict(comparison.standings)),
    }
