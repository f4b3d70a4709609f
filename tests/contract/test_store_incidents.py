"""What every Store does with states, incidents and what is known of them."""

from msgspec.structs import replace

from milkrun.core.alert import Firing, Subject
from milkrun.core.incident import Entry, Exhibit, Incident, IncidentKey, Kind, Moment
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Batch, Case, Gap, Store
from tests.support.database import registered
from tests.support.history import START, a_failure, an_incident


async def test_states_and_streaks_are_kept_with_their_open_incident(store: Store) -> None:
    one, other = await registered(store, 2)
    incident = an_incident(one)
    down = EndpointState(
        state=Outcome.UNKNOWN,
        settled=Outcome.DOWN,
        since=START,
        worse=(3, 2),
        better=(1, 4),
        incident=incident,
    )
    await store.write(Batch(states={one: down, other: EndpointState()}))
    assert await store.states() == {one: down, other: EndpointState()}
    up = EndpointState(state=Outcome.UP, settled=Outcome.UP, since=START + 9, better=(1, 1))
    await store.write(Batch(states={one: up, other: EndpointState()}))
    assert (await store.states())[one] == up


async def test_an_incident_is_replaced_by_its_identity(store: Store) -> None:
    [endpoint] = await registered(store)
    opened = Incident(endpoint=endpoint, opened=START, closed=None, state=Outcome.DEGRADED, cause="slow")
    closed = Incident(endpoint=endpoint, opened=START, closed=START + 5, state=Outcome.DOWN, cause="refused")
    await store.write(Batch(incidents=[opened]))
    await store.write(Batch(incidents=[closed]))
    page = await store.incidents()
    assert (page.items, page.total) == ((closed,), 1)


async def test_incidents_come_newest_first_filtered_and_paged(store: Store) -> None:
    one, other = await registered(store, 2)
    incidents = [
        Incident(
            endpoint=(one, other)[number % 2],
            opened=START + number,
            closed=None if number == 4 else START + number + 100,
            state=Outcome.DEGRADED if number == 1 else Outcome.DOWN,
            cause="refused",
        )
        for number in range(6)
    ]
    await store.write(Batch(incidents=incidents))
    assert (await store.incidents()).items == tuple(incidents[::-1])
    assert (await store.incidents(endpoint=one)).items == (incidents[4], incidents[2], incidents[0])
    assert (await store.incidents(open_only=True)).items == (incidents[4],)
    assert (await store.incidents(states=[Outcome.DEGRADED])).items == (incidents[1],)
    assert (await store.incidents(states=[])).total == 0
    page = await store.incidents(limit=2, offset=1)
    assert (page.items, page.total) == ((incidents[4], incidents[3]), 6)


async def test_gaps_are_recorded_and_found_by_their_end(store: Store) -> None:
    first = Gap(began=START, ended=START + 50, reason="not running")
    second = Gap(began=START + 60, ended=START + 70, reason="not running")
    await store.write(Batch(gaps=[second, first]))
    assert await store.gaps(since=0) == [first, second]
    assert await store.gaps(since=START + 50) == [second]


async def test_what_an_incident_is_about_is_part_of_its_identity(store: Store) -> None:
    [endpoint] = await registered(store)
    outage, expiry = an_incident(endpoint), an_incident(endpoint, kind=Kind.CERTIFICATE, state=Outcome.DEGRADED)
    await store.write(Batch(incidents=[outage, expiry]))
    assert set((await store.incidents()).items) == {outage, expiry}
    assert (await store.incidents(kinds=[Kind.CERTIFICATE, Kind.DOMAIN])).items == (expiry,)
    assert (await store.incidents(kinds=[Kind.OUTAGE])).total == 1


async def test_an_incident_reads_back_with_its_layer_its_parent_and_its_flapping(store: Store) -> None:
    [endpoint] = await registered(store)
    explained = an_incident(endpoint, layer="connect", parent=7, flapping=True)
    await store.write(Batch(incidents=[explained]))
    assert (await store.incidents()).items == (explained,)


async def test_incidents_that_are_over_are_found_by_themselves(store: Store) -> None:
    [endpoint] = await registered(store)
    over, open_one = an_incident(endpoint, closed=START + 5), an_incident(endpoint, START + 9)
    await store.write(Batch(incidents=[over, open_one]))
    assert (await store.incidents(closed_only=True)).items == (over,)


def entries_of(key: IncidentKey) -> list[Entry]:
    return [
        Entry(incident=key, at=START, moment=Moment.OPENED, text="connect/refused"),
        Entry(incident=key, at=START + 5, moment=Moment.NOTE, text="looking", by="ada"),
        Entry(incident=key, at=START + 5, moment=Moment.NOTE, text="looking", by="bob"),
        Entry(incident=key, at=START + 9, moment=Moment.ACKNOWLEDGED, by="bob"),
        Entry(incident=key, at=START + 9, moment=Moment.RESOLVED),
    ]


