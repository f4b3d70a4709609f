"""How each receiver writes bold, links and what must not be taken for markup: tables of escapes. Pure.

Names and causes come from others: whatever they contain is shown as it is, mentions nobody and ends no markup.
"""

import re
from collections.abc import Callable
from html import escape as escape_html
from urllib.parse import quote

import msgspec

# Slack: https://docs.slack.dev/messaging/formatting-message-text: these three, and only these, are escaped.
_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# It has no escape for its marks. They mark only at a word's edge, where a space of no width takes that from them.
_SLACK_MARK = re.compile(r"(?<!\w)[*_~`]+|[*_~`]+(?!\w)|`")
_NO_WIDTH = "\u200b"
# Discord: a backslash before any punctuation; ":" before slashes makes a link, before a name an emoji.
_DISCORD_MARK = re.compile(r"([\\*_~`|>#\[\]()<:-])")
_URL_SAFE = "!#$%&*+,/:;=?@~"


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """`escape` makes a text harmless; `bold` and `link` take texts that already are, `link` also a raw URL."""

    escape: Callable[[str], str]
    bold: Callable[[str], str]
    link: Callable[[str, str], str]
    newline: str = "\n"


def escape_slack(text: str) -> str:
    """For mrkdwn."""
    return _SLACK_MARK.sub(lambda match: f"{_NO_WIDTH}{match[0]}{_NO_WIDTH}", _entities(text))


def escape_discord(text: str) -> str:
    """For Discord's Markdown. A mention is read through a backslash, but not through a space of no width."""
    return _DISCORD_MARK.sub(r"\\\1", text).replace("@", f"@{_NO_WIDTH}")


def _entities(text: str) -> str:
    return "".join(_SLACK.get(char, char) for char in text)


def _address(url: str) -> str:
    """A URL without any character that could end the markup around it."""
    return quote(url, safe=_URL_SAFE)


def _slack_link(words: str, url: str) -> str:
    return f"<{_entities(_address(url))}|{words}>"


def _html_link(words: str, url: str) -> str:
    return f'<a href="{escape_html(url)}">{words}</a>'


PLAIN = Dialect(escape=str, bold=str, link=lambda words, url: f"{words}: {url}")
SLACK = Dialect(escape=escape_slack, bold=lambda text: f"*{text}*", link=_slack_link)
DISCORD = Dialect(
    escape=escape_discord, bold=lambda text: f"**{text}**", link=lambda words, url: f"[{words}]({_address(url)})"
)
TELEGRAM_HTML = Dialect(escape=escape_html, bold=lambda text: f"<b>{text}</b>", link=_html_link)
HTML = Dialect(escape=escape_html, bold=lambda text: f"<strong>{text}</strong>", link=_html_link, newline="<br>\n")
