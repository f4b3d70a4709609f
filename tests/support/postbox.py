"""The outbox as pages see it: channels and attempts as a test sets them; what people do is on a real timeline."""

from milkrun.core.incident import Entry, IncidentKey, Moment
from milkrun.store.memory import MemoryStore
from milkrun.store.outbox_protocol import Attempt, ChannelState
from milkrun.store.protocol import Batch

SECRET = bytes(range(32))


class Postbox:
    """The Desk over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        self.states: list[ChannelState] = []
        self.tried: dict[str, list[Attempt]] = {}
        self._store = store

    async def acknowledge(self, incident: IncidentKey, *, by: str, at: int) -> bool:
        """Write it on the timeline, the first time; False where the incident is over or not there."""
        case = await self._store.case(incident)
        if case is None or case.incident.closed is not None:
            return False
        if not any(entry.moment is Moment.ACKNOWLEDGED for entry in case.entries):
            entry = Entry(incident=incident, at=at, moment=Moment.ACKNOWLEDGED, by=by)
            await self._store.write(Batch(entries=[entry]))
        return True

    async def note(self, incident: IncidentKey, *, by: str, at: int, text: str) -> bool:
        """Write it on the timeline; False where there is no such incident."""
        if await self._store.case(incident) is None:
            return False
        await self._store.write(Batch(entries=[Entry(incident=incident, at=at, moment=Moment.NOTE, text=text, by=by)]))
        return True

    async def channels(self) -> list[ChannelState]:
        """As the test set them."""
        return self.states

    async def attempts(self, channel: str, *, limit: int) -> list[Attempt]:
        """As the test set them."""
        return self.tried.get(channel, [])[:limit]

    async def secret(self) -> bytes:
        """Always the same."""
        return SECRET
