"""Pages as a browser without scripts gets them."""

import re
from html import unescape

import pytest

from milkrun.config.settings import WebSettings
from milkrun.core.incident import Incident
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Batch
from milkrun.web import pages, templates
from milkrun.web.gate import SECURITY_HEADERS
from tests.support.access import AUTH, header
from tests.support.browsing import browsing
from tests.support.scene import Scene, result

PAGES = ["/", "/?view=map", "/endpoints/core_checkout", "/incidents", "/alerts", "/client"]


async def a_scene(count: int = 20, *, broken: float = 0.3) -> Scene:
    scene = Scene()
    await scene.add(count)
    await scene.play(turns=30, broken=broken, days=2)
    scene.tell_vitals()
    return scene


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_complete_and_keeps_the_content_policy(path: str) -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("</html>")
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style", answer.text), "the policy would drop it"
    assert all(answer.headers[name] == value for name, value in SECURITY_HEADERS.items())
    assert answer.headers["cache-control"] == "no-store"


async def test_with_no_endpoints_the_page_says_how_to_add_the_first() -> None:
    async with browsing(Scene()) as (client, _):
        said = text((await client.get("/")).text)
    assert "Nothing is monitored yet." in said
    assert "endpoints: - name: my-api" in said
    assert "milkrun serve --config milkrun.yaml" in said


async def test_a_row_says_what_broke_since_when_and_why() -> None:
    async with browsing(await a_scene()) as (client, _):
        html = (await client.get("/")).text
    rows = re.findall(r'<tr id="row-\d+" class="down">.*?</tr>', html)
    assert rows
    assert all(re.search(r"down .*(connect refused|response timeout).* \d+ (s|min)", text(row)) for row in rows)


async def test_state_filters_list_only_that_state_and_say_when_there_is_none() -> None:
    async with browsing(await a_scene(broken=0)) as (client, _):
        none = text((await client.get("/?state=down")).text)
        every = (await client.get("/?state=up")).text
    assert "No endpoint matches in state down." in none
    assert every.count('<tr id="row-') == 20


async def test_many_endpoints_come_in_pages_with_the_broken_ones_on_the_first() -> None:
    scene = Scene()
    await scene.add(120)
    await scene.play(turns=1)
    last = scene.registered[-1]
    scene.tell(states={last.id: EndpointState(state=Outcome.DOWN, since=scene.now)})
    async with browsing(scene) as (client, _):
        first = (await client.get("/")).text
        second = (await client.get("/?page=2")).text
    assert first.count('<tr id="row-') == 100
    assert first.index("<tr id=") == first.index(f'<tr id="row-{last.id}"')
    assert second.count('<tr id="row-') == 20
    assert 'rel="prev"' in second


async def test_an_endpoints_page_tells_its_whole_story() -> None:
    async with browsing(await a_scene(broken=0)) as (client, _):
        html = (await client.get("/endpoints/core_checkout")).text
    said = text(html)
    for part in ("Up for 12 days", "cold path proved", "certificate", "[STATUS] == 200", "Let's Encrypt", "90 days"):
        assert part in said.replace("&#39;", "'"), part
    assert html.count("<details>") == pages.SHOWN
    assert '"cold":[' in html


@pytest.mark.parametrize(
    ("days", "query", "period"),
    [(2, "", 300), (9, "", 86_400), (9, "?range=24h", 300), (9, "?range=7d", 3_600), (2, "?range=90d", 86_400)],
)
async def test_the_chart_of_history_covers_what_was_asked_for_or_what_there_is(
    days: int, query: str, period: int
) -> None:
    scene = Scene()
    await scene.add(1)
    await scene.play(turns=90, days=days)
    async with browsing(scene) as (client, _):
        html = (await client.get(f"/endpoints/core_checkout{query}")).text
    assert f'"period":{period}}}' in html
    assert html.count('aria-current="true"') == 1


async def test_an_endpoint_not_checked_yet_says_when_it_will_be() -> None:
    scene = Scene()
    await scene.add(5)
    async with browsing(scene) as (client, _):
        said = text((await client.get("/endpoints/internal_checkout")).text)
    assert "The first check is due within 10 s." in said
    assert "plain HTTP" in said


async def test_incidents_show_what_is_open_and_what_is_over_even_of_endpoints_that_are_gone() -> None:
    scene = await a_scene()
    hour = 3_600_000
    gone = Incident(
        endpoint=999, opened=scene.now - hour, closed=scene.now - hour // 2, state=Outcome.DOWN, cause="dns"
    )
    await scene.store.write(Batch(incidents=[gone]))
    async with browsing(scene) as (client, _):
        said = text((await client.get("/incidents")).text)
    assert re.search(r"\d+ outages are open", said)
    assert "still open" in said
    assert "an endpoint no longer configured dns 1 h ago 30 min" in said


async def test_many_incidents_come_in_pages() -> None:
    scene = Scene()
    await scene.add(1)
    old = [Incident(endpoint=1, opened=n, closed=n + 1, state=Outcome.DOWN, cause="x") for n in range(60)]
    await scene.store.write(Batch(incidents=old))
    async with browsing(scene) as (client, _):
        first = (await client.get("/incidents")).text
        second = (await client.get("/incidents?page=2")).text
    assert "No incident is open." in first
    assert (first.count("<tr class"), second.count("<tr class")) == (50, 10)
    assert 'rel="next"' in first
    assert 'rel="prev"' in second


