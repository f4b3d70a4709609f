"""What the pages of one endpoint and of the client say."""

from typing import Any

import pytest
from msgspec.structs import replace

from milkrun.client.exchange.link import Closed
from milkrun.core.endpoint import Registered
from milkrun.core.incident import Incident
from milkrun.core.observation import Timings
from milkrun.core.outcome import Outcome
from milkrun.core.rollup import Period, Rollup
from milkrun.core.state import EndpointState
from milkrun.web import client_view, endpoint_view, rows
from milkrun.web.entry import Entry
from milkrun.web.history_view import DAY_MS, summed
from milkrun.web.minutes import KEPT, Minutes
from tests.support.scene import REFUSED, endpoint, result, vitals

ONE = Registered(id=1, revision=1, endpoint=endpoint(0))
NOW = 500_000 * Period.HOUR.value
SECONDS = NOW / 1_000


def entry(state: Outcome, *, since: int | None = NOW - 180_000, cause: str | None = None) -> Entry:
    new = Entry(ONE)
    incident = cause and Incident(endpoint=1, opened=NOW, closed=None, state=state, cause=cause)
    new.settle(EndpointState(state=state, since=since, incident=incident or None))
    return new


def test_the_headline_of_what_is_up_gives_the_facts_behind_it() -> None:
    up = entry(Outcome.UP)
    up.push(result(ONE, NOW - 120_000, cold=True), 1)
    said = endpoint_view.headline(up, SECONDS)
    assert (said.verdict, said.reason, said.detail) == ("Up for 3 min", "", "")
    assert [fact.split(" ")[-1] for fact in said.facts] == ["median", "ago", "days"]
    assert "cold path proved 1 min ago" in said.facts


def test_the_headline_of_what_is_down_says_since_when_and_why() -> None:
    down = entry(Outcome.DOWN)
    down.push(result(ONE, NOW, outcome=Outcome.DOWN, failure=REFUSED), 1)
    said = endpoint_view.headline(down, SECONDS)
    assert (said.verdict, said.reason) == ("Down for 3 min", "connect refused")
    assert said.detail == REFUSED.message


def test_an_expired_certificate_is_said_to_be() -> None:
    up = entry(Outcome.UP)
    up.push(result(ONE, NOW - 100 * 86_400_000), 1)
    assert "certificate expired 81 days ago" in endpoint_view.headline(up, SECONDS).facts


def test_a_chain_that_ends_before_its_certificate_is_said_to() -> None:
    up = entry(Outcome.UP)
    seen = result(ONE, NOW)
    assert seen.tls is not None
    assert seen.tls.not_after is not None
    up.push(replace(seen, tls=replace(seen.tls, chain_not_after=SECONDS + 5 * 86_400)), 1)
    assert "its chain 5 days" in endpoint_view.headline(up, SECONDS).facts
    up.push(replace(seen, tls=replace(seen.tls, chain_not_after=seen.tls.not_after)), 1)
    assert not [fact for fact in endpoint_view.headline(up, SECONDS).facts if "chain" in fact]


def test_before_the_first_check_the_reason_is_that_it_is_waited_for() -> None:
    assert endpoint_view.headline(entry(Outcome.UNKNOWN, since=None), SECONDS).verdict == "Unknown"
    assert rows.why(entry(Outcome.UNKNOWN, since=None)) == "waiting for the first check"


def test_a_state_that_its_last_result_does_not_explain_is_explained_by_its_incident() -> None:
    down = entry(Outcome.DOWN, cause="connect/refused: nothing listens")
    down.push(result(ONE, NOW), 1)
    assert rows.why(down) == "connect/refused: nothing listens"
    assert rows.why(entry(Outcome.DOWN)) == ""


def test_a_failed_condition_is_the_reason_with_its_value() -> None:
    down = entry(Outcome.DOWN)
    down.push(result(ONE, NOW, outcome=Outcome.DOWN, status=503), 1)
    assert rows.row(down).reason == "[STATUS] (503) == 200"


