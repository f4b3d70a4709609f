"""What the page of alerts says of each channel, and of all."""

import pytest

from milkrun.core.outcome import Outcome
from milkrun.store.outbox_protocol import Attempt, ChannelState
from milkrun.web import alerts_view
from milkrun.web.alerts_view import ChannelCard


def state(
    *, error: str | None = None, tried: bool = True, failed: int = 0, disabled: str | None = None
) -> ChannelState:
    last = Attempt(channel="ops", at=1, took=0.1, messages=1, error=error) if tried else None
    return ChannelState(channel="ops", pending=0, failed=failed, last=last, disabled=disabled)


def card(one: ChannelState) -> ChannelCard:
    return alerts_view.card(one, {"ops": "slack"}, ["core"], ())


@pytest.mark.parametrize(
    ("one", "mark", "word", "said", "todo"),
    [
        (state(), Outcome.UP, "works", "", ""),
        (state(tried=False), Outcome.UNKNOWN, "untried", "Nothing was sent by it yet.", ""),
        (state(error="503"), Outcome.DEGRADED, "failing", "The last attempt failed: 503.", ""),
        (state(failed=2), Outcome.DEGRADED, "gave up", "2 messages never arrived.", "milkrun alert enable ops"),
        (state(disabled="key revoked"), Outcome.DOWN, "disabled", "Key revoked.", "milkrun alert enable ops"),
    ],
)
def test_a_channel_says_how_it_stands_and_what_to_do(
    one: ChannelState, mark: Outcome, word: str, said: str, todo: str
) -> None:
    shown = card(one)
    assert (shown.mark, shown.word, shown.said, shown.todo, shown.kind) == (mark, word, said, todo, "slack")


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ([], "Nobody is told of anything yet."),
        ([card(state(tried=False))], "Nothing was to tell yet."),
        ([card(state()), card(state(tried=False))], "Every alert arrives."),
        ([card(state(error="x")), card(state())], "Alerts to ops do not arrive."),
        ([card(state(error="x")), card(state(failed=1)), card(state())], "Alerts to 2 of 3 channels do not arrive."),
    ],
)
def test_one_sentence_says_how_all_of_them_do(cards: list[ChannelCard], said: str) -> None:
    assert alerts_view.headline(cards) == said
