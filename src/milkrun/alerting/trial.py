"""Trying a channel out: one letter that says it is a test, sent now, past the outbox."""

from milkrun.alerting.channel import ChannelKinds, Letter
from milkrun.alerting.draft import message_id
from milkrun.alerting.post import Verdict, post
from milkrun.client import Client, Descriptors
from milkrun.config.settings import ChannelSettings
from milkrun.core.alert import Message, Purpose, Subject
from milkrun.core.incident import OURSELVES, IncidentKey, Severity
from milkrun.core.outcome import Outcome

# As many connections as one letter needs, with a few for a service of several addresses.
BUDGET = 8


async def try_out(settings: ChannelSettings, kinds: ChannelKinds, *, url: str, now: int) -> Verdict:
    """Send a test through a channel, within its time limit; `url` is where the pages are, `now` epoch ms."""
    message = _message(settings.name, now)
    async with Client(descriptors=Descriptors(BUDGET)) as client:
        channel = kinds[settings.kind].open(settings.options, client=client)
        letter = Letter(id=message.id, at=now, messages=(message,), dashboard=f"{url}/", incident_urls={}, ack_urls={})
        return await post(channel, letter, settings.timeout)


def _message(channel: str, now: int) -> Message:
    """What a test says."""
    key = IncidentKey(OURSELVES, now)
    return Message(
        id=message_id(key, "test", channel, Purpose.TEST, now),
        channel=channel,
        route="test",
        purpose=Purpose.TEST,
        incident=key,
        created=now,
        due=now,
        firm=now,
        subject=Subject(
            key="",
            name="Milkrun",
            group="",
            url="",
            severity=Severity.NOTICE,
            state=Outcome.UP,
            opened=now,
            cause="a test of this channel: nothing is wrong",
            description="",
        ),
    )
