"""Incidents as pages and as JSON: what is open and over, one whole, and what a person does about it."""

import re

import httpx2
import pytest

from milkrun.clock import settle
from milkrun.config.settings import WebSettings
from milkrun.core.incident import Entry, Exhibit, Incident, Kind, Moment
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Batch
from milkrun.web import cases, incidents
from tests.support.access import AUTH, header
from tests.support.browsing import browsing
from tests.support.scene import Scene, result

MINUTE = 60_000
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def a_scene(count: int = 10, web: WebSettings | None = None) -> Scene:
    scene = Scene(web)
    await scene.add(count)
    await scene.play(turns=2)
    return scene


async def open_one(scene: Scene, endpoint: int = 1, **changes: object) -> Incident:
    usual = {"endpoint": endpoint, "opened": scene.now - 3 * MINUTE, "closed": None, "state": Outcome.DOWN}
    one = Incident(**(usual | {"cause": "connect/refused: nobody", "layer": "connect"} | changes))  # type: ignore[arg-type]
    await scene.store.write(Batch(incidents=[one]))
    return one


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def table(html: str, title: str) -> str:
    found = re.search(rf'<h2 id="{title}">.*?</section>', html, re.DOTALL)
    return text(found[0]) if found else ""


async def test_open_outages_stand_first_with_what_they_explain_and_warnings_apart_from_downtime() -> None:
    scene = await a_scene()
    parent = await open_one(scene, 2)
    for child in (3, 4):
        await open_one(scene, child, parent=2)
    await open_one(scene, 5, kind=Kind.CERTIFICATE, state=Outcome.DEGRADED, cause="ends in 6 days", layer="")
    await open_one(scene, 6, opened=scene.now - 9 * MINUTE, closed=scene.now - 8 * MINUTE, cause="long over")
    await scene.outbox.acknowledge(parent.key, by="ada", at=scene.now)
    async with browsing(scene) as (client, _):
        html = (await client.get("/incidents")).text
    assert "3 outages are open, and 1 warning." in text(html)
    assert "explains 2 others" in table(html, "outages")
    assert "ada" in table(html, "outages")
    assert html.index('id="outages"') < html.index('id="warnings"') < html.index('id="over"')
    assert "certificate" in table(html, "warnings")
    assert "ends in 6 days" not in table(html, "outages")
    assert "long over" in table(html, "over")


@pytest.mark.parametrize(
    ("query", "sections"),
    [
        ("", ["outages", "warnings", "over"]),
        ("?show=open", ["outages", "warnings"]),
        ("?show=outages", ["outages", "over"]),
        ("?show=warnings", ["warnings"]),
        ("?endpoint=core_checkout", []),
    ],
)
async def test_the_page_can_be_filtered(query: str, sections: list[str]) -> None:
    scene = await a_scene()
    await open_one(scene, 2)
    await open_one(scene, 2, kind=Kind.DOMAIN)
    await open_one(scene, 3, opened=5, closed=6)
    async with browsing(scene) as (client, _):
        html = (await client.get(f"/incidents{query}")).text
    assert [name for name in ("outages", "warnings", "over") if f'<h2 id="{name}">' in html] == sections
    assert ("There is none here." in text(html)) is (not sections)


async def test_more_than_a_page_of_open_ones_lead_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "OPEN", 3)
    scene = await a_scene()
    for endpoint in range(1, 9):
        await open_one(scene, endpoint)
    async with browsing(scene) as (client, _):
        first = (await client.get("/incidents")).text
        third = (await client.get("/incidents?show=open&page=3")).text
    assert "All 8 that are open" in text(first)
    assert 'href="/incidents?show=open"' in first
    assert "page 3 of 3" in text(third)
    assert third.count("<tr class=") == 2


