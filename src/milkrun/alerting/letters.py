"""A claim as a letter: one idempotency key, and links to incidents and for saying that somebody is on them."""

import hashlib

from milkrun.alerting.channel import Letter
from milkrun.alerting.links import sign
from milkrun.core.alert import Message, Purpose
from milkrun.core.incident import OURSELVES
from milkrun.store.outbox_protocol import Claim

# For so long a link in a letter lets its reader acknowledge (ms).
HOLDS = 7 * 86_400_000


class LetterWriter:
    """Writes letters with links below `url` (without a slash at its end), signed with `secret`."""

    def __init__(self, *, url: str, secret: bytes) -> None:
        self._url = url
        self._secret = secret

    def write(self, claim: Claim, now: int) -> Letter:
        """The letter for a claim. It has the same id at each try, for a claim has the same messages at each."""
        return Letter(
            id=letter_id(claim.messages),
            at=now,
            messages=claim.messages,
            dashboard=f"{self._url}/",
            incident_urls={
                message.id: f"{self._url}/incidents/{message.incident}"
                for message in claim.messages
                if message.incident.endpoint != OURSELVES
            },
            ack_urls={
                message.id: self._ack_url(message) for message in claim.messages if _can_be_acknowledged(message)
            },
        )

    def _ack_url(self, message: Message) -> str:
        # By the message's own time, not by this moment: each try has the same to say.
        token = sign(self._secret, message.incident, message.channel, message.due + HOLDS)
        return f"{self._url}/ack/{token}"


def letter_id(messages: tuple[Message, ...]) -> str:
    """An idempotency key made of those of the messages."""
    named = "\n".join(message.id for message in messages)
    return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


def _can_be_acknowledged(message: Message) -> bool:
    return message.purpose not in (Purpose.RESOLVE, Purpose.TEST)
