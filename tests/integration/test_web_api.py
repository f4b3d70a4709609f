"""The JSON interface, its errors, and the process's own pages."""

import re

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from milkrun.clock import settle
from milkrun.core.incident import Incident
from milkrun.core.observation import Tls
from milkrun.core.outcome import Outcome
from milkrun.core.result_json import iso_ms
from milkrun.core.state import EndpointState
from milkrun.monitor.live import EndpointsChanged
from milkrun.store.protocol import Batch, StoreUnavailableError
from milkrun.web import metrics
from milkrun.web.health import STALE
from tests.support.browsing import browsing
from tests.support.scene import OVERLOAD, REFUSED, Scene, result


async def a_scene(count: int = 10, *, broken: float = 0.3) -> Scene:
    scene = Scene()
    await scene.add(count)
    await scene.play(turns=20, broken=broken, days=3)
    scene.tell_vitals()
    return scene


async def test_endpoints_come_with_key_state_last_result_and_uptime_broken_ones_first() -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = (await client.get("/api/v1/endpoints")).json()
    assert answer["total"] == 10
    assert len(answer["items"]) == 10
    first = answer["items"][0]
    assert first["state"] != "up"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["since"])
    assert first["last"]["endpoint"] == first["key"]
    assert 0 <= first["uptime"]["24h"] <= 1


@pytest.mark.parametrize(
    ("query", "total"), [("group=core", 4), ("q=login", 5), ("q=login&group=core", 1), ("state=up&q=checkout", 5)]
)
async def test_endpoints_can_be_filtered(query: str, total: int) -> None:
    scene = Scene()
    await scene.add(20)
    await scene.play(turns=2)
    async with browsing(scene) as (client, _):
        answer = (await client.get(f"/api/v1/endpoints?{query}")).json()
    assert answer["total"] == total


async def test_one_endpoint_has_its_uptime_and_percentiles_over_every_window() -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = (await client.get("/api/v1/endpoints/core_checkout")).json()
    assert list(answer["uptime"]) == list(answer["windows"]) == ["1h", "24h", "7d", "30d", "90d"]
    day = answer["windows"]["24h"]
    assert day["uptime"] == answer["uptime"]["24h"]
    assert 0 < day["warm_ms"]["p50"] <= day["warm_ms"]["p95"] <= day["warm_ms"]["p99"] <= day["warm_ms"]["max"]
    assert day["cold_ms"]["p50"] > day["warm_ms"]["p50"]


async def test_results_come_newest_first_and_can_be_read_on_from_a_slot() -> None:
    async with browsing(await a_scene()) as (client, _):
        first = (await client.get("/api/v1/endpoints/core_checkout/results?limit=3")).json()["items"]
        everything = (await client.get("/api/v1/endpoints/core_checkout/results")).json()["items"]
    assert first == everything[:3]
    assert [one["slot"] for one in everything] == sorted((one["slot"] for one in everything), reverse=True)


@pytest.mark.parametrize(("resolution", "items"), [("5m", 2), ("hour", 3 * 24), ("day", 3)])
async def test_history_comes_by_five_minutes_hour_or_day_with_warm_and_cold_apart(resolution: str, items: int) -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = (await client.get(f"/api/v1/endpoints/core_checkout/history?resolution={resolution}")).json()
    assert answer["resolution"] == resolution
    assert items <= len(answer["items"]) + 1 <= items + 2
    assert [one["start"] for one in answer["items"]] == sorted(one["start"] for one in answer["items"])
    first = answer["items"][0]
    assert set(first["outcomes"]) == {"up", "degraded", "down", "unknown", "maintenance"}
    assert set(first["warm_ms"]) == set(first["cold_ms"]) == {"count", "mean", "max", "p50", "p95", "p99"}


async def test_history_can_be_asked_for_between_two_moments_in_either_way_of_writing_them() -> None:
    scene = await a_scene()
    until = scene.now - scene.now % 3_600_000
    since, day = until - 10 * 3_600_000, "/api/v1/endpoints/core_checkout/history?resolution=hour"
    async with browsing(scene) as (client, _):
        numbers = (await client.get(f"{day}&since={since}&until={until}")).json()["items"]
        texts = (await client.get(f"{day}&since={iso_ms(since)}&until={iso_ms(until)}")).json()["items"]
        hours = (await client.get(f"{day}&hours=10&until={until}")).json()["items"]
    assert numbers == texts
    assert [one["start"] for one in numbers] == [iso_ms(since + n * 3_600_000) for n in range(10)]
    assert hours[-1] == numbers[-1]


async def test_a_stretch_of_results_comes_oldest_first() -> None:
    scene = await a_scene()
    async with browsing(scene) as (client, _):
        everything = (await client.get("/api/v1/endpoints/core_checkout/results")).json()["items"]
        since, until = everything[9]["slot"], everything[4]["slot"]
        found = (await client.get(f"/api/v1/endpoints/core_checkout/results?since={since}&until={until}")).json()
        to_now = (await client.get(f"/api/v1/endpoints/core_checkout/results?since={since}")).json()
    assert found["items"] == everything[9:4:-1]
    assert to_now["items"] == everything[9::-1]


