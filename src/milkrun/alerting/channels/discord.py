"""Discord: a room's webhook with one embed (discord.com/developers/docs/resources/webhook#execute-webhook)."""

from milkrun.alerting.channels.hook import HookKind, HookOptions, Payload
from milkrun.alerting.dialects import DISCORD
from milkrun.alerting.markup import write
from milkrun.alerting.plain import shorten
from milkrun.alerting.rendered import Rendered, Tone

DESCRIPTION = 4_096
CONTENT = 2_000
_COLOURS = {Tone.DOWN: 0xC62828, Tone.WARNING: 0xE08600, Tone.NOTICE: 0x7A7A7A, Tone.GOOD: 0x2E8B57}


def compose(rendered: Rendered, options: HookOptions) -> Payload:
    """The user's words and the title, which a notification shows, and all of it in an embed.

    Only the user's words may mention somebody: in the rest every mark is escaped, and an embed mentions nobody.
    """
    title = DISCORD.escape(rendered.title)
    words = shorten(options.content, CONTENT - len(title) - 1)
    return {
        "content": " ".join(filter(None, (words, title))),
        "embeds": [{"description": write(rendered, DISCORD, DESCRIPTION), "color": _COLOURS[rendered.tone]}],
        "allowed_mentions": {"parse": ["everyone", "roles", "users"] if words else []},
    }


KIND = HookKind("Discord", compose, has_content=True)