async def test_a_case_is_the_incident_its_timeline_and_its_evidence(store: Store) -> None:
    one, other = await registered(store, 2)
    incident, elsewhere = an_incident(one), an_incident(other)
    exhibit = Exhibit(incident=incident.key, result=a_failure(one), headers=(("a", "b"),), body="<html>", cut=True)
    entries = entries_of(incident.key)
    another = [Entry(incident=elsewhere.key, at=START, moment=Moment.OPENED)]
    await store.write(Batch(incidents=[incident, elsewhere], entries=[*entries, *another], exhibits=[exhibit]))
    found = await store.case(incident.key)
    assert found is not None
    assert (found.incident, found.exhibit) == (incident, exhibit)
    assert sorted(found.entries, key=repr) == sorted(entries, key=repr)
    assert [entry.at for entry in found.entries] == [entry.at for entry in entries]
    assert found.entries[-1].moment is Moment.RESOLVED
    assert await store.case(elsewhere.key) == Case(incident=elsewhere, entries=tuple(another), exhibit=None)


async def test_there_is_no_case_of_an_incident_that_is_not_there(store: Store) -> None:
    assert await store.case(IncidentKey(1, START)) is None


async def test_what_is_written_again_is_in_the_timeline_once_and_the_first_evidence_stands(store: Store) -> None:
    [endpoint] = await registered(store)
    incident = an_incident(endpoint)
    first = Exhibit(incident=incident.key, result=a_failure(endpoint))
    entry = Entry(incident=incident.key, at=START, moment=Moment.OPENED, text="refused")
    await store.write(Batch(incidents=[incident], entries=[entry], exhibits=[first]))
    later = Exhibit(incident=incident.key, result=a_failure(endpoint, START + 1))
    await store.write(Batch(incidents=[incident], entries=[entry], exhibits=[later]))
    assert await store.case(incident.key) == Case(incident=incident, entries=(entry,), exhibit=first)


async def test_a_page_of_incidents_says_who_was_first_on_each(store: Store) -> None:
    one, other = await registered(store, 2)
    attended, alone = an_incident(one), an_incident(other)
    said = [
        Entry(incident=attended.key, at=START + at, moment=Moment.ACKNOWLEDGED, by=by)
        for at, by in ((7, "bob"), (3, "ada"))
    ]
    await store.write(Batch(incidents=[attended, alone], entries=said))
    assert (await store.incidents()).acknowledged == {attended.key: "ada"}
    assert (await store.incidents(endpoint=other)).acknowledged == {}


def a_firing(endpoint: int, route: str) -> Firing:
    incident = an_incident(endpoint)
    subject = Subject(
        key="core_checkout",
        name="checkout",
        group="core",
        url="https://shop.example/checkout",
        severity=incident.severity,
        state=incident.state,
        opened=incident.opened,
        cause=incident.cause,
    )
    return Firing(endpoint=endpoint, route=route, channels=("ops",), incident=incident, subject=subject)


async def test_what_was_told_is_kept_until_its_end_is_told(store: Store) -> None:
    one, other = await registered(store, 2)
    firings = {
        (endpoint, route): a_firing(endpoint, route)
        for endpoint, route in ((one, "core"), (one, "night"), (other, "core"))
    }
    await store.write(Batch(firings=dict(firings)))
    assert await store.firings() == firings
    told = replace(firings[one, "night"], incident=an_incident(one, state=Outcome.DEGRADED))
    await store.write(Batch(firings={(one, "core"): None, (one, "night"): told, (one, "gone"): None}))
    assert await store.firings() == {(one, "night"): told, (other, "core"): firings[other, "core"]}


async def test_twenty_thousand_ends_are_one_flush(store: Store) -> None:
    firing = a_firing(1, "core")
    await store.write(Batch(firings={(endpoint, "core"): firing for endpoint in range(20_000)}))
    await store.write(Batch(firings={(endpoint, "core"): None for endpoint in range(19_999)}))
    assert list(await store.firings()) == [(19_999, "core")]


async def test_text_from_a_target_never_stops_a_flush(store: Store) -> None:
    [endpoint] = await registered(store)
    incident = an_incident(endpoint, cause="\0 and \N{SNOWMAN}")
    odd = a_failure(endpoint, warnings=("\ud800", "\0", '\\"{},\n'))
    state = EndpointState(state=Outcome.DOWN, settled=Outcome.DOWN, since=START, incident=incident)
    exhibit = Exhibit(incident=incident.key, result=odd, body="\0\ud800{NULL}")
    entry = Entry(incident=incident.key, at=START, moment=Moment.NOTE, text="\0", by="\ud800")
    await store.write(Batch(results=[odd], states={endpoint: state}, entries=[entry], exhibits=[exhibit]))
    assert await store.case(incident.key) is not None
    assert (await store.results(endpoint, limit=1))[0].warnings[2] == '\\"{},\n'
