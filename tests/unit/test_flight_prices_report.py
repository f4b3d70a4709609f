"""What is said and drawn of a run of the flight-price service, from runs made up for it."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from examples.flight_prices import page, pictures, report
from examples.flight_prices.load import Visit
from examples.flight_prices.plan import Plan
from examples.flight_prices.quotes import NO_DESCRIPTOR
from examples.flight_prices.run import Run, Sample, Seen
from examples.flight_prices.verdict import judge

PLAN = Plan(seconds=30.0, quiet=1.0, peak=2.0, limit=100)
SVG = "{http://www.w3.org/2000/svg}"


def user(at: float, seconds: float = 0.5, **what: object) -> Visit:
    return msgspec.convert({"at": at, "seconds": seconds, "status": 200, "quotes": 3, **what}, Visit)


def made(version: str, visits: Sequence[Visit], descriptors: Sequence[int]) -> Run:
    """A run whose descriptors were looked at evenly."""
    step = PLAN.seconds / len(descriptors)
    return Run(
        version=version,
        plan=PLAN,
        visits=visits,
        samples=[Sample(index * step, count, index * 0.1) for index, count in enumerate(descriptors)],
        airlines={"AB": Seen(accepted=20, greeted=19, asked=30, refused=1)},
        time_wait=4,
        cries=0,
    )


RIGHT = made("right", [user(float(at)) for at in range(30)], [20] * 10 + [40] * 10 + [30] * 10)
BROKEN = made(
    "broken",
    [
        *(user(float(at)) for at in range(10)),
        *(user(at + 10.0, 0.8, missing={NO_DESCRIPTOR: 4, "deadline": 1}) for at in range(10)),
        user(21.0, 0.01, status=0, failure="wait/closed"),
        user(22.0, 0.9, status=503, failure="no airline's prices", missing={NO_DESCRIPTOR: 10}),
    ],
    [30] * 10 + [99] * 10 + [50] * 10,
)


def failed(broken: Run, right: Run) -> list[str]:
    return [claim.said for claim in judge(broken, right) if not claim.held]


def replaced(run: Run, **what: object) -> Run:
    return msgspec.structs.replace(run, **what)


def test_a_story_that_held_has_no_claim_that_failed() -> None:
    assert failed(BROKEN, RIGHT) == []


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (replaced(RIGHT, visits=[*RIGHT.visits, user(29.5, status=503)]), "with one client it answers every user"),
        (replaced(RIGHT, visits=[*RIGHT.visits, user(29.5, 0.91)]), "p99 under 900 ms"),
        (
            replaced(RIGHT, visits=[*RIGHT.visits, user(29.5, missing={NO_DESCRIPTOR: 1})]),
            "it never lacks a descriptor",
        ),
        (replaced(RIGHT, cries=1), "it never lacks a descriptor"),
        (made("right", RIGHT.visits, [50] * 30), "it needs less than half of its descriptors"),
        (
            made("right", RIGHT.visits, [20] * 15 + [31] * 15),
            "their number stays flat while the peak lasts",
        ),
    ],
)
def test_each_claim_of_the_right_version_can_fail_alone(right: Run, said: str) -> None:
    assert failed(BROKEN, right) == [said]


def test_users_without_prices_are_not_enough_the_broken_version_must_lack_descriptors() -> None:
    broken = replaced(BROKEN, visits=[user(1.0, status=503)])
    assert failed(broken, RIGHT) == ["with a client per request it runs out of descriptors (EMFILE)"]


def test_the_verdict_says_how_many_users_the_lack_of_descriptors_cost() -> None:
    assert judge(BROKEN, RIGHT)[0].measured == "50 times; 2 users got no prices, 10 too few"


def test_the_table_has_a_column_for_each_version_and_a_dash_for_what_never_happened() -> None:
    rows = {line[:34].strip(): line[34:].split("  ") for line in report.table(BROKEN, RIGHT).splitlines()}
    shown = {label: [cell.strip() for cell in cells if cell] for label, cells in rows.items()}
    assert shown["users"] == ["22", "30"]
    assert shown["got prices"] == ["20", "30"]
    assert shown["of every airline"] == ["10", "30"]
    assert shown["none: wait/closed"] == ["1", "–"]
    assert shown[NO_DESCRIPTOR] == ["50", "–"]
    assert shown["descriptors, the most"] == ["99 of 100", "40 of 100"]
    assert shown["usual after it"] == ["50", "30"]


def test_a_verdict_has_a_shape_for_each_claim() -> None:
    told = report.verdict(judge(BROKEN, replaced(RIGHT, cries=1))).splitlines()
    assert [line[0] for line in told] == ["●", "●", "●", "▲", "●", "●"]
    assert told[3] == "▲ it never lacks a descriptor: 1 times"


def test_meanwhile_a_bar_is_said_now_and_then_full_at_the_limit() -> None:
    said: list[str] = []
    watch = report.Meanwhile(PLAN, said.append, every=10.0)
    for at, descriptors in ((0.0, 50), (5.0, 60), (10.1, 100), (20.0, 0), (31.0, 9)):
        watch(at, descriptors)
    assert [(line.count("█"), line.split()[-1]) for line in said] == [(20, "50"), (40, "100"), (0, "0")]


def test_the_announcement_says_what_little_expects() -> None:
    said = report.announcement(Plan())
    assert "153 descriptors for a client per request, 35 for one client (63 at most)" in said
    assert "128 descriptors for the service" in said


def test_both_pictures_are_svg_that_says_what_it_shows(tmp_path: Path) -> None:
    for picture in pictures.draw(BROKEN, RIGHT, tmp_path):
        root = ET.fromstring(picture.read_text())  # noqa: S314  # our own
        assert root.get("role") == "img"
        assert root.findtext(f"{SVG}title")
        assert root.findtext(f"{SVG}desc")
        assert "prefers-color-scheme" in (root.findtext(f"{SVG}style") or "")


def test_every_user_is_a_mark_of_the_shape_of_what_came_of_it() -> None:
    root = ET.fromstring(pictures.answers(BROKEN, RIGHT))  # noqa: S314  # our own
    assert len(root.findall(f".//{SVG}circle")) == 20 + 30
    triangles = [path for path in root.iter(f"{SVG}path") if "mark" in (path.get("class") or "")]
    assert sum((path.get("d") or "").count("M") for path in triangles) == 2


def test_a_block_of_the_page_is_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n")
    page.fill(document, {"a": "new"})
    assert document.read_text() == "before\n<!-- a:begin -->\n\nnew\n\n<!-- a:end -->\nafter\n"


def test_a_page_without_the_block_is_not_touched(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n")
    with pytest.raises(SystemExit, match="has no block <!-- a:begin -->"):
        page.fill(document, {"a": "new"})
    assert document.read_text() == "before\n"
