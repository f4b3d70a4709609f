"""Alerts as a page, as JSON, as a banner and as metrics."""

import re

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from milkrun.config.settings import AlertingSettings, ChannelSettings
from milkrun.core.alert import Route, Step
from milkrun.store.outbox_protocol import Attempt, ChannelState
from milkrun.store.protocol import StoreUnavailableError
from milkrun.web import metrics
from milkrun.web import site as site_module
from tests.support.browsing import browsing
from tests.support.scene import Scene
from tests.support.turns import until


class Options(msgspec.Struct):
    """A channel's own, which pages never show."""

    secret: str = "hunter2"


def configured() -> AlertingSettings:
    channels = tuple(ChannelSettings(name=name, kind="slack", options=Options()) for name in ("ops", "pager", "spare"))
    steps = (Step(after=900_000, channels=("pager",)),)
    return AlertingSettings(channels=channels, routes=(Route(name="core", channels=("ops",), steps=steps),))


def a_scene() -> Scene:
    scene = Scene(alerting=configured())
    good = Attempt(channel="ops", at=scene.now - 90_000, took=0.25, messages=4)
    bad = Attempt(channel="pager", at=scene.now - 60_000, took=1.5, messages=1, error="403: key revoked")
    scene.outbox.states = [
        ChannelState(channel="old", pending=0, failed=1, last=None, disabled=None),
        ChannelState(channel="ops", pending=3, failed=0, last=good, disabled=None, arrived=12, refused=2),
        ChannelState(channel="pager", pending=1, failed=2, last=bad, disabled="403: key revoked", refused=3),
    ]
    scene.outbox.tried = {"ops": [good], "pager": [bad]}
    return scene


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def test_every_channel_shows_its_state_its_attempts_and_what_to_do_those_in_trouble_first() -> None:
    async with browsing(a_scene()) as (client, _):
        html = (await client.get("/alerts")).text
    sections = [text(one) for one in re.findall(r'<section class="channel.*?</section>', html, re.DOTALL)]
    assert [re.search(r"(old|ops|pager|spare)", one)[0] for one in sections] == ["pager", "old", "ops", "spare"]  # type: ignore[index]
    assert "disabled pager slack 403: key revoked." in sections[0].replace("  ", " ")
    assert "milkrun alert enable pager" in sections[0]
    assert "1 min ago 1 1.5 s failed 403: key revoked" in sections[0]
    assert "no longer configured" in sections[1]
    assert "route core" in sections[2]
    assert "Nothing was sent by it yet." in sections[3]
    assert "No route leads here" in sections[3]
    assert "hunter2" not in html


async def test_without_channels_the_page_says_how_to_have_one() -> None:
    async with browsing(Scene()) as (client, _):
        said = text((await client.get("/alerts")).text)
    assert "Nobody is told of anything yet." in said
    assert "milkrun alert test ops" in said


async def test_the_interface_has_the_same() -> None:
    async with browsing(a_scene()) as (client, _):
        items = (await client.get("/api/v1/alerts")).json()["items"]
    pager, old = items[0], items[1]
    assert (pager["channel"], pager["kind"], pager["disabled"], pager["failed"]) == (
        "pager",
        "slack",
        "403: key revoked",
        2,
    )
    assert pager["attempts_total"] == {"arrived": 0, "refused": 3}
    assert pager["attempts"][0]["error"] == "403: key revoked"
    assert pager["attempts"][0]["took_ms"] == 1_500
    assert old["kind"] is None


@pytest.mark.parametrize("path", ["/", "/incidents", "/client"])
async def test_what_does_not_arrive_is_said_on_every_page(path: str) -> None:
    async with browsing(a_scene()) as (client, _):
        html = (await client.get(path)).text
    banner = text(html[html.index('<div id="banner"') :].split("</div>")[0])
    assert "No alert goes to pager: it is disabled. 403: key revoked." in banner
    assert "One message to old was given up and has not arrived." in banner
    assert "ops" not in banner


async def test_a_store_that_cannot_be_read_leaves_the_banner_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise StoreUnavailableError("locked")

    scene = a_scene()
    async with browsing(scene) as (_, site):
        before = site.notices.alerts()
        monkeypatch.setattr(scene.outbox, "channels", fail)
        await site.notices.look()
        assert site.notices.alerts() == before != []


async def test_a_channel_that_breaks_is_noticed_while_pages_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "EVERY", 0.001)
    scene = Scene()
    async with browsing(scene) as (_, site):
        assert site.notices.alerts() == []
        scene.outbox.states = a_scene().outbox.states
        assert await until(lambda: site.notices.alerts() != [])


async def test_metrics_count_by_channel_and_outcome_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CHANNELS", 2)
    async with browsing(a_scene()) as (client, _):
        families = {
            one.name: one.samples for one in text_string_to_metric_families((await client.get("/metrics")).text)
        }
    counted = {(one.labels["channel"], one.labels["outcome"]): one.value for one in families["milkrun_alerts_attempts"]}
    assert counted == {("old", "arrived"): 0, ("old", "refused"): 0, ("ops", "arrived"): 12, ("ops", "refused"): 2}
    assert {one.labels["channel"]: one.value for one in families["milkrun_alerts_pending"]} == {"old": 0, "ops": 3}
    assert {one.labels["channel"]: one.value for one in families["milkrun_alerts_failed"]} == {"old": 1, "ops": 0}