async def test_one_incident_tells_its_whole_case() -> None:
    scene = await a_scene()
    one = await open_one(scene)
    entries = [
        Entry(incident=one.key, at=one.opened, moment=Moment.OPENED, text=one.cause),
        Entry(incident=one.key, at=one.opened + 1, moment=Moment.NOTIFIED, text="ops"),
        Entry(incident=one.key, at=one.opened + 2, moment=Moment.NOTE, text="<i>looking</i>", by="ada"),
    ]
    bad = result(scene.registered[0], one.opened, outcome=Outcome.DOWN, status=503, cold=True)
    exhibit = Exhibit(
        incident=one.key, result=bad, headers=(("server", "<nginx>"),), body="<script>no</script>", cut=True
    )
    await scene.store.write(Batch(entries=entries, exhibits=[exhibit]))
    async with browsing(scene) as (client, _):
        html = (await client.get(f"/incidents/{one.key}")).text
    said = text(html)
    assert "checkout has been down for 3 min" in said
    assert "look at the host, its port, and firewalls between" in said
    for line in ("Opened connect/refused: nobody", "Told ops", "Note by ada &lt;i&gt;looking", "1 header", "Body, its"):
        assert line in said
    assert "[STATUS] (503) == 200" in said
    assert "&lt;nginx&gt;" in html
    assert "<script>no" not in html
    assert 'class="fall cold"' in html


async def test_an_outage_names_what_it_explains_and_whose_outage_explains_it() -> None:
    scene = await a_scene()
    parent, child = await open_one(scene, 2), await open_one(scene, 3, parent=2)
    async with browsing(scene) as (client, _):
        scene.tell(states={3: EndpointState(state=Outcome.DOWN, since=child.opened, incident=child)})
        await settle()
        above = text((await client.get(f"/incidents/{parent.key}")).text)
        below = text((await client.get(f"/incidents/{child.key}")).text)
    assert "Explains 1 other outage: checkout" in above
    assert "Explained by the outage of checkout" in below


async def test_the_button_acknowledges_under_the_name_of_who_is_signed_in() -> None:
    scene = await a_scene(web=WebSettings(basic=AUTH))
    one = await open_one(scene)
    async with browsing(scene, headers={"authorization": header("ada:secret")}) as (client, _):
        assert "<button" in (await client.get(f"/incidents/{one.key}")).text
        answer = await client.post(f"/incidents/{one.key}/acknowledge")
        said = text((await client.get(f"/incidents/{one.key}")).text)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{one.key}")
    assert "ada is on it: reminders and escalation have stopped." in said
    assert "Acknowledged by ada" in said


async def test_a_note_is_kept_as_it_was_written() -> None:
    scene = await a_scene()
    one = await open_one(scene)
    async with browsing(scene) as (client, _):
        body = "text=rolled+back%0D%0Aw%C3%A4tching+%3Cit%3E"
        answer = await client.post(f"/incidents/{one.key}/notes", content=body, headers=FORM)
        case = (await client.get(f"/api/v1/incidents/{one.key}")).json()
    assert answer.status_code == 303
    assert case["timeline"][-1]["text"] == "rolled back\nwätching <it>"
    assert case["timeline"][-1]["by"] == "anyone"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("text=+", 422, "A note has 1 to 2,000 characters; this one has 0."),
        ("other=1", 422, "this one has 0"),
        ("text=" + "x" * 2_001, 422, "this one has 2,001"),
        ("text=" + "x" * cases.FORM, 413, "make the note shorter"),
    ],
)
async def test_a_note_that_cannot_be_kept_is_refused_with_a_sentence(body: str, status: int, said: str) -> None:
    scene = await a_scene()
    one = await open_one(scene)
    async with browsing(scene) as (client, _):
        answer = await client.post(f"/incidents/{one.key}/notes", content=body, headers=FORM)
    assert answer.status_code == status
    assert said in text(answer.text)


@pytest.mark.parametrize(
    "path", ["/incidents/{}/acknowledge", "/incidents/{}/notes", "/api/v1/incidents/{}/acknowledge"]
)
@pytest.mark.parametrize("sent", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}])
async def test_a_page_of_another_site_changes_nothing(path: str, sent: dict[str, str]) -> None:
    scene = await a_scene()
    one = await open_one(scene)
    async with browsing(scene) as (client, _):
        answer = await client.post(path.format(one.key), content="text=x", headers={**FORM, **sent})
        case = (await client.get(f"/api/v1/incidents/{one.key}")).json()
    assert answer.status_code == 403
    assert "nothing was changed" in answer.text
    assert case["timeline"] == []


