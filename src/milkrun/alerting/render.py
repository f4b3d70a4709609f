"""A letter as a person reads it, on a phone first: what, since when, why, where to look; of no dialect. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TypeVar

import msgspec

from milkrun.alerting.channel import Letter
from milkrun.alerting.plain import CUT, line, shorten
from milkrun.alerting.rendered import Item, Link, Rendered, Tone
from milkrun.alerting.sentences import NAME, item_of, phrase_of, reason_of
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import IncidentKey, Kind

Made = TypeVar("Made")

TITLE = 80
NAMED = 20
_NAME = 36  # characters of a name in the title, so that what is the matter stands in it, too
_ONE_OF_SEVERAL = 24  # the same, where several names or sorts stand in it
_GROUPS_NAMED = 10
NO_GROUP = "without a group"
_RANKS = {tone: rank for rank, tone in enumerate(Tone)}
_TALLIES = {
    Tone.DOWN: ("▲", "down"),
    Tone.WARNING: ("◐", "in trouble"),
    Tone.NOTICE: ("○", "notice"),
    Tone.GOOD: ("●", "well again"),
}


def render(letter: Letter, *, zone: tzinfo = UTC) -> Rendered:
    """What the letter says, times in `zone`. An incident that is in it more than once is told as it stands last."""
    messages = sorted(_latest(letter.messages), key=_rank)
    named, others = messages[:NAMED], messages[NAMED:]
    items = tuple([item_of(message, at=letter.at, zone=zone, links=_links(letter, message)) for message in named])
    beyond = _by_group(others)
    title = _title(messages, items)
    return Rendered(
        title=title,
        text=_text(title, items, beyond, letter.dashboard),
        tone=min((tone_of(message) for message in messages), key=_RANKS.__getitem__),
        items=items,
        beyond=beyond,
        dashboard=letter.dashboard,
    )


def tone_of(message: Message) -> Tone:
    """How bad a message's news is."""
    return Tone.GOOD if message.purpose is Purpose.RESOLVE else phrase_of(message).tone


def left_out(beyond: Sequence[tuple[str, int]]) -> str:
    """What is not named, in one line: "and 30 more: core 20, shop 10"; "" where all is."""
    if not beyond:
        return ""
    total = sum(count for _, count in beyond)
    shown = [f"{shorten(group, 40) or NO_GROUP} {count:,}" for group, count in beyond[:_GROUPS_NAMED]]
    return f"and {total:,} more: {', '.join(shown)}{', ' + CUT if len(beyond) > len(shown) else ''}"


def under_headings(items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each item, with the group's name where another group begins; none where no item has a group."""
    group = None if any(item.group for item in items) else ""
    for item in items:
        heading = "" if item.group == group else item.group or NO_GROUP
        group = item.group
        yield heading, item


def largest(rendered: Rendered, make: Callable[[Rendered], Made], fits: Callable[[Made], bool]) -> Made:
    """What is made of as much of a letter as fits: ever fewer are named and more counted, at last one bare headline."""
    *more, least = _shrinking(rendered)
    return next((made for made in map(make, more) if fits(made)), None) or make(least)


def _shrinking(rendered: Rendered) -> Iterator[Rendered]:
    for count in range(len(rendered.items), 0, -1):
        yield _fewer(rendered, count)
    (item,) = _fewer(rendered, 1).items
    bare = msgspec.structs.replace(item, why="", details=())
    yield msgspec.structs.replace(_fewer(rendered, 1), items=(bare,))
    yield msgspec.structs.replace(_fewer(rendered, 1), items=(msgspec.structs.replace(bare, links=()),), dashboard="")


def _fewer(rendered: Rendered, count: int) -> Rendered:
    counts = Counter(dict(rendered.beyond))
    counts.update(item.group for item in rendered.items[count:])
    return msgspec.structs.replace(rendered, items=rendered.items[:count], beyond=_by_size(counts))


def _latest(messages: Iterable[Message]) -> list[Message]:
    latest: dict[IncidentKey, Message] = {message.incident: message for message in messages}
    return list(latest.values())


def _rank(message: Message) -> tuple[int, bool, str, int, str]:
    """Worst first; of equals those of a group together, in order of their beginning."""
    subject = message.subject
    return _RANKS[tone_of(message)], not subject.group, subject.group, subject.opened, subject.name


def _links(letter: Letter, message: Message) -> tuple[Link, ...]:
    found = (("Incident", letter.incident_urls.get(message.id)), ("Acknowledge", letter.ack_urls.get(message.id)))
    return tuple([Link(words, url) for words, url in found if url])


def _by_group(messages: Iterable[Message]) -> tuple[tuple[str, int], ...]:
    counts = Counter(line(message.subject.group, NAME) for message in messages)
    return _by_size(counts)


def _by_size(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], not pair[0], pair[0])))


def _title(messages: Sequence[Message], items: Sequence[Item]) -> str:
    if len(messages) == 1:
        return _title_of_one(messages[0], items[0])
    counts = Counter(map(tone_of, messages))
    if len(counts) == 1 and all(message.subject.kind is Kind.OUTAGE for message in messages):
        return shorten(_title_of_alike(next(iter(counts)), messages), TITLE)
    names = {tone_of(message): line(message.subject.name, _ONE_OF_SEVERAL) for message in messages}
    tallies = [
        f"{mark} {names[tone] if count == 1 and tone is not Tone.NOTICE else f'{count:,}'} {word}"
        for tone, (mark, word) in _TALLIES.items()
        if (count := counts[tone])
    ]
    return shorten(", ".join(tallies), TITLE)


def _title_of_one(message: Message, item: Item) -> str:
    """Mark, name, verb and reason; the times are in the text."""
    reason = reason_of(message.subject)
    begin = f"{item.mark} {item.before}{shorten(item.name, _NAME)}"
    if message.purpose in (Purpose.RESOLVE, Purpose.TEST) or not reason:
        return shorten(f"{begin}{item.after}", TITLE)
    verb = item.after.partition(" — ")[0]
    return shorten(f"{begin}{verb} — {reason}", TITLE)


def _title_of_alike(tone: Tone, messages: Sequence[Message]) -> str:
    mark, word = _TALLIES[tone]
    still = (
        "still "
        if tone is not Tone.GOOD and all(message.purpose is not Purpose.TRIGGER for message in messages)
        else ""
    )
    return f"{mark} {len(messages):,} endpoints are {still}{word}: {_who(messages)}"


def _who(messages: Sequence[Message]) -> str:
    """Their groups; their names where none has one. What does not fit into a title is cut by the caller."""
    if any(message.subject.group for message in messages):
        return ", ".join(f"{group or NO_GROUP} {count:,}" for group, count in _by_group(messages))
    return ", ".join(line(message.subject.name, _ONE_OF_SEVERAL) for message in messages[:NAMED])


def _text(title: str, items: Sequence[Item], beyond: Sequence[tuple[str, int]], dashboard: str) -> str:
    if len(items) == 1:
        return "\n".join(_text_of_one(items[0]))
    lines = [title]
    for heading, item in under_headings(items):
        lines.extend([f"{heading}:"] * bool(heading))
        lines.append(f"{item.mark} {item.headline}")
    return "\n".join([*lines, *filter(None, (left_out(beyond), dashboard))])


def _text_of_one(item: Item) -> list[str]:
    details = [f"{label}: {text}" for label, text in item.details if label in ("Target", "Note")]
    links = [f"{link.words}: {link.url}" for link in item.links]
    return [f"{item.mark} {item.headline}", *filter(None, [item.why]), *details, *links]
