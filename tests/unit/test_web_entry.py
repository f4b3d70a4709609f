"""One endpoint's read model."""

import msgspec
import pytest

from milkrun.core.endpoint import Registered, Retry
from milkrun.core.outcome import Outcome
from milkrun.core.tally import HOUR, Tally
from milkrun.web import rows
from milkrun.web.entry import DAY, KEPT, OUTCOMES, Entry
from milkrun.web.templates import ENVIRONMENT
from tests.support.scene import REFUSED, endpoint, result

NOW = 500_000 * HOUR
ONE = Registered(id=1, revision=1, endpoint=endpoint(0))


def entry() -> Entry:
    return Entry(ONE)


def test_before_any_result_nothing_is_claimed() -> None:
    new = entry()
    assert (new.uptime(), new.percentiles(), new.recent(), new.last) == (None, (None, None), [], None)


def test_a_result_changes_the_entry_and_is_its_last() -> None:
    new, came = entry(), result(ONE, NOW)
    new.push(came, 7)
    assert new.last is came
    assert new.changed == 7


def test_only_the_latest_results_are_kept_oldest_first() -> None:
    new = entry()
    for turn in range(KEPT + 5):
        new.push(result(ONE, NOW + turn, outcome=Outcome.DOWN if turn == KEPT + 4 else Outcome.UP), turn)
    kept = new.recent()
    assert len(kept) == KEPT
    assert [OUTCOMES[place] for place, _ in kept[-2:]] == [Outcome.UP, Outcome.DOWN]
    assert new.recent(3) == kept[-3:]


def test_a_failure_counts_as_no_latency() -> None:
    new = entry()
    new.push(result(ONE, NOW, outcome=Outcome.DOWN, failure=REFUSED), 1)
    assert new.percentiles() == (None, None)
    came = result(ONE, NOW + 1)
    new.push(came, 2)
    assert new.percentiles()[0] == pytest.approx(came.timings.total * 1_000)


@pytest.mark.parametrize(
    ("outcomes", "share"),
    [
        ([Outcome.UP, Outcome.DOWN], 0.5),
        ([Outcome.DEGRADED], 1.0),
        ([Outcome.UNKNOWN], None),
        ([Outcome.UP, Outcome.UP, Outcome.UNKNOWN, Outcome.DOWN], 2 / 3),
    ],
)
def test_uptime_is_the_share_of_known_results_that_were_not_down(outcomes: list[Outcome], share: float | None) -> None:
    new = entry()
    for turn, outcome in enumerate(outcomes):
        new.push(result(ONE, NOW + turn, outcome=outcome), turn)
    assert new.uptime() == share


def test_an_hour_leaves_the_day_after_twenty_four() -> None:
    new = entry()
    new.push(result(ONE, NOW, outcome=Outcome.DOWN), 1)
    new.push(result(ONE, NOW + (DAY - 1) * HOUR), 2)
    assert new.uptime() == 0.5
    new.push(result(ONE, NOW + DAY * HOUR), 3)
    assert new.uptime() == 1.0


def test_the_stores_tallies_are_the_days_beginning() -> None:
    new = entry()
    new.load_day([Tally(endpoint=1, hour=NOW - HOUR, up=8, degraded=1, down=1, unknown=5)])
    assert new.uptime() == 0.9
    new.push(result(ONE, NOW, outcome=Outcome.DOWN), 1)
    assert new.uptime() == 9 / 11


def test_an_attempt_that_is_repeated_counts_for_nothing() -> None:
    retried = Registered(id=1, revision=1, endpoint=msgspec.structs.replace(endpoint(0), retry=Retry(count=1)))
    new = Entry(retried)
    new.push(result(retried, NOW, outcome=Outcome.DOWN), 1)
    assert new.uptime() is None
    new.push(msgspec.structs.replace(result(retried, NOW, outcome=Outcome.UP), attempt=2), 2)
    assert new.uptime() == 1.0
    assert len(new.recent()) == 2


def test_what_falls_in_maintenance_is_shown_and_counts_for_nothing() -> None:
    new = entry()
    new.push(msgspec.structs.replace(result(ONE, NOW, outcome=Outcome.DOWN), maintenance=True), 1)
    assert (new.maintained, new.uptime(), len(new.recent())) == (True, None, 1)
    assert "maintenance" in ENVIRONMENT.get_template("row.html").render(row=rows.row(new))
    new.push(result(ONE, NOW + 1), 2)
    assert (new.maintained, new.uptime()) == (False, 1.0)
    assert "maintenance" not in ENVIRONMENT.get_template("row.html").render(row=rows.row(new))


def test_a_result_the_start_took_from_the_store_is_not_taken_twice() -> None:
    new = entry()
    new.restart([result(ONE, NOW), result(ONE, NOW + 10)])
    new.push(result(ONE, NOW + 10), 1)
    assert len(new.recent()) == 2
    assert new.uptime() is None
    new.push(result(ONE, NOW + 20), 2)
    assert len(new.recent()) == 3


def test_a_slot_skipped_while_its_check_ran_does_not_hide_the_checks_own_result() -> None:
    new = entry()
    new.push(result(ONE, NOW + 10_000, outcome=Outcome.UNKNOWN), 1)
    new.push(result(ONE, NOW), 2)
    assert len(new.recent()) == 2


def test_the_cold_path_counts_as_proved_only_by_an_answer() -> None:
    new, cold = entry(), result(ONE, NOW, cold=True)
    new.push(cold, 1)
    new.push(result(ONE, NOW + 1, outcome=Outcome.DOWN, failure=REFUSED), 2)
    assert new.last_cold is cold
