"""The pages in a real browser, over a scene whose every change the test makes itself."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from tools.chromium import NAMES

from milkrun.alerting import links
from milkrun.core.incident import Exhibit, Incident
from milkrun.core.outcome import Outcome
from milkrun.core.state import EndpointState
from milkrun.store.protocol import Batch
from tests.support.browsing import served
from tests.support.postbox import SECRET
from tests.support.scene import REFUSED, Scene, result

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
PHONE = ViewportSize(width=320, height=640)
LAPTOP = ViewportSize(width=1366, height=850)
WEIGHT = 150_000

pytestmark = pytest.mark.slow


@pytest.fixture
def anyio_backend() -> str:
    """Playwright drives the browser by a subprocess, which it opens on asyncio's own loop."""
    return "asyncio"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = next((path for name in NAMES if (path := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A laptop's page; anything a browser complains about fails the test."""
    page = await browser.new_page(viewport=LAPTOP)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield page
    assert complaints == []


async def a_scene(count: int = 10, *, broken: float = 0.0, days: int = 1) -> Scene:
    scene = Scene()
    await scene.add(count)
    await scene.play(turns=30, broken=broken, days=days)
    scene.tell_vitals()
    return scene


async def an_outage(scene: Scene) -> Incident:
    """An open one of the first endpoint, with its evidence."""
    registered = scene.registered[0]
    one = Incident(
        endpoint=registered.id,
        opened=scene.now - 60_000,
        closed=None,
        state=Outcome.DOWN,
        cause="connect/refused: nothing listens on 10.0.0.7:443",
        layer="connect",
    )
    evidence = result(registered, one.opened, outcome=Outcome.DOWN, failure=REFUSED)
    await scene.store.write(Batch(incidents=[one], exhibits=[Exhibit(incident=one.key, result=evidence)]))
    return one


def down(scene: Scene, place: int) -> None:
    one = scene.registered[place]
    failed = result(one, scene.now + 1, outcome=Outcome.DOWN, failure=REFUSED)
    scene.tell(failed, states={one.id: EndpointState(state=Outcome.DOWN, since=scene.now + 1)})


async def test_a_failure_shows_in_its_row_while_one_looks(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("#live:visible")).to_have_text("live")
        await expect(page.locator("h1")).to_have_text("All 10 endpoints are up.")
        down(scene, 0)
        row = page.locator(f"#row-{scene.registered[0].id}")
        await expect(row).to_contain_text("connect refused")
        await expect(row).to_have_class("down")
        await expect(page.locator("h1")).to_have_text("1 of 10 endpoints is down.")
        await expect(page).to_have_title("▲ 1 down · Milkrun")
        await expect(page.locator("#count-down")).to_have_text("1")


async def test_rows_keep_their_places_and_the_focus_while_they_change(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("#live:visible")).to_have_text("live")
        names = await page.locator("td.name a").all_text_contents()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        down(scene, 9)
        await expect(page.locator("#count-down")).to_have_text("1")
        assert await page.locator("td.name a").all_text_contents() == names
        await expect(page.locator("td.name a").nth(1)).to_be_focused()


async def test_keys_search_move_open_and_go(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("#live:visible")).to_have_text("live")
        await page.keyboard.press("/")
        await page.keyboard.type("login core")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page).to_have_url(f"{server.url}?q=login+core")
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{server.url}endpoints/core_login")
        await expect(page.locator("#live:visible")).to_have_text("live")
        for letter, path in (("i", "incidents"), ("a", "alerts"), ("c", "client"), ("o", "")):
            await page.keyboard.press("g")
            await page.keyboard.press(letter)
            await expect(page).to_have_url(f"{server.url}{path}")
            await expect(page.locator("#live:visible")).to_have_text("live")
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_visible()


async def test_the_chart_reads_one_result_and_takes_new_ones(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(f"{server.url}endpoints/core_checkout")
        await expect(page.locator("#chart .lane canvas")).to_have_count(2)
        await page.locator("#lane-warm .u-over").hover()
        await expect(page.locator("#reading")).to_contain_text("wait")
        await expect(page.locator("#results > li")).to_have_count(25)
        await expect(page.locator("#live:visible")).to_have_text("live")
        down(scene, 0)
        await expect(page.locator("#headline")).to_contain_text("connect refused")
        await expect(page.locator("#results > li").first).to_contain_text("connect refused")
        await expect(page.locator("#results > li")).to_have_count(25)


async def test_a_results_row_opens_into_its_waterfall_and_conditions(page: Page) -> None:
    with served(await a_scene()) as server:
        await page.goto(f"{server.url}endpoints/core_checkout")
        first = page.locator("#results > li").first
        await first.locator("summary").click()
        await expect(first.locator(".fall")).to_be_visible()
        await expect(first).to_contain_text("[RESPONSE_TIME] < 300")


async def test_a_stop_of_the_server_is_seen(browser: Browser) -> None:
    scene = await a_scene()
    page = await browser.new_page()  # whose console may complain: the browser logs each refused connection
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("#live:visible")).to_have_text("live")
    await expect(page.locator("#live")).to_have_text("reconnecting")


async def test_an_incident_is_opened_by_its_key_acknowledged_and_noted_and_shows_in_another_window(
    page: Page, browser: Browser
) -> None:
    scene = await a_scene()
    one = await an_outage(scene)
    other = await browser.new_page(viewport=LAPTOP)
    with served(scene) as server:
        await other.goto(f"{server.url}incidents/{one.key}")
        await expect(other.locator("#live:visible")).to_have_text("live")
        await page.goto(f"{server.url}incidents")
        await expect(page.locator("#live:visible")).to_have_text("live")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{server.url}incidents/{one.key}")
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator(".acts")).to_contain_text("anyone is on it")
        await expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
        await page.get_by_label("Add a note").fill("Rolled back.")
        await page.get_by_role("button", name="Add note").click()
        await expect(page.locator(".timeline")).to_contain_text("Rolled back.")
        await expect(other.locator(".acts")).to_contain_text("anyone is on it")
        await expect(other.locator(".timeline")).to_contain_text("Rolled back.")
    await other.close()


async def test_an_incident_that_opens_shows_in_the_list_while_one_looks(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(f"{server.url}incidents")
        await expect(page.locator("#live:visible")).to_have_text("live")
        await expect(page.locator("h1")).to_have_text("No incident is open.")
        one = await an_outage(scene)
        scene.tell(states={one.endpoint: EndpointState(state=Outcome.DOWN, since=one.opened, incident=one)})
        await expect(page.locator("h1")).to_have_text("1 outage is open.")
        await expect(page.locator(".incidents td.cause").first).to_contain_text("nothing listens")


async def test_an_alerts_link_acknowledges_on_a_phone_without_scripts(browser: Browser) -> None:
    scene = await a_scene()
    one = await an_outage(scene)
    token = links.sign(SECRET, one.key, "ops", scene.now + 3_600_000)
    context = await browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    with served(scene) as server:
        await page.goto(f"{server.url}ack/{token}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator("main")).to_contain_text("Acknowledged.")
    await context.close()


async def test_the_chart_of_history_reads_one_period_of_the_range_that_was_chosen(page: Page) -> None:
    with served(await a_scene(days=9)) as server:
        await page.goto(f"{server.url}endpoints/core_checkout")
        await page.get_by_role("link", name="7 days").click()
        await expect(page.locator("#course-chart canvas")).to_have_count(1)
        await page.locator("#course-chart .u-over").hover()
        await expect(page.locator("#course-reading")).to_contain_text("99% within")


async def test_pause_holds_the_page_still(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("#live:visible")).to_have_text("live")
        await page.keyboard.press("p")
        await expect(page.locator("#live")).to_have_text("paused")
        down(scene, 0)
        await page.keyboard.press("p")
        await expect(page.locator("#count-down")).to_have_text("1")
        await expect(page.locator("#live:visible")).to_have_text("live")


async def test_the_theme_switch_is_kept(page: Page) -> None:
    with served(await a_scene()) as server:
        await page.goto(server.url)
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await page.locator("#theme").click()
        await page.reload()
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != ground


async def test_a_folded_group_stays_folded(page: Page) -> None:
    with served(await a_scene()) as server:
        await page.goto(server.url)
        await page.locator("summary", has_text="core").click()
        await page.reload()
        await expect(page.locator("tr", has_text="checkout.core.")).to_be_hidden()
        await expect(page.locator("tr", has_text="checkout.search.")).to_be_visible()


async def test_the_map_says_what_a_cell_is_and_opens_it(page: Page) -> None:
    with served(await a_scene()) as server:
        await page.goto(f"{server.url}?view=map")
        cells = page.locator(".cells").first
        await cells.hover(position={"x": 6, "y": 6})
        await expect(page.locator("#pointed")).to_have_text("checkout: up")
        await cells.click(position={"x": 6, "y": 6})
        await expect(page).to_have_url(f"{server.url}endpoints/core_checkout")


async def test_times_are_relative_with_the_exact_one_on_hover(page: Page) -> None:
    with served(await a_scene()) as server:
        await page.goto(server.url)
        time = page.locator("td.since time").first
        await expect(time).to_have_text("12 days")
        assert ":" in (await time.get_attribute("title") or "")


async def test_a_dropped_result_raises_a_banner_while_one_looks(page: Page) -> None:
    scene = await a_scene()
    with served(scene) as server:
        await page.goto(f"{server.url}incidents")
        await expect(page.locator("#live:visible")).to_have_text("live")
        scene.tell_vitals(error="disk full", dropped=3)
        await expect(page.locator("#banner")).to_contain_text("disk full")


@pytest.mark.parametrize("path", ["", "?view=map", "endpoints/core_checkout", "incidents", "alerts", "client"])
async def test_nothing_is_wider_than_the_smallest_phone(page: Page, path: str) -> None:
    await page.set_viewport_size(PHONE)
    with served(await a_scene(broken=0.4)) as server:
        await page.goto(f"{server.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_the_pages_names_stay_whole_on_the_smallest_phone(page: Page) -> None:
    await page.set_viewport_size(PHONE)
    with served(await a_scene()) as server:
        await page.goto(server.url)
        await expect(page.locator("#live")).to_be_in_viewport()
        lines = "links => links.map(link => link.clientHeight / parseFloat(getComputedStyle(link).lineHeight))"
        assert max(await page.locator(".bar nav a").evaluate_all(lines)) < 2


@pytest.mark.parametrize("path", ["", "endpoints/core_checkout"])
async def test_a_page_with_all_it_loads_weighs_little_and_comes_from_here_alone(page: Page, path: str) -> None:
    scene = await a_scene(50)
    weights: dict[str, int] = {}

    with served(scene) as server:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.goto(f"{server.url}{path}")
        await expect(page.locator("#live:visible")).to_have_text("live")
        assert all(url.startswith(server.url) for url in requests)
        for url in set(requests):
            if "/live/" not in url:
                entry = await page.evaluate("url => performance.getEntriesByName(url)[0]?.encodedBodySize ?? 0", url)
                weights[url] = int(entry)
    assert 30_000 < sum(weights.values()) <= WEIGHT, weights


async def test_without_scripts_a_page_shows_everything(browser: Browser) -> None:
    scene = await a_scene(broken=0.4)
    context = await browser.new_context(java_script_enabled=False, viewport=LAPTOP)
    page = await context.new_page()
    with served(scene) as server:
        await page.goto(f"{server.url}?q=core")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.goto(f"{server.url}endpoints/core_checkout")
        await expect(page.locator("#chart")).to_be_hidden()
        await page.locator("#results summary").first.click()
        await expect(page.locator("#results .fall").first).to_be_visible()
    await context.close()


async def test_ten_thousand_endpoints_are_a_page_and_a_map(page: Page) -> None:
    scene = Scene()
    await scene.add(10_000)
    up = {one.id: EndpointState(state=Outcome.UP, since=scene.now) for one in scene.registered}
    await scene.store.write(Batch(states=up))
    scene.tell(states=up)
    with served(scene) as server:
        await page.goto(server.url)
        await expect(page.locator("h1")).to_have_text("All 10,000 endpoints are up.")
        await expect(page.locator("tbody tr")).to_have_count(100)
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator(".pages")).to_contain_text("page 2 of 100")
        await page.get_by_role("link", name="Map").click()
        await expect(page.locator(".cells")).to_have_count(5)
