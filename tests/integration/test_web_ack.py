"""Acknowledging by the link of an alert: what it shows, what it changes, and what it never tells."""

from html import unescape

import pytest

from milkrun.alerting import links
from milkrun.config.settings import WebSettings
from milkrun.core.incident import Incident, Moment
from milkrun.core.outcome import Outcome
from milkrun.store.protocol import Batch, StoreUnavailableError
from tests.support.access import AUTH
from tests.support.browsing import browsing
from tests.support.postbox import SECRET
from tests.support.scene import Scene

HOUR = 3_600_000


async def a_scene(*, closed: bool = False) -> tuple[Scene, Incident, str]:
    """A site with a password, an incident on it, and the link to acknowledge that."""
    scene = Scene(WebSettings(basic=AUTH))
    await scene.add(5)
    await scene.play(turns=2)
    opened = scene.now - 180_000
    one = Incident(
        endpoint=1,
        opened=opened,
        closed=scene.now if closed else None,
        state=Outcome.DOWN,
        cause="connect/refused: nothing listens",
    )
    await scene.store.write(Batch(incidents=[one]))
    return scene, one, f"/ack/{links.sign(SECRET, one.key, 'ops', scene.now + HOUR)}"


async def moments(scene: Scene, one: Incident) -> list[Moment]:
    case = await scene.store.case(one.key)
    return [entry.moment for entry in case.entries] if case else []


async def test_to_follow_the_link_shows_one_line_and_a_button_and_changes_nothing() -> None:
    scene, one, link = await a_scene()
    async with browsing(scene) as (client, _):
        for answer in (await client.get(link), await client.head(link)):
            assert answer.status_code == 200
        html = (await client.get(link)).text
        refused = await client.get(f"/incidents/{one.key}")
    assert "checkout has been down for 3 min" in html
    assert "connect/refused: nothing listens" in html
    assert '<form method="post"' in html
    assert await moments(scene, one) == []
    assert refused.status_code == 401


async def test_the_page_tells_nothing_of_anything_else() -> None:
    scene, _, link = await a_scene()
    async with browsing(scene) as (client, _):
        html = (await client.get(link)).text
    for told in ("login", "core_", "example.org", "/incidents", "up.", "location"):
        assert told not in html.split("<main")[1]
    assert "<script" not in html


async def test_the_button_acknowledges_once_however_often_it_is_pressed() -> None:
    scene, one, link = await a_scene()
    async with browsing(scene) as (client, _):
        first, second = await client.post(link), await client.post(link)
    assert "Acknowledged." in first.text
    assert "Acknowledged." in second.text
    assert "<button" not in second.text
    assert await moments(scene, one) == [Moment.ACKNOWLEDGED]
    case = await scene.store.case(one.key)
    assert case is not None
    assert case.entries[0].by == "whoever got the link by ops"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_incident_that_is_over_says_so(method: str) -> None:
    scene, one, link = await a_scene(closed=True)
    async with browsing(scene) as (client, _):
        answer = await client.request(method, link)
    assert "checkout was down for 3 min" in answer.text
    assert "This incident is over" in answer.text
    assert await moments(scene, one) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", ["forged", "expired", "another key's", "of nothing"])
async def test_a_link_that_grants_nothing_says_why_in_one_sentence(method: str, fault: str) -> None:
    scene, one, link = await a_scene()
    gone = Incident(endpoint=9, opened=9, closed=None, state=Outcome.DOWN, cause="")
    tokens = {
        "forged": (link[5:].replace(".", ".A"), "not one of Milkrun's"),
        "expired": (links.sign(SECRET, one.key, "ops", scene.now - 1), "has expired"),
        "another key's": (links.sign(b"other" * 7, one.key, "ops", scene.now + HOUR), "not one of Milkrun's"),
        "of nothing": (links.sign(SECRET, gone.key, "ops", scene.now + HOUR), "no longer kept"),
    }
    token, said = tokens[fault]
    async with browsing(scene) as (client, _):
        answer = await client.request(method, f"/ack/{token}")
    assert answer.status_code == 410
    assert said in unescape(answer.text)
    assert "checkout" not in answer.text
    assert await moments(scene, one) == []


@pytest.mark.parametrize("path", ["/ack/x/y", "/ack/", "/static/nope.css", "/static/../alerts", "/ack/%2e%2e/alerts"])
async def test_nothing_else_can_be_seen_without_the_password(path: str) -> None:
    scene, _, _ = await a_scene()
    scene.tell_vitals(error="the disk under /srv/secret is full")
    async with browsing(scene) as (client, _):
        answer = await client.get(path)
    assert answer.status_code in (401, 404)
    for told in ("/srv/secret", "location", "checkout", '"/incidents'):
        assert told not in answer.text


async def test_a_store_that_cannot_be_read_tells_a_stranger_nothing_but_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise StoreUnavailableError("/srv/secret/milkrun.db is locked")

    scene, _, link = await a_scene()
    async with browsing(scene) as (client, _):
        monkeypatch.setattr(scene.store, "case", fail)
        answer = await client.get(link)
    assert answer.status_code == 503
    assert "cannot read what it knows just now" in answer.text
    assert "/srv/secret" not in answer.text
