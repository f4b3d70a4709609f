"""What results share is written once and referred to by id: the writer's side finds ids, the reader's side contents.

A Scene is an endpoint's normal circumstances and always shared. Remarks are what was out of the ordinary; their texts
may never come twice (`[BODY].time (1763892001) == 5`), and a table of such would only grow. So remarks are written
beside their result the first time, and shared from the second time on.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from milkrun.core.observation import Connection as Carrier
from milkrun.core.observation import Http, Tls
from milkrun.core.outcome import Failure, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger
from milkrun.store.schema import fact
from milkrun.store.texts import json_text

# A fact's last use is noted to within this many milliseconds of slots: a write each six hours, not one a result.
GRAIN = 6 * 3_600_000

# How many ids and contents are remembered. Beyond that memory starts anew: a look-up is 50 us, not a failure.
REMEMBERED = 100_000
SUSPECTS = 10_000


class Scene(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What was checked, who answered, over what, and what came of it.

    `conditions` are those that judged it. `answered`: it did not fail, so that its latencies are the target's.
    """

    revision: int = 1
    outcome: Outcome = Outcome.UP
    connection: Carrier | None = None
    stale_retry: bool = False
    trigger: Trigger = Trigger.SCHEDULE
    maintenance: bool = False
    answered: bool = True
    peer: str | None = None
    tls: Tls | None = None
    version: str | None = None
    status: int | None = None
    conditions: tuple[str, ...] = ()

    def answer(self, size: int) -> Http | None:
        """The answer of so many bytes; None where there was none."""
        if self.status is None or self.version is None:
            return None
        return Http(status=self.status, version=self.version, bytes=size)


def scene_of(result: Result) -> Scene:
    """What a result shares with others."""
    http = result.http
    return Scene(
        revision=result.revision,
        outcome=result.outcome,
        connection=result.connection,
        stale_retry=result.stale_retry,
        trigger=result.trigger,
        maintenance=result.maintenance,
        answered=result.failure is None,
        peer=result.peer,
        tls=result.tls,
        version=http.version if http else None,
        status=http.status if http else None,
        conditions=tuple([condition.condition for condition in result.conditions]),
    )


