"""Pages and interface over the real database: what a person does is kept, and history is read from its roll-ups."""

import re

from msgspec.structs import replace

from milkrun.alerting import links
from milkrun.core.incident import Exhibit, Incident, Kind
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Period
from milkrun.core.slo import Objective
from milkrun.store.protocol import Batch
from milkrun.store.sql import SqlStore
from milkrun.web.history_view import HOUR_MS
from tests.support.browsing import browsing
from tests.support.scene import FOREVER, Scene, endpoint, periods_of, result

MINUTE = 60_000


async def a_scene(store: SqlStore) -> Scene:
    """Two endpoints, the first with an objective, and services over the store."""
    scene = Scene()
    scene.services = replace(scene.services, store=store, outbox=store)
    endpoints = [replace(endpoint(0), slo=Objective(target=0.999)), endpoint(1)]
    scene.adopt(await store.register(endpoints))
    return scene


async def an_outage(scene: Scene, store: SqlStore, **changes: object) -> Incident:
    usual = {"endpoint": 1, "opened": scene.now - 3 * MINUTE, "closed": None, "state": Outcome.DOWN, "cause": "why"}
    one = Incident(**(usual | changes))  # type: ignore[arg-type]
    bad = result(scene.registered[0], one.opened, outcome=Outcome.DOWN, status=503)
    await store.write(Batch(incidents=[one], exhibits=[Exhibit(incident=one.key, result=bad, body="<oops>")]))
    return one


async def test_an_incident_is_acknowledged_and_noted_and_both_are_kept(store: SqlStore) -> None:
    scene = await a_scene(store)
    one = await an_outage(scene, store)
    over = await an_outage(scene, store, opened=5, closed=6)
    warned = await an_outage(scene, store, kind=Kind.CERTIFICATE, state=Outcome.DEGRADED)
    async with browsing(scene) as (client, _):
        acknowledged = await client.post(f"/api/v1/incidents/{one.key}/acknowledge")
        noted = await client.post(f"/api/v1/incidents/{one.key}/notes", json={"text": "looking"})
        late = await client.post(f"/api/v1/incidents/{over.key}/acknowledge")
        listed = (await client.get("/api/v1/incidents")).json()["items"]
        html = (await client.get("/incidents")).text
        page = (await client.get(f"/incidents/{one.key}")).text
    assert (acknowledged.status_code, late.status_code) == (200, 409)
    assert [line["moment"] for line in noted.json()["timeline"]] == ["acknowledged", "note"]
    assert {item["key"]: item["acknowledged"] for item in listed} == {
        str(one.key): "anyone",
        str(warned.key): None,
        str(over.key): None,
    }
    assert "1 outage is open, and 1 warning." in html
    assert "&lt;oops&gt;" in page


async def test_the_link_of_an_alert_acknowledges(store: SqlStore) -> None:
    scene = await a_scene(store)
    one = await an_outage(scene, store)
    token = links.sign(await store.secret(), one.key, "ops", scene.now + MINUTE)
    async with browsing(scene) as (client, _):
        answer = await client.post(f"/ack/{token}")
        case = (await client.get(f"/api/v1/incidents/{one.key}")).json()
    assert "Acknowledged." in answer.text
    assert case["acknowledged"] == "whoever got the link by ops"


async def test_channels_are_shown_as_the_outbox_has_them(store: SqlStore) -> None:
    scene = await a_scene(store)
    await store.configure({"ops": "slack"}, now=scene.now)
    async with browsing(scene) as (client, _):
        (channel,) = (await client.get("/api/v1/alerts")).json()["items"]
    assert (channel["channel"], channel["state"], channel["pending"], channel["failed"]) == ("ops", "untried", 0, 0)


async def test_history_is_read_from_roll_ups_of_every_length_and_up_to_the_last_minute(store: SqlStore) -> None:
    scene = await a_scene(store)
    one = scene.registered[0]
    five_minutes = periods_of(one, scene.now - HOUR_MS, Period.FIVE_MINUTES, 3 * 288)
    await store.write(Batch(rollups=five_minutes))
    await store.write(Batch(results=[result(one, scene.now - n * 10_000) for n in range(1, 4)]))
    while (await store.upkeep(scene.now, FOREVER)).more:
        pass
    async with browsing(scene) as (client, _):
        answer = (await client.get("/api/v1/endpoints/core_checkout")).json()
        days = (await client.get("/api/v1/endpoints/core_checkout/history?resolution=day")).json()["items"]
        html = (await client.get("/endpoints/core_checkout?range=7d")).text
    month = answer["windows"]["30d"]
    counted = sum(rollup.up + rollup.down for rollup in five_minutes) + 3
    assert month["outcomes"]["up"] + month["outcomes"]["down"] == counted
    assert 0.9 < month["uptime"] < 1
    assert month["warm_ms"]["p50"] < month["cold_ms"]["p50"]
    assert answer["windows"]["1h"]["outcomes"]["up"] == 3
    assert sum(day["outcomes"]["up"] + day["outcomes"]["down"] for day in days) == counted
    assert len(days) in (4, 5)
    assert answer["objective"]["target"] == 0.999
    assert answer["objective"]["budget"] is not None
    assert "of 99.9% wanted over 30 days" in re.sub(r"<[^>]+>", "", html)
    assert '"period":3600' in html
