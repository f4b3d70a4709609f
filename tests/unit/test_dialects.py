"""What others wrote is shown as it is in every dialect: it marks nothing up, mentions nobody, ends no link."""

import pytest

from milkrun.alerting import dialects
from milkrun.alerting.dialects import DISCORD, HTML, SLACK, TELEGRAM_HTML, Dialect

ZERO = "\u200b"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("core_gateway", "core_gateway"),
        ("<!channel> & <@U123>", "&lt;!channel&gt; &amp; &lt;@U123&gt;"),
        ("*bold*", f"{ZERO}*{ZERO}bold{ZERO}*{ZERO}"),
        ("_it_ ~no~", f"{ZERO}_{ZERO}it{ZERO}_{ZERO} {ZERO}~{ZERO}no{ZERO}~{ZERO}"),
        ("a`b`c", f"a{ZERO}`{ZERO}b{ZERO}`{ZERO}c"),
        ("<http://evil|Acknowledge>", "&lt;http://evil|Acknowledge&gt;"),
    ],
)
def test_slack_reads_no_mark_and_no_mention(text: str, escaped: str) -> None:
    assert SLACK.escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("core_gateway", r"core\_gateway"),
        ("**b** ~~s~~ ||x||", r"\*\*b\*\* \~\~s\~\~ \|\|x\|\|"),
        ("@everyone", f"@{ZERO}everyone"),
        ("<@123> <#4>", rf"\<@{ZERO}123\> \<\#4\>"),
        ("[a](http://b)", r"\[a\]\(http\://b\)"),
        ("# big", r"\# big"),
        ("back\\slash `code`", r"back\\slash \`code\`"),
    ],
)
def test_discord_reads_no_mark_and_no_mention(text: str, escaped: str) -> None:
    assert DISCORD.escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<b>x</b> & \"'", "&lt;b&gt;x&lt;/b&gt; &amp; &quot;&#x27;"),
        ("</a><script>", "&lt;/a&gt;&lt;script&gt;"),
    ],
)
@pytest.mark.parametrize("dialect", [TELEGRAM_HTML, HTML], ids=["telegram", "mail"])
def test_html_opens_and_closes_nothing(dialect: Dialect, text: str, escaped: str) -> None:
    assert dialect.escape(text) == escaped


@pytest.mark.parametrize(
    ("name", "linked"),
    [
        ("SLACK", "<https://x/%3E%7Cevil?a=1&amp;b=%29%22|Open>"),
        ("DISCORD", "[Open](https://x/%3E%7Cevil?a=1&b=%29%22)"),
        ("TELEGRAM_HTML", '<a href="https://x/&gt;|evil?a=1&amp;b=)&quot;">Open</a>'),
        ("PLAIN", 'Open: https://x/>|evil?a=1&b=)"'),
    ],
)
def test_a_link_ends_where_it_should(name: str, linked: str) -> None:
    dialect: Dialect = getattr(dialects, name)
    assert dialect.link("Open", 'https://x/>|evil?a=1&b=)"') == linked
