"""Slack: an incoming webhook with Block Kit (docs.slack.dev/reference/block-kit, …/messaging/sending-messages)."""

from milkrun.alerting.channels.hook import HookKind, HookOptions, Payload
from milkrun.alerting.dialects import SLACK
from milkrun.alerting.markup import pieces
from milkrun.alerting.rendered import Rendered

SECTION = 3_000  # characters of a section's text
WHOLE = 10_000  # of all blocks: it answers msg_blocks_too_long from some 13,000 on, which its documents do not say


def compose(rendered: Rendered, _options: HookOptions) -> Payload:
    """Sections of mrkdwn. `text` is what a notification shows, and who cannot show blocks."""
    return {
        "text": SLACK.escape(rendered.title),
        "blocks": [_section(text) for text in pieces(rendered, SLACK, each=SECTION, total=WHOLE)],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> Payload:
    # Verbatim: it is not to look for names of people and rooms in names of endpoints.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


KIND = HookKind("Slack", compose)
