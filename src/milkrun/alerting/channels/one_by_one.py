"""Services that take one incident at a time: a letter's messages in order, another try going on where one ended."""

from collections.abc import Awaitable, Callable

from milkrun.alerting.channel import Letter
from milkrun.core.alert import Message


class OneByOne:
    """Delivers letters message by message.

    What has arrived of a letter is remembered, so that a service which lets few through a minute gets all of them in
    the end. That is kept in memory only: after a restart it may repeat what had arrived, under the same key.
    """

    def __init__(self) -> None:
        self._letter = ""
        self._arrived: set[str] = set()

    async def deliver(self, letter: Letter, send: Callable[[Message], Awaitable[object]]) -> None:
        """Send each message that has not arrived yet; what `send` raises ends this try."""
        if letter.id != self._letter:
            self._letter, self._arrived = letter.id, set()
        for message in letter.messages:
            if message.id not in self._arrived:
                await send(message)
                self._arrived.add(message.id)
        self._letter = ""
