"""What really happened against what Milkrun has written down: every way in which they differ, as a sentence."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from milkrun.core.incident import Incident
from milkrun.core.result import Result
from milkrun.core.rollup import Period, Rollup, roll_up
from milkrun.store.protocol import Store
from tests.crash.plan import Outage, Plan, outages
from tests.crash.rounds import Life, Played
from tests.crash.stage import Delivery

INTERVAL = 1_000  # ms: that of every endpoint here
BLIND = 15.0  # seconds after which an outage or its end must have been seen, however often Milkrun was killed
PAGE = 1_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`faults` are sentences, none if all is well; the rest is for the record."""

    faults: tuple[str, ...]
    outages: int
    letters: int
    results: int
    worst_loss: float


async def judge(store: Store, played: Played, *, grace: float) -> Verdict:
    """Compare everything. `grace` is how many seconds over one may be missing before a kill."""
    plan = played.plan
    expected = {number: outages(plan, number) for number in range(plan.endpoints)}
    incidents = await _incidents(store)
    letters = _letters(played)
    results = await _results(store, plan)
    loss = worst_loss(results, played.lives)
    faults = [
        *_against_plan(expected, incidents),
        *_against_letters(incidents, letters),
        *await _against_rollups(store, results),
    ]
    if loss > 1.0 + grace:
        faults.append(f"{loss:.2f} s of results are missing before a kill, where 1 s may be")
    return Verdict(
        faults=tuple(faults),
        outages=sum(map(len, expected.values())),
        letters=len(letters),
        results=sum(map(len, results.values())),
        worst_loss=loss,
    )


async def _incidents(store: Store) -> dict[int, list[Incident]]:
    """By the endpoint's number, oldest first. Ids are given in the order of the configuration, from 1."""
    found: dict[int, list[Incident]] = defaultdict(list)
    offset = 0
    while page := (await store.incidents(limit=PAGE, offset=offset)).items:
        for incident in page:
            found[incident.endpoint - 1].insert(0, incident)
        offset += PAGE
    return found


def _against_plan(expected: dict[int, list[Outage]], incidents: dict[int, list[Incident]]) -> Iterable[str]:
    for number, planned in expected.items():
        found = incidents.get(number, [])
        if len(found) != len(planned):
            yield f"e{number} has {len(found)} incidents for {len(planned)} outages: {_times(found)}"
            continue
        for outage, incident in zip(planned, found, strict=True):
            if not _matches(outage, incident):
                yield f"e{number}: {_times([incident])} is not the outage {outage.began:.1f} to {outage.ended:.1f}"


def _matches(outage: Outage, incident: Incident) -> bool:
    if incident.closed is None:
        return False
    opened, closed = incident.opened / 1_000 - outage.began, incident.closed / 1_000 - outage.ended
    return -1.0 <= opened <= BLIND and -1.0 <= closed <= BLIND


def _times(incidents: Sequence[Incident]) -> str:
    return ", ".join(f"{one.opened / 1_000:.1f} to {(one.closed or 0) / 1_000:.1f}" for one in incidents) or "none"


def _letters(played: Played) -> list[tuple[str, str]]:
    """Every message that arrived, in order: the incident's key, and what it was for."""
    found: list[tuple[str, str]] = []
    for line in played.deliveries.read_bytes().splitlines():
        body = msgspec.json.decode(msgspec.json.decode(line, type=Delivery).body)
        found += [(told["incident"], told["purpose"]) for told in body["incidents"]]
        found += [(key, purpose) for purpose, key in body["others"]]
    return found


def _against_letters(incidents: dict[int, list[Incident]], letters: list[tuple[str, str]]) -> Iterable[str]:
    first: dict[tuple[str, str], int] = {}
    for place, letter in enumerate(letters):
        first.setdefault(letter, place)
    known = {str(incident.key) for found in incidents.values() for incident in found}
    for key in {key for key, _ in first} - known:
        yield f"somebody was told of {key}, which is in no book"
    for found in incidents.values():
        told = -1
        for incident in found:
            key = str(incident.key)
            places = first.get((key, "trigger")), first.get((key, "resolve"))
            if places[0] is None or places[1] is None:
                yield f"of {key} arrived: trigger {places[0] is not None}, resolve {places[1] is not None}"
            elif not told < places[0] < places[1]:
                yield f"of {key} the messages came out of order: {told}, {places}"
            told = max(told, *(place for place in places if place is not None), -1)


async def _results(store: Store, plan: Plan) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = {}
    for number in range(plan.endpoints):
        found[number] = await store.stretch(number + 1, since=0, until=1 << 60)
    return found


def worst_loss(results: dict[int, list[Result]], lives: Sequence[Life]) -> float:
    """The most seconds before a kill of which a result is missing that must have been there."""
    worst = 0.0
    for life in lives:
        if life.ready is None or not life.killed:
            continue
        begin, end = int((life.ready + 1.5) * 1_000), int(life.ended * 1_000)
        for found in results.values():
            there = {result.slot for result in found if begin - 2 * INTERVAL <= result.slot <= end}
            phase = found[0].slot % INTERVAL
            missing = [slot for slot in _beat(begin, end, phase) if slot not in there]
            if missing:
                worst = max(worst, (end - missing[0]) / 1_000)
    return worst


def _beat(begin: int, end: int, phase: int) -> range:
    return range(begin + (phase - begin) % INTERVAL, end + 1, INTERVAL)


async def _against_rollups(store: Store, results: dict[int, list[Result]]) -> Iterable[str]:
    counted = {_identity(rollup): rollup for rollup in _count(results)}
    written = {_identity(rollup): rollup for rollup in await store.rollups(Period.FIVE_MINUTES, since=0)}
    faults = [
        f"the roll-up {identity} is counted from results, and not written" for identity in counted - written.keys()
    ]
    faults += [f"the roll-up {identity} is written, and no result is in it" for identity in written.keys() - counted]
    for identity in counted.keys() & written.keys():
        if counted[identity] != written[identity]:
            faults.append(f"the roll-up {identity} is {written[identity]}, by the results {counted[identity]}")
    return faults[:20]


def _count(results: dict[int, list[Result]]) -> Iterable[Rollup]:
    """Count the last attempt of every slot, from results alone."""
    for of_endpoint in results.values():
        last = {(result.slot, result.location): result for result in of_endpoint}
        yield from roll_up(Period.FIVE_MINUTES, last.values())


def _identity(rollup: Rollup) -> tuple[object, ...]:
    return rollup.start, rollup.endpoint, rollup.location, rollup.connection
