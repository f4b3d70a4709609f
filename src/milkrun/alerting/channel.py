"""The Channel seam: each kind of channel declares in its own file which keys it reads, and how it delivers."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from milkrun.client import Client
from milkrun.config.section import Section
from milkrun.core.alert import Message


class DeliveryError(Exception):
    """A delivery that did not arrive; the message is one line for the log and the page, without anything secret."""


class TransientError(DeliveryError):
    """It may be tried again; not before `after` seconds, where whoever refused it said so (`Retry-After`)."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class PermanentError(DeliveryError):
    """Trying again cannot help: the channel is configured wrongly (a key revoked, an address unknown)."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What one delivery says: the messages of a claim, and the links to put in.

    `id` is the idempotency key of this delivery, the same at every try; `at` is when this try began, epoch ms: what is
    said to have lasted three minutes has lasted them when it is read. `incident_urls` and `ack_urls` are by the
    message's id; what has no link is not in them. `messages` are oldest first and all of one channel.
    """

    id: str
    at: int
    messages: tuple[Message, ...]
    dashboard: str
    incident_urls: Mapping[str, str]
    ack_urls: Mapping[str, str]


class Channel(Protocol):
    """One configured channel."""

    async def deliver(self, letter: Letter) -> None:
        """Deliver one letter, within the time the caller gives it; raise TransientError or PermanentError if not.

        A channel whose receiver takes one incident at a time (PagerDuty, Opsgenie, Alertmanager) delivers all of the
        letter's incidents; tried again, it may repeat what had arrived, under the same key.
        """


@runtime_checkable
class Piecemeal(Protocol):
    """What a channel is beside, whose receiver takes one incident at a time: `most` messages make a letter.

    So few that they go within the time a delivery has, and that those which arrived are marked before the next ones go.
    """

    most: int


class ChannelKind(Protocol):
    """One kind of channel. Its options are a frozen struct whose repr shows nothing secret."""

    def read(self, section: Section) -> msgspec.Struct | None:
        """Read its own keys; None where they cannot be used, with every reason reported to the section."""

    def open(self, options: msgspec.Struct, *, client: Client) -> Channel:
        """The channel; `client` is that of all deliveries."""


ChannelKinds = Mapping[str, ChannelKind]
