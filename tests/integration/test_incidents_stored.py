"""Incidents in a real database: what a step leaves behind is there whole, and a start goes on from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from milkrun.client import Client
from milkrun.clock import SystemClock
from milkrun.core.endpoint import Registered
from milkrun.core.flapping import Flapping
from milkrun.core.incident import Incident, IncidentKey, Kind, Moment
from milkrun.core.observation import Http
from milkrun.core.outcome import Outcome
from milkrun.core.result import Trigger
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.monitor import remember
from milkrun.monitor.route import Stop
from milkrun.monitor.visit import Visit
from milkrun.probes.registry import probe_makers
from milkrun.store.opening import open_store
from milkrun.store.protocol import Store
from tests.support.configuring import Configured
from tests.support.guarded import REFUSED, SLOT, Guarded, Witnesses
from tests.support.judging import observed, result
from tests.support.rounds import an_endpoint
from tests.support.scripted import Peer, scripted


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(tmp_path / "milkrun.db")
    yield opened
    await opened.close()


class Answer(msgspec.Struct, frozen=True):
    """An answer as a client gives it."""

    headers: dict[str, str]
    beginning: bytes
    is_whole: bool = True


async def house(store: Store, *, known: tuple[Incident, ...] = ()) -> Guarded:
    """A gateway (1) and a shop (2) that depends on it and is checked from two locations, registered in this store."""
    gateway = an_endpoint("core_gateway")
    shop = msgspec.structs.replace(
        an_endpoint("core_shop"), depends_on=("core_gateway",), flapping=Flapping(changes=2, within=60_000)
    )
    line = Guarded(0, reach=Witnesses(), known=known)
    line.endpoints = {each.id: each for each in await store.register([gateway, shop])}
    line.guard.watch(list(line.endpoints.values()), SLOT)
    return line


def both(line: Guarded, outcome: Outcome) -> None:
    """The shop, as both locations see it."""
    failure = REFUSED if outcome is Outcome.DOWN else None
    for location in ("berlin", "oslo"):
        line.settle(2, result(outcome, location=location, failure=failure))


async def test_states_with_locations_flapping_and_parents_come_back_as_they_were(store: Store) -> None:
    line = await house(store)
    line.refused(1)
    for outcome in (Outcome.UP, Outcome.DOWN, Outcome.UP, Outcome.DOWN):
        both(line, outcome)
    batch = line.batch()
    assert batch.states[2].incident is not None
    assert (batch.states[2].incident.parent, batch.states[2].incident.flapping) == (1, True)
    assert len(batch.states[2].tracks) == len(batch.states[2].changes) == 2
    await store.write(batch)
    assert await store.states() == batch.states


async def test_the_evidence_and_the_timeline_of_an_incident_are_kept_whole(store: Store) -> None:
    line = await house(store)
    failing = result(Outcome.DOWN, endpoint=1, slot=SLOT, http=Http(status=500, version="1.1", bytes=16))
    answer = Answer({"Server": "nginx", "Set-Cookie": "a=b"}, b'{"token": "abc"}')
    line.guard.settle(line.endpoints[1], failing, observed(status=500, answer=answer))
    line.up(1)
    await store.write(line.batch())
    case = await store.case(IncidentKey(1, SLOT))
    assert case is not None
    assert case.exhibit is not None
    assert case.exhibit.result == failing
    assert case.exhibit.headers == (("Server", "nginx"), ("Set-Cookie", "(hidden)"))
    assert (case.exhibit.body, case.exhibit.cut) == ('{"token": (hidden)}', False)
    assert [entry.moment for entry in case.entries] == [Moment.OPENED, Moment.RESOLVED]


async def test_warnings_that_are_open_survive_a_restart_and_are_not_opened_again(store: Store) -> None:
    line = await house(store)
    line.pipeline.notices.open(
        Incident(endpoint=1, opened=SLOT, closed=None, state=Outcome.DEGRADED, cause="", kind=Kind.CERTIFICATE)
    )
    await store.write(line.batch())
    remembered = await remember(store)
    again = await house(store, known=tuple(remembered.notices))
    assert again.pipeline.notices.get(1, Kind.CERTIFICATE) is not None
    again.pipeline.notices.close(1, Kind.CERTIFICATE, SLOT + 5)
    await store.write(again.batch())
    assert (await remember(store)).notices == ()
    assert [(each.opened, each.closed) for each in (await store.incidents()).items] == [(SLOT, SLOT + 5)]


async def test_a_restart_explains_what_is_open_by_the_dependencies_there_are_now(store: Store) -> None:
    line = await house(store)
    line.refused(1, 2)
    await store.write(line.batch())
    again = Guarded(0, reach=Witnesses(), states=await store.states())
    shop = msgspec.structs.replace(line.endpoints[2].endpoint, depends_on=())
    again.guard.watch([line.endpoints[1], Registered(id=2, revision=2, endpoint=shop)], SLOT + 99)
    (entry,) = again.entries()
    assert (entry.moment, entry.text) == (Moment.UNEXPLAINED, "core_gateway")


async def test_a_real_failing_answer_is_evidence_without_the_secrets_it_repeats(store: Store, tmp_path: Path) -> None:
    async def repeats(peer: Peer) -> None:
        while request := await peer.request():
            body = b"no entry for " + request.partition(b"X-Vendor: ")[2].partition(b"\r\n")[0]
            await peer.say(b"HTTP/1.1 403 No\r\nServer: s\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with scripted(repeats) as server, Client() as client:
        text = f"name: a\nurl: {server.url}\nheaders: {{X-Vendor: 'id ${{VENDOR}}'}}"
        configured = Configured(tmp_path).endpoint(text, VENDOR="s3cr3t-vendor")
        (known,) = await store.register([configured])
        clock = SystemClock()
        probe = probe_makers(client, clock=clock, lag_since=LagMeter(clock).since)["http"](configured)
        line = Guarded(0, reach=Witnesses())
        line.guard.watch([known], SLOT)
        seen = await probe()
        line.guard.settle(known, Visit(Stop(known, probe), SLOT, Trigger.SCHEDULE, "local").judge(seen), seen)
    await store.write(line.batch())
    case = await store.case(IncidentKey(known.id, SLOT))
    assert case is not None
    assert case.exhibit is not None
    assert case.exhibit.headers == (("server", "s"), ("content-length", "29"))
    assert case.exhibit.body == "no entry for id (hidden)"
    assert case.incident.cause == "[STATUS] (403) < 400"
