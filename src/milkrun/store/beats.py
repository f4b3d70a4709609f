"""Which slots an endpoint's results may have, so that they are looked up where the table is ordered by slot.

An endpoint is due at phase + k x interval, for each interval that a revision of it had. What came at another time (a
check made by hand, an endpoint nobody registered) is noted in the table `offbeat`.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, select

from milkrun.core.slots import phase
from milkrun.store import schema
from milkrun.store.dialect import insert_once

# The phase and interval of each revision, milliseconds.
Beat = tuple[int, int]

_endpoint, _revision, _offbeat = schema.endpoint.c, schema.revision.c, schema.offbeat.c


def beats(connection: Connection, endpoints: Sequence[int] | None = None) -> dict[int, list[Beat]]:
    """The beats of these endpoints, or of all."""
    statement = select(_endpoint.id, _endpoint.key, _revision.interval).join(
        schema.revision, _revision.endpoint == _endpoint.id
    )
    if endpoints is not None:
        statement = statement.where(_endpoint.id.in_(endpoints))
    found: dict[int, list[Beat]] = {}
    for identity, key, interval in connection.execute(statement.distinct()):
        found.setdefault(identity, []).append((phase(key, interval), interval))
    return found


def slots(connection: Connection, endpoint: int, of: Iterable[Beat], since: int, until: int) -> list[int]:
    """All slots from `since` to below `until` at which the endpoint may have results, in order."""
    noted = select(_offbeat.slot).where(_offbeat.endpoint == endpoint, _offbeat.slot >= since, _offbeat.slot < until)
    found = set(connection.scalars(noted))
    for offset, interval in of:
        found.update(range(since + (offset - since) % interval, until, interval))
    return sorted(found)


class Metronome:
    """Knows every endpoint's beats, and notes what is off them, in the writer's transaction."""

    def __init__(self) -> None:
        self._beats: Mapping[int, list[Beat]] = {}

    def load(self, connection: Connection) -> None:
        """Learn what is registered."""
        self._beats = beats(connection)

    def note(self, connection: Connection, identities: Iterable[tuple[int, int]]) -> None:
        """Note those of the (slot, endpoint) that are off the beat."""
        odd = {(endpoint, slot) for slot, endpoint in identities if not self._on(slot, endpoint)}
        if odd:
            insert_once(connection, schema.offbeat, sorted(odd))

    def _on(self, slot: int, endpoint: int) -> bool:
        return any(slot % interval == offset for offset, interval in self._beats.get(endpoint, ()))