@pytest.mark.parametrize("key", ["1-2-outage", "1-2-sunday", "x", "1-2", f"{'9' * 30}-1-outage", "1-2-outage-3"])
@pytest.mark.parametrize("part", ["", "/acknowledge", "/notes"])
async def test_a_key_of_no_incident_is_404_with_a_sentence(key: str, part: str) -> None:
    async with browsing(await a_scene()) as (client, _):
        for base in ("/incidents", "/api/v1/incidents"):
            json = {"json": {"text": "x"}} if base.startswith("/api") else {"content": "text=x"}
            answer = await (client.post(f"{base}/{key}{part}", **json) if part else client.get(f"{base}/{key}"))
            assert answer.status_code == 404
            assert "No incident has the key" in answer.text


async def test_the_interface_gives_an_incident_whole_and_acknowledges_it() -> None:
    scene = await a_scene()
    one = await open_one(scene, 2, parent=1, flapping=True)
    await scene.store.write(Batch(exhibits=[Exhibit(incident=one.key, result=result(scene.registered[1], one.opened))]))
    async with browsing(scene) as (client, _):
        listed = (await client.get("/api/v1/incidents?kind=outage")).json()["items"][0]
        none = (await client.get("/api/v1/incidents?kind=domain")).json()
        done = (await client.post(f"/api/v1/incidents/{one.key}/acknowledge")).json()
        noted = (await client.post(f"/api/v1/incidents/{one.key}/notes", json={"text": "on it"})).json()
    assert listed["key"] == str(one.key)
    assert {name: listed[name] for name in ("kind", "severity", "layer", "parent", "acknowledged", "flapping")} == {
        "kind": "outage",
        "severity": "critical",
        "layer": "connect",
        "parent": "core_checkout",
        "acknowledged": None,
        "flapping": True,
    }
    assert none == {"items": [], "total": 0}
    assert done["acknowledged"] == "anyone"
    assert [line["moment"] for line in noted["timeline"]] == ["acknowledged", "note"]
    assert noted["exhibit"]["result"]["endpoint"] == "payments_checkout"


async def test_an_incident_that_is_over_cannot_be_acknowledged_and_says_so() -> None:
    scene = await a_scene()
    one = await open_one(scene, closed=scene.now)
    async with browsing(scene) as (client, _):
        answers = [await client.post(f"{base}/{one.key}/acknowledge") for base in ("/incidents", "/api/v1/incidents")]
        html = (await client.get(f"/incidents/{one.key}")).text
    assert [answer.status_code for answer in answers] == [409, 409]
    assert cases.OVER in answers[1].json()["detail"]
    assert "<button" not in html.split('class="note"')[0].split("<main")[1]
    assert "was down for 3 min" in html


async def test_evidence_of_an_endpoint_that_is_gone_can_still_be_read() -> None:
    scene = await a_scene(1)
    one = await open_one(scene, 99, closed=scene.now)
    await scene.store.write(Batch(exhibits=[Exhibit(incident=one.key, result=result(scene.registered[0], one.opened))]))
    async with browsing(scene) as (client, _):
        page = await client.get(f"/incidents/{one.key}")
        case = (await client.get(f"/api/v1/incidents/{one.key}")).json()
    assert "an endpoint no longer configured was down" in text(page.text)
    assert case["endpoint"] is None
    assert case["exhibit"]["result"]["outcome"] == "up"


async def test_trouble_of_our_own_network_is_one_banner_on_every_page() -> None:
    scene = await a_scene()
    one = await open_one(scene, 0, kind=Kind.NETWORK, state=Outcome.UNKNOWN, cause="12 hosts failed at dns at once")
    async with browsing(scene) as (client, _):
        for path in ("/", "/endpoints/core_checkout", "/client", "/alerts"):
            banner = await banner_of(client, path)
            assert "12 hosts failed at dns at once. No endpoint is blamed for it." in text(banner)
            assert f"/incidents/{one.key}" in banner


async def banner_of(client: httpx2.AsyncClient, path: str) -> str:
    found = re.search(r'<div id="banner".*?</div>', (await client.get(path)).text, re.DOTALL)
    return found[0] if found else ""