def rollup(**changes: Any) -> Rollup:
    usual: dict[str, Any] = {"period": Period.DAY, "start": NOW, "endpoint": 1, "location": "local", "connection": None}
    return Rollup(**(usual | changes))


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        ({"up": 100}, "up"),
        ({"up": 99, "down": 1}, "degraded"),
        ({"up": 99, "degraded": 1}, "degraded"),
        ({"up": 90, "down": 10}, "down"),
        ({"unknown": 10}, "none"),
        ({"maintenance": 10}, "none"),
    ],
)
def test_a_days_colour_follows_its_downtime(counts: dict[str, int], level: str) -> None:
    today = NOW - NOW % DAY_MS
    assert endpoint_view.days([(today, summed([rollup(**counts)]))], NOW)[-1].level == level


def test_ninety_days_end_today_and_say_of_which_nothing_is_known() -> None:
    today = NOW - NOW % DAY_MS
    days = endpoint_view.days([(today - DAY_MS, summed([rollup(up=9, down=1)]))], NOW)
    assert len(days) == endpoint_view.DAYS
    assert (days[0].uptime, days[-1].uptime) == (None, None)
    assert (days[-2].uptime, days[-2].text) == (0.9, "90.0% up, 1 of 10 results down")


def test_a_waterfall_has_the_phases_that_happened_end_to_end() -> None:
    bars = rows.waterfall(Timings(dns=0.010, wait=0.030, total=0.040))
    assert [(bar.phase, bar.begins, bar.width, bar.text) for bar in bars] == [
        ("dns", 0.0, 25.0, "10 ms"),
        ("wait", 25.0, 75.0, "30 ms"),
    ]


def test_the_charts_columns_are_oldest_first_and_a_failure_has_no_phases() -> None:
    columns = rows.chart([result(ONE, NOW + 1, outcome=Outcome.DOWN, failure=REFUSED), result(ONE, NOW, cold=True)])
    assert columns["t"] == [NOW / 1_000, (NOW + 1) / 1_000]
    assert columns["cold"] == [1, 1]
    assert columns["outcome"] == [0, 2]
    assert columns["wait"][0] is not None
    assert columns["wait"][1] is None


def test_the_story_counts_requests_against_sockets() -> None:
    minutes = Minutes()
    for second in range(0, 600, 5):
        minutes.add(vitals(1_000 * 60 + second, requests=second * 5, opened=50 if second < 300 else 52))
    told = client_view.story(minutes_client(3_000, 60), minutes)
    assert (told.requests, told.opened, told.per_socket) == (3_000, 60, 50)
    assert told.seconds == 595
    assert told.opened_most == 2
    assert told.requests_line
    assert told.opened_line


def minutes_client(requests: int, opened: int) -> dict[str, object]:
    return vitals(0, requests=requests, opened=opened).client


def test_before_the_first_reading_the_story_is_empty() -> None:
    told = client_view.story({}, Minutes())
    assert (told.requests, told.per_socket, told.requests_line, told.opened_bars) == (0, None, "", "")


def test_each_minute_has_what_it_added_and_a_new_client_counts_anew() -> None:
    minutes = Minutes()
    for at, opened in ((60, 10), (90, 12), (120, 15), (180, 2), (190, 4)):
        minutes.add(vitals(at, requests=opened * 10, opened=opened))
    assert minutes.opened() == [2, 3, 2]
    assert [reading.opened for reading in minutes.course(10)] == [2, 4]


def test_the_line_of_hours_is_thinned_but_ends_now() -> None:
    minutes = Minutes()
    for second in range(0, KEPT * 60, 5):
        minutes.add(vitals(second, requests=second, opened=1))
    course = minutes.course(120)
    assert len(course) <= 120
    assert course[-1].at == KEPT * 60 - 5


def test_reasons_of_closing_are_said_in_words_most_often_first() -> None:
    closed = {"closed_total": {"idle": 1, "max-age": 5, "server": 0, "new-one": 1}}
    assert client_view.reasons(closed) == [("reached its maximum age", 5), ("idle for too long", 1), ("new one", 1)]


def test_every_reason_for_a_close_has_its_words() -> None:
    assert set(client_view.REASONS) == {reason.value for reason in Closed}