async def test_a_period_without_answers_has_no_latencies() -> None:
    scene = Scene()
    await scene.add(1)
    one = scene.registered[0]
    await scene.store.write(Batch(results=[result(one, scene.now - 1_000, outcome=Outcome.DOWN, failure=REFUSED)]))
    async with browsing(scene) as (client, _):
        answer = (await client.get("/api/v1/endpoints/core_checkout/history")).json()
    nothing = {"count": 0, "mean": None, "max": None, "p50": None, "p95": None, "p99": None}
    assert answer["items"][0]["warm_ms"] == nothing
    assert answer["items"][0]["uptime"] == 0


async def test_incidents_come_with_their_cause_and_one_endpoints_alone() -> None:
    scene = await a_scene()
    gone = Incident(endpoint=999, opened=1, closed=2, state=Outcome.DOWN, cause="long ago")
    await scene.store.write(Batch(incidents=[gone]))
    async with browsing(scene) as (client, site):
        everything = (await client.get("/api/v1/incidents")).json()
        opened = (await client.get("/api/v1/incidents?open=true")).json()
        key = next(one["endpoint"] for one in opened["items"])
        its = (await client.get("/api/v1/incidents", params={"endpoint": key})).json()
    assert everything["total"] == opened["total"] + 1
    assert everything["items"][-1]["endpoint"] is None
    assert opened["items"][0]["closed"] is None
    assert "/" in opened["items"][0]["cause"]
    assert its["total"] == 1
    assert site.key_of(999) is None


async def test_the_clients_accounts_and_the_schedule_are_passed_on() -> None:
    async with browsing(await a_scene()) as (client, _):
        accounts = (await client.get("/api/v1/client")).json()
        schedule = (await client.get("/api/v1/schedule")).json()
    assert accounts["connections"] == {"open": 50, "idle": 48, "in_use": 2}
    assert schedule["due_total"] == 12_002


@pytest.mark.parametrize("part", ["", "/results", "/history"])
async def test_an_unknown_key_is_404_with_a_sentence(part: str) -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = await client.get(f"/api/v1/endpoints/core_nothing{part}")
    assert answer.status_code == 404
    assert 'No endpoint has the key "core_nothing"' in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/endpoints?state=red", "state is \"red\": input should be 'up', 'degraded', 'down' or 'unknown'"),
        ("/api/v1/endpoints?page=0", 'page is "0": input should be greater than or equal to 1'),
        ("/api/v1/endpoints/core_checkout/results?limit=many", 'limit is "many": input should be a valid integer'),
        ("/api/v1/endpoints/core_checkout/history?resolution=week", "resolution is \"week\": input should be '5m'"),
        ("/api/v1/endpoints/core_checkout/history?since=yesterday", 'since is "yesterday": input should be'),
        ("/api/v1/endpoints/core_checkout/history?resolution=5m&since=0", "That would be"),
        ("/api/v1/endpoints/core_checkout/results?since=0", "That would be"),
        ("/api/v1/incidents?limit=100000", 'limit is "100000": input should be less than or equal to 1000'),
    ],
)
async def test_a_bad_value_is_422_and_says_what_was_expected(path: str, said: str) -> None:
    async with browsing(await a_scene()) as (client, _):
        answer = await client.get(path)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said)


async def test_a_store_that_cannot_be_read_is_503_with_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the disk is full")

    scene = await a_scene()
    async with browsing(scene) as (client, _):
        monkeypatch.setattr(scene.store, "results", fail)
        answer = await client.get("/api/v1/endpoints/core_checkout/results")
    assert answer.status_code == 503
    assert "the disk is full" in answer.json()["detail"]


async def test_readiness_follows_the_monitor() -> None:
    scene = await a_scene()
    async with browsing(scene) as (client, site):
        ready = await client.get("/readyz")
        scene.now -= int((STALE + 5) * 1_000)
        scene.tell_vitals()
        await settle()
        stale = await client.get("/readyz")
        site.board.ready.clear()
        starting = await client.get("/readyz")
        site.stopping.set()
        stopping = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert (ready.status_code, ready.text) == (200, "ok\n")
    assert (stale.status_code, starting.status_code, stopping.status_code) == (503, 503, 503)
    assert "no sign of life" in stale.text
    assert starting.text.startswith("starting")
    assert stopping.text == "stopping\n"
    assert alive.status_code == 200


async def test_metrics_are_prometheus_text_with_series_an_endpoint() -> None:
    async with browsing(await a_scene()) as (client, _):
        text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["milkrun_client_opened"].samples[0].value == 52
    assert {sample.labels["state"]: sample.value for sample in families["milkrun_endpoints"].samples}["up"] >= 5
    assert len(families["milkrun_endpoint_latency_seconds"].samples) >= 5
    assert families["milkrun_endpoint_series_omitted"].samples[0].value == 0
    assert {sample.value for sample in families["milkrun_endpoint_up"].samples} <= {0.0, 0.5, 1.0}


