"""A letter as an e-mail: a text, the same in HTML, and the headers by which mail programs make a thread of it. Pure."""

import hashlib
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from milkrun.alerting.channel import Letter
from milkrun.alerting.dialects import HTML, PLAIN
from milkrun.alerting.markup import write
from milkrun.alerting.rendered import Rendered, Tone
from milkrun.alerting.spans import datetime_of
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import IncidentKey

TEXT, MARKUP = 50_000, 90_000  # Gmail clips what is larger than 102 kB
_THREADS = 20
_COLOURS = {Tone.DOWN: "#c62828", Tone.WARNING: "#b26a00", Tone.NOTICE: "#616161", Tone.GOOD: "#2e7d32"}
_SHELL = """<!DOCTYPE html>
<html><body style="margin:0;padding:16px;font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#ffffff">
<div style="border-left:4px solid {colour};padding-left:12px;max-width:640px">
{body}
</div>
</body></html>
"""


def compose(letter: Letter, rendered: Rendered, *, sender: Address, recipients: Sequence[Address]) -> EmailMessage:
    """The whole message. Its id is made of the letter's, so that a second copy of it can be known as one.

    Each incident has a thread of its own (RFC 5322 3.6.4): what tells of its beginning alone is the thread's root,
    and everything else refers to that.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = rendered.title
    mail["From"] = sender
    mail["To"] = recipients
    mail["Date"] = datetime_of(letter.at)
    mail["Message-ID"], threads = _identity(letter, sender.domain)
    if threads:
        mail["In-Reply-To"] = threads[-1]
        mail["References"] = " ".join(threads)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    mail.set_content(write(rendered, PLAIN, TEXT))
    body = write(rendered, HTML, MARKUP)
    mail.add_alternative(_SHELL.format(colour=_COLOURS[rendered.tone], body=body), subtype="html")
    return mail


def _identity(letter: Letter, domain: str) -> tuple[str, list[str]]:
    """Its own Message-ID, and those of the threads it belongs to beside."""
    first = letter.messages[0]
    if len(letter.messages) == 1 and first.purpose is Purpose.TRIGGER:
        return _root(letter, first, domain), []
    incidents: dict[IncidentKey, Message] = {message.incident: message for message in letter.messages}
    threads = [_root(letter, message, domain) for message in incidents.values()]
    return f"<{_digest(letter.id)}@{domain}>", threads[:_THREADS]


def _root(letter: Letter, message: Message, domain: str) -> str:
    """The id of an incident's thread in one channel: another Milkrun's, by its dashboard, has another."""
    return f"<{message.incident}.{_digest(letter.dashboard, message.channel)}@{domain}>"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
