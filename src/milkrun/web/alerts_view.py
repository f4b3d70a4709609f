"""What the page of alerts says: every channel, how it does, and what to do where it does not. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.store.outbox_protocol import Attempt, ChannelState
from milkrun.web import words


class ChannelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One channel. `kind` is "" for one that is no longer configured; `mark` is its shape, `word` its state.

    `todo` is a command to run, "" where nothing is to do; `routes` are the names of those that use it.
    """

    name: str
    kind: str
    mark: Outcome
    word: str
    said: str
    todo: str
    routes: tuple[str, ...]
    state: ChannelState
    attempts: tuple[Attempt, ...]


def card(
    state: ChannelState, kinds: Mapping[str, str], routes: Sequence[str], attempts: Sequence[Attempt]
) -> ChannelCard:
    """One channel as the page shows it; `kinds` are the configured channels' kinds by name."""
    mark, word, said = _standing(state)
    stuck = state.disabled is not None or state.failed > 0
    return ChannelCard(
        name=state.channel,
        kind=kinds.get(state.channel, ""),
        mark=mark,
        word=word,
        said=said,
        todo=f"milkrun alert enable {state.channel}" if stuck else "",
        routes=tuple(routes),
        state=state,
        attempts=tuple(attempts),
    )


def _standing(state: ChannelState) -> tuple[Outcome, str, str]:
    """The shape, the word and the sentence, the worst that holds first."""
    if state.disabled is not None:
        return Outcome.DOWN, "disabled", words.sentence(state.disabled)
    if state.last is not None and state.last.error is not None:
        return Outcome.DEGRADED, "failing", f"The last attempt failed: {state.last.error}."
    if state.failed:
        return Outcome.DEGRADED, "gave up", f"{words.things(state.failed, 'message')} never arrived."
    if state.last is None:
        return Outcome.UNKNOWN, "untried", "Nothing was sent by it yet."
    return Outcome.UP, "works", ""


def untried(name: str) -> ChannelState:
    """A configured channel of which the outbox knows nothing yet."""
    return ChannelState(channel=name, pending=0, failed=0, last=None, disabled=None)


def headline(cards: Sequence[ChannelCard]) -> str:
    """One sentence on all channels."""
    if not cards:
        return "Nobody is told of anything yet."
    broken = [one for one in cards if one.mark in (Outcome.DOWN, Outcome.DEGRADED)]
    if not broken:
        return "Every alert arrives." if any(one.mark is Outcome.UP for one in cards) else "Nothing was to tell yet."
    if len(broken) == 1:
        return f"Alerts to {broken[0].name} do not arrive."
    return f"Alerts to {len(broken)} of {len(cards)} channels do not arrive."
