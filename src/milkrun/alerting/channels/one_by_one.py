"""Services that take one incident at a time: a letter's messages in order, another try going on where one ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from milkrun.alerting.channel import Letter
from milkrun.core.alert import Message

# Incidents under way at a time: after an outage of everything there are thousands, and each waits for an answer.
AT_A_TIME = 8
# Messages of a letter. A service that lets two through a second has all of them within a few tries, and each letter
# that is through begins the waits between tries anew.
MOST = 100


class OneByOne:
    """Delivers letters message by message, those of one incident in order.

    What has arrived of a letter is remembered, so that a service which lets few through a minute gets all of them in
    the end. That is kept in memory only: after a restart it may repeat what had arrived, under the same key.
    """

    def __init__(self) -> None:
        self._letter = ""
        self._arrived: set[str] = set()

    async def deliver(self, letter: Letter, send: Callable[[Message], Awaitable[None]]) -> None:
        """Send each message that has not arrived yet; what `send` raises first ends this try."""
        if letter.id != self._letter:
            self._letter, self._arrived = letter.id, set()
        for batch in batches(message for message in letter.messages if message.id not in self._arrived):
            ends = await asyncio.gather(*map(send, batch), return_exceptions=True)
            self._arrived.update(message.id for message, end in zip(batch, ends, strict=True) if end is None)
            for end in ends:
                if end is not None:
                    raise end
        self._letter = ""


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Messages that may go side by side: no incident is twice in a batch, for its end must not pass its beginning."""
    batch: list[Message] = []
    for message in messages:
        if len(batch) == AT_A_TIME or any(message.incident == other.incident for other in batch):
            yield batch
            batch = []
        batch.append(message)
    yield batch