async def test_the_clients_page_sets_requests_against_sockets() -> None:
    async with browsing(await a_scene()) as (client, _):
        said = text((await client.get("/client")).text)
    assert "12,000 requests over 52 connections." in said
    assert "reached its maximum age 40" in said


async def test_before_any_request_the_clients_page_says_so() -> None:
    async with browsing(Scene()) as (client, _):
        assert "No request was made yet." in (await client.get("/client")).text


@pytest.mark.parametrize(
    ("error", "dropped", "said"),
    [
        (
            "disk full",
            1_200,
            "Results are not being stored: disk full. Checks go on; 1,200 results were dropped so far.",
        ),
        (None, 7, "7 results were dropped because they could not be stored. Storing works again."),
        (None, 0, ""),
    ],
)
@pytest.mark.parametrize("path", PAGES)
async def test_trouble_with_storing_is_on_every_page(path: str, error: str | None, dropped: int, said: str) -> None:
    scene = await a_scene(5)
    scene.tell_vitals(error=error, dropped=dropped)
    async with browsing(scene) as (client, _):
        html = (await client.get(path)).text
    banner = re.search(r'<div id="banner".*?</div>', html)
    assert banner is not None
    assert text(banner[0]).strip() == said


async def test_a_cell_of_the_map_says_what_it_is() -> None:
    async with browsing(await a_scene(broken=0)) as (client, _):
        cell = (await client.get("/map/cell?group=core&place=1")).json()
        outside = await client.get("/map/cell?group=core&place=4")
        drawn = (await client.get("/?view=map&q=nothing")).text
    assert cell == {"key": "core_checkout", "name": "checkout", "state": "up", "why": ""}
    assert outside.status_code == 204
    assert "No endpoint matches" in drawn


async def test_an_unknown_page_or_key_is_a_page_that_says_so() -> None:
    async with browsing(await a_scene(5)) as (client, _):
        nowhere = await client.get("/nowhere")
        unknown = await client.get("/endpoints/nope")
        bad = await client.get("/?state=red")
    assert (nowhere.status_code, unknown.status_code, bad.status_code) == (404, 404, 422)
    assert "There is no page at /nowhere." in nowhere.text
    assert "No endpoint has the key" in unknown.text
    assert "state is" in bad.text


async def test_what_a_configuration_calls_things_cannot_become_markup() -> None:
    scene = Scene()
    await scene.add(1, groups=["<b>&\"'"])
    evil = result(scene.registered[0], scene.now, outcome=Outcome.DOWN, status=500)
    scene.tell(evil, states={1: EndpointState(state=Outcome.DOWN, since=scene.now)})
    async with browsing(scene) as (client, _):
        html = (await client.get("/")).text
    assert "<b>&" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("group", ["100%", "per%2fcent", "what?", "ж&=+", "a b"])
async def test_whatever_an_endpoint_is_called_its_links_lead_to_its_page(group: str) -> None:
    scene = Scene()
    await scene.add(1, groups=[group])
    await scene.store.write(
        Batch(incidents=[Incident(endpoint=1, opened=1, closed=None, state=Outcome.DOWN, cause="x")])
    )
    async with browsing(scene) as (client, _):
        lists = [(await client.get(path)).text for path in ("/", "/incidents")]
        found = {link for html in lists for link in re.findall(r'href="(/(?:endpoints|incidents)/[^"]+)"', html)}
        pages_found = [(await client.get(unescape(link))).status_code for link in found]
    assert (len(found), pages_found) == (2, [200, 200])


async def test_without_the_built_scripts_pages_work_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(templates, "SCRIPTS", ("missing.js",))
    templates.scripts_present.cache_clear()
    try:
        async with browsing(await a_scene(5)) as (client, _):
            first = await client.get("/")
            await client.get("/endpoints/core_checkout")
    finally:
        templates.scripts_present.cache_clear()
    assert "vendor/" not in first.text
    assert capsys.readouterr().out.count("make assets") == 1


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/endpoints", "/metrics", "/static/milkrun.css", "/nowhere"])
async def test_head_is_answered_as_get_is_but_without_the_body(path: str) -> None:
    async with browsing(await a_scene(2)) as (client, _):
        got, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_a_method_that_is_not_there_is_answered_with_those_that_are() -> None:
    async with browsing(Scene()) as (client, _):
        answer = await client.post("/api/v1/endpoints")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_static_files_are_served_with_their_type() -> None:
    async with browsing(Scene()) as (client, _):
        sheet = await client.get("/static/milkrun.css")
        missing = await client.get("/static/nope.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert missing.status_code == 404


async def test_a_foreign_host_name_is_answered_by_421_and_a_sentence() -> None:
    async with browsing(Scene()) as (client, _):
        answer = await client.get("/", headers={"host": "evil.example.com"})
    assert answer.status_code == 421
    assert 'does not answer to the name "evil.example.com"' in answer.text
    assert "web.allowed-hosts" in answer.text


async def test_a_password_guards_everything_but_the_health_checks() -> None:
    async with browsing(Scene(WebSettings(basic=AUTH))) as (client, _):
        refused = {path: (await client.get(path)).status_code for path in [*PAGES, "/metrics"]}
        asked = await client.get("/api/v1/endpoints")
        let_in = await client.get("/api/v1/endpoints", headers={"authorization": header("ada:secret")})
        health = [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/static/milkrun.css")]
    assert set(refused.values()) == {401}
    assert asked.headers["www-authenticate"].startswith("Basic realm=")
    assert let_in.status_code == 200
    assert health == [200, 200, 200]
