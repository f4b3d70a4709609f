"""The sentence for each kind of incident and reason to write: "checkout is down — connect/refused, since …". Pure."""

import re
from datetime import tzinfo

import msgspec

from milkrun.alerting.plain import line, plain, shorten
from milkrun.alerting.rendered import Item, Link, Tone
from milkrun.alerting.spans import moment, span
from milkrun.core.alert import Message, Purpose, Subject
from milkrun.core.incident import Kind
from milkrun.core.outcome import Outcome

NAME, REASON, CAUSE, DESCRIPTION, TARGET, TAGS = 80, 80, 300, 500, 200, 120
_FAILURE = re.compile(r"([a-z]+/[a-z-]+): ")


class Phrase(msgspec.Struct, frozen=True):
    """What is said of one kind: `{}` is the endpoint's name; `still` and `over` are its forms later on."""

    mark: str
    tone: Tone
    now: str
    still: str
    over: str


_OUTAGES = {
    Outcome.DOWN: Phrase("▲", Tone.DOWN, "{} is down", "{} is still down", "{} is up again"),
    Outcome.DEGRADED: Phrase("◐", Tone.WARNING, "{} is degraded", "{} is still degraded", "{} is well again"),
    Outcome.UNKNOWN: Phrase("○", Tone.WARNING, "{} is unknown", "{} is still unknown", "{} is known to be up again"),
}
_WARNINGS = {
    Kind.CERTIFICATE: Phrase(
        "◐",
        Tone.WARNING,
        "the certificate of {} needs renewal",
        "the certificate of {} still needs renewal",
        "the certificate of {} is in order again",
    ),
    Kind.DOMAIN: Phrase(
        "◐",
        Tone.WARNING,
        "the domain of {} needs renewal",
        "the domain of {} still needs renewal",
        "the domain of {} is in order again",
    ),
    Kind.NETWORK: Phrase(
        "○",
        Tone.NOTICE,
        "Milkrun's own network is in trouble, checks tell nothing",
        "Milkrun's own network is still in trouble, checks tell nothing",
        "Milkrun's own network works again",
    ),
}
_TEST = Phrase("●", Tone.NOTICE, "This is a test of Milkrun: alerts reach this channel, nothing is wrong", "", "")
_PREFIXES = {Purpose.REPEAT: "Reminder: ", Purpose.ESCALATE: "Escalated: "}


def item_of(message: Message, *, at: int, zone: tzinfo, links: tuple[Link, ...]) -> Item:
    """One message as a person reads it at `at` (epoch ms)."""
    subject, purpose = message.subject, message.purpose
    phrase, reason = phrase_of(message), reason_of(subject)
    name = line(subject.name, NAME)
    before, _, after = _form(phrase, purpose).partition("{}")
    return Item(
        message=message.id,
        incident=message.incident,
        group=line(subject.group, NAME),
        tone=Tone.GOOD if purpose is Purpose.RESOLVE else phrase.tone,
        mark="●" if purpose is Purpose.RESOLVE else phrase.mark,
        before=_PREFIXES.get(purpose, "") + before,
        name=name if "{}" in phrase.now else "",
        after=after + _circumstances(message, reason, at, zone),
        why=_whole_reason(subject, reason),
        details=() if purpose is Purpose.TEST else tuple(_details(message, zone, at)),
        links=links,
    )


def phrase_of(message: Message) -> Phrase:
    """The words for what a message is about."""
    subject = message.subject
    if message.purpose is Purpose.TEST:
        return _TEST
    if subject.kind is not Kind.OUTAGE:
        return _WARNINGS[subject.kind]
    return _OUTAGES.get(subject.state, _OUTAGES[Outcome.UNKNOWN])


def reason_of(subject: Subject) -> str:
    """The cause in a few words: a failure's layer and kind, else the condition or sentence, cut."""
    failure = _FAILURE.match(subject.cause)
    return failure[1] if failure else line(subject.cause, REASON)


def _whole_reason(subject: Subject, reason: str) -> str:
    whole = line(subject.cause, CAUSE)
    return "" if whole == reason else whole


def _form(phrase: Phrase, purpose: Purpose) -> str:
    if purpose is Purpose.RESOLVE:
        return phrase.over
    return phrase.still if purpose in _PREFIXES else phrase.now


def _circumstances(message: Message, reason: str, at: int, zone: tzinfo) -> str:
    """What follows the verb: why and since when, or how long it was and why."""
    subject = message.subject
    if message.purpose is Purpose.TEST:
        return ""
    if message.purpose is Purpose.RESOLVE:
        lasted = f" after {span((subject.closed or at) - subject.opened)}"
        return f"{lasted} (was: {reason})" if reason else lasted
    since = f"since {moment(subject.opened, seen=at, zone=zone)} ({span(at - subject.opened)})"
    return f" — {reason}, {since}" if reason else f" {since}"


def _lasted(subject: Subject, zone: tzinfo, at: int) -> str:
    if subject.closed is None:
        return ""
    return " to ".join(moment(then, seen=at, zone=zone) for then in (subject.opened, subject.closed))


def _details(message: Message, zone: tzinfo, at: int) -> list[tuple[str, str]]:
    subject = message.subject
    found = [
        ("Group", line(subject.group, NAME)),
        ("Target", line(subject.url, TARGET)),
        ("Tags", shorten(", ".join(map(plain, subject.tags)), TAGS)),
        ("Lasted", _lasted(subject, zone, at)),
        ("Note", line(subject.description, DESCRIPTION)),
    ]
    return [(label, text) for label, text in found if text]