class Remarks(msgspec.Struct, frozen=True, array_like=True, gc=False, omit_defaults=True):
    """What was out of the ordinary. `shown` has (place, passed, text) of each condition that is not simply true."""

    failure: Failure | None = None
    shown: tuple[tuple[int, bool, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def written(cls, text: str) -> "Remarks":
        """Remarks that were written beside their result."""
        return msgspec.json.decode(text, type=cls)


Content = TypeVar("Content", Scene, Remarks)

# A fact's id, and the last slot whose result may refer to it without that being noted.
Known = tuple[int, int]

_UNKNOWN: tuple[object, Known] = (None, (0, -1))


def remarks_of(result: Result) -> Remarks:
    """What was out of the ordinary about a result."""
    shown = tuple(
        (place, condition.passed, condition.shown)
        for place, condition in enumerate(result.conditions)
        if not condition.passed or condition.shown != condition.condition
    )
    return Remarks(result.failure, shown, result.warnings)


@lru_cache(10_000)
def all_true(conditions: tuple[str, ...]) -> tuple[ConditionResult, ...]:
    """Conditions that all are simply true."""
    # Kept, so that thirty results of each of 10,000 endpoints do not hold as many copies.
    return tuple([ConditionResult(condition=text, passed=True, shown=text) for text in conditions])


def conditions_of(scene: Scene, remarks: Remarks | None) -> tuple[ConditionResult, ...]:
    """The conditions as they were judged."""
    usual = all_true(scene.conditions)
    if remarks is None or not remarks.shown:
        return usual
    judged = list(usual)
    for place, passed, text in remarks.shown:
        judged[place] = ConditionResult(condition=scene.conditions[place], passed=passed, shown=text)
    return tuple(judged)


class FactWriter:
    """Finds or gives ids, inside the writer's transaction. After a transaction that failed, `forget` what it gave."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[Scene | Remarks, Known] = {}
        self._usual: dict[tuple[int, Carrier | None], tuple[object, Known]] = {}
        self._renewed: dict[int, int] = {}
        self._suspects: set[Remarks] = set()

    def usual(self, whose: tuple[int, Carrier | None], circumstances: object, slot: int) -> int | None:
        """The scene of the last plain result of an endpoint over such a connection, if the circumstances are the same.

        They are compared, not hashed: the parts are mostly the same objects, a certificate may have a hundred names.
        """
        before, (scene, until) = self._usual.get(whose, _UNKNOWN)
        return scene if slot <= until and circumstances == before else None

    def scene(self, whose: tuple[int, Carrier | None], circumstances: object, scene: Scene, slot: int) -> int:
        """The id of a scene; it is the usual one from now on, unless `circumstances` is None."""
        known = self._find(scene, slot)
        if circumstances is not None:
            self._usual[whose] = circumstances, known
        return known[0]

    def remarks(self, remarks: Remarks, slot: int) -> tuple[int, str | None]:
        """Where remarks are written: a shared fact's id if they have come before, else 0 and text beside the result."""
        if remarks in self._known or remarks in self._suspects:
            return self._find(remarks, slot)[0], None
        if len(self._suspects) >= SUSPECTS:
            self._suspects.clear()
        self._suspects.add(remarks)
        return 0, json_text(remarks)

    def renew(self) -> None:
        """Note what is still in use: once in a GRAIN a fact."""
        if self._renewed:
            rows = [{"fact": identity, "to": until} for identity, until in self._renewed.items()]
            self._connection.execute(_USE, rows)
            self._renewed = {}

    def _find(self, content: Scene | Remarks, slot: int) -> Known:
        known = self._known.get(content)
        if known is not None and slot <= known[1]:
            return known
        if known is not None:
            known = known[0], slot + GRAIN
            self._renewed[known[0]] = known[1]
        else:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._look_up(json_text(content), slot + GRAIN)
        self._known[content] = known
        return known

    def _look_up(self, text: str, until: int) -> Known:
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        found = self._connection.execute(_FIND, {"digest": digest}).first()
        if found is None:
            row = {"digest": digest, "until": until, "content": text}
            return int(self._connection.execute(_GIVE, row).scalar_one()), until
        if found.until < until:
            self._renewed[found.id] = until
        return found.id, max(until, found.until)

    def remove_unused(self, before: int, limit: int) -> int:
        """Remove at most so many facts that no result from slot `before` on can refer to; how many there were."""
        old = select(fact.c.id).where(fact.c.until < before).order_by(fact.c.until).limit(limit)
        gone = set(self._connection.scalars(old))
        if gone:
            self._connection.execute(delete(fact).where(fact.c.id.in_(gone)))
            self._known = {content: known for content, known in self._known.items() if known[0] not in gone}
            self._usual.clear()
        return len(gone)

    def forget(self) -> None:
        """Start anew: what is remembered may never have been committed."""
        self._known.clear()
        self._usual.clear()
        self._renewed.clear()


_FIND = select(fact.c.id, fact.c.until).where(fact.c.digest == bindparam("digest"))
_GIVE = insert(fact).returning(fact.c.id)
_USE = update(fact).where(fact.c.id == bindparam("fact")).values(until=bindparam("to"))


class FactReader:
    """Contents by id, remembered. Safe to share between threads: each step is one dictionary operation."""

    def __init__(self) -> None:
        self._contents: dict[int, Scene | Remarks] = {}

    def load(self, connection: Connection, identities: Iterable[int], kind: type[Content]) -> dict[int, Content]:
        """The contents of these ids, all of one kind."""
        found: dict[int, Content] = {}
        missing: list[int] = []
        for identity in identities:
            content = self._contents.get(identity)
            if isinstance(content, kind):
                found[identity] = content
            else:
                missing.append(identity)
        return found | self._fetch(connection, missing, kind)

    def _fetch(self, connection: Connection, identities: list[int], kind: type[Content]) -> dict[int, Content]:
        found: dict[int, Content] = {}
        for start in range(0, len(identities), 1_000):
            bite = identities[start : start + 1_000]
            rows = connection.execute(select(fact.c.id, fact.c.content).where(fact.c.id.in_(bite)))
            found.update({row.id: msgspec.json.decode(row.content, type=kind) for row in rows})
        if len(self._contents) + len(found) > REMEMBERED:
            self._contents.clear()
        self._contents.update(found)
        return found
