"""Microsoft Teams: an Adaptive Card to a workflow that begins "when a Teams webhook request is received".

learn.microsoft.com/power-automate/teams/send-a-message-in-teams and …/microsoftteams/platform/task-modules-and-cards.
"""

from collections.abc import Iterator

import msgspec

from milkrun.alerting.channels.hook import HookKind, HookOptions, Payload
from milkrun.alerting.render import largest, left_out, under_headings
from milkrun.alerting.rendered import Item, Link, Rendered, Tone

SIZE = 28_000  # bytes of a message; what is larger is refused, or accepted and never shown
_STYLES = {Tone.DOWN: "attention", Tone.WARNING: "warning", Tone.NOTICE: "emphasis", Tone.GOOD: "good"}


def compose(rendered: Rendered, _options: HookOptions) -> Payload:
    """The largest card that fits."""
    return largest(rendered, _message, lambda payload: len(msgspec.json.encode(payload)) <= SIZE)


def _message(rendered: Rendered) -> Payload:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": list(_body(rendered)),
        "actions": [{"type": "Action.OpenUrl", "title": link.words, "url": link.url} for link in _links(rendered)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "summary": rendered.title, "attachments": [attachment]}


def _body(rendered: Rendered) -> Iterator[Payload]:
    if rendered.only is not None:
        yield from _one(rendered.only)
        return
    yield _coloured(rendered.tone, _text((rendered.title, True)))
    for heading, item in under_headings(rendered.items):
        if heading:
            yield _text((heading, True))
        yield _headline(item)
    if rendered.beyond:
        yield _text((left_out(rendered.beyond), False))


def _one(item: Item) -> Iterator[Payload]:
    yield _coloured(item.tone, _headline(item))
    if item.why:
        yield _text((item.why, False))
    for label, text in item.details:
        yield _text((f"{label}: ", True), (text, False))


def _headline(item: Item) -> Payload:
    return _text((f"{item.mark} {item.before}", False), (item.name, True), (item.after, False))


def _links(rendered: Rendered) -> list[Link]:
    if rendered.only is not None:
        return list(rendered.only.links)
    return [Link("All incidents", rendered.dashboard)] if rendered.dashboard else []


def _coloured(tone: Tone, block: Payload) -> Payload:
    return {"type": "Container", "style": _STYLES[tone], "bleed": True, "items": [block]}


def _text(*runs: tuple[str, bool]) -> Payload:
    """Runs of text, bold or not. A TextBlock would read names as Markdown; a run is shown as it is."""
    inlines = [
        {"type": "TextRun", "text": text, "weight": "Bolder" if bold else "Default"} for text, bold in runs if text
    ]
    return {"type": "RichTextBlock", "inlines": inlines}


KIND = HookKind("Teams", compose)