async def test_metrics_give_each_known_state_its_level_and_a_failed_check_no_latency() -> None:
    scene = await a_scene(4, broken=0)
    up, degraded, down, unknown = scene.registered
    came = [
        result(degraded, scene.now, outcome=Outcome.DEGRADED),
        result(down, scene.now, outcome=Outcome.DOWN, failure=REFUSED),
        result(unknown, scene.now, outcome=Outcome.UNKNOWN, failure=OVERLOAD),
    ]
    async with browsing(scene) as (client, _):
        scene.tell(*came, states={one.endpoint: EndpointState(state=one.outcome) for one in came})
        await settle()
        text = (await client.get("/metrics")).text
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    levels = {sample.labels["endpoint"]: sample.value for sample in families["milkrun_endpoint_up"]}
    assert levels == {up.endpoint.key: 1.0, degraded.endpoint.key: 0.5, down.endpoint.key: 0.0}
    timed = {sample.labels["endpoint"] for sample in families["milkrun_endpoint_latency_seconds"]}
    assert timed == {up.endpoint.key, degraded.endpoint.key}


async def test_the_certificate_in_the_metrics_is_the_last_one_seen_also_where_it_was_refused() -> None:
    scene = await a_scene(1, broken=0)
    (one,) = scene.registered
    ended = scene.now / 1_000 - 60
    tls = Tls(version="TLSv1.3", cipher=None, not_before=ended - 86_400, not_after=ended)
    refused = replace(result(one, scene.now, outcome=Outcome.DOWN, failure=REFUSED), tls=tls)
    async with browsing(scene) as (client, _):
        scene.tell(refused)
        await settle()
        text = (await client.get("/metrics")).text
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["milkrun_endpoint_certificate_expiry"]] == [pytest.approx(ended)]


async def test_metrics_before_the_first_reading_are_zeros_not_errors() -> None:
    async with browsing(Scene()) as (client, _):
        answer = await client.get("/metrics")
    assert "milkrun_client_requests_total 0.0" in answer.text


async def test_series_an_endpoint_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ENDPOINTS", 3)
    async with browsing(await a_scene()) as (client, _):
        text = (await client.get("/metrics")).text
    assert text.count("milkrun_endpoint_latency_seconds{") <= 3
    assert "milkrun_endpoint_series_omitted 7.0" in text


async def test_the_interface_describes_itself() -> None:
    async with browsing(Scene()) as (client, _):
        described = (await client.get("/openapi.json")).json()
    paths = described["paths"]
    assert "/api/v1/stream" in paths
    assert "/" not in paths
    assert all(one["summary"] for operation in paths.values() for one in operation.values())


async def test_endpoints_that_change_or_go_do_so_on_the_board() -> None:
    scene = await a_scene(5, broken=0)
    async with browsing(scene) as (client, site):
        first, second = scene.registered[:2]
        from msgspec.structs import replace

        moved = replace(first, revision=2, endpoint=replace(first.endpoint, group="moved", key="moved_checkout"))
        scene.live.publish(EndpointsChanged(registered=(moved,), removed=(second.id, 12_345)))
        scene.tell(result(second, scene.now), states={second.id: EndpointState(state=Outcome.DOWN)})
        await settle()
        listed = (await client.get("/api/v1/endpoints")).json()
        gone = await client.get(f"/api/v1/endpoints/{second.endpoint.key}")
        there = (await client.get("/api/v1/endpoints/moved_checkout")).json()
    assert listed["total"] == 4
    assert gone.status_code == 404
    assert there["last"] is not None, "its history stays"
    assert site.board.counts == {Outcome.UP: 4, Outcome.UNKNOWN: 0}


async def test_what_is_not_rolled_up_yet_counts_too_and_of_a_slots_attempts_only_the_last() -> None:
    scene = Scene()
    await scene.add(1)
    one = scene.registered[0]
    first = result(one, scene.now - 2, outcome=Outcome.DOWN, status=500)
    again = replace(first, attempt=2, outcome=Outcome.UP)
    kept = replace(first, slot=scene.now - 1, maintenance=True)
    await scene.store.write(Batch(results=[again, first, result(one, scene.now - 3, outcome=Outcome.DOWN), kept]))
    async with browsing(scene) as (client, _):
        for resolution in ("5m", "hour", "day"):
            path = f"/api/v1/endpoints/{one.endpoint.key}/history?resolution={resolution}"
            (item,) = (await client.get(path)).json()["items"]
            assert item["outcomes"] == {"up": 1, "degraded": 0, "down": 1, "unknown": 0, "maintenance": 1}
        shares = (await client.get(f"/api/v1/endpoints/{one.endpoint.key}")).json()["uptime"]
    assert set(shares.values()) == {0.5}
