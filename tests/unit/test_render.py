"""What a letter says: sentences, titles, what is named and what is counted."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from milkrun.alerting.dialects import DISCORD, PLAIN, SLACK, Dialect
from milkrun.alerting.markup import pieces, write
from milkrun.alerting.render import TITLE, left_out, render
from milkrun.alerting.rendered import Rendered, Tone
from milkrun.core.alert import Purpose
from milkrun.core.incident import Kind, Severity
from milkrun.core.outcome import Outcome
from tests.support.history import START
from tests.support.letters import MINUTE, a_letter, an_alert, many

CONDITION: dict[str, Any] = {"cause": "[STATUS] (503) == 200", "layer": "condition"}
EXPIRY: dict[str, Any] = {
    "cause": "expires in 13 days",
    "layer": "",
    "severity": Severity.WARNING,
    "state": Outcome.DEGRADED,
}
BLIND: dict[str, Any] = {
    "cause": "12 of 20 origins fail at dns",
    "layer": "",
    "severity": Severity.NOTICE,
    "state": Outcome.UNKNOWN,
}


def first_line(rendered: Rendered) -> str:
    return rendered.text.partition("\n")[0]


@pytest.mark.parametrize(
    ("purpose", "subject", "sentence"),
    [
        (Purpose.TRIGGER, {}, "▲ checkout is down — connect/refused, since 15:00 UTC (3 min)"),
        (Purpose.TRIGGER, CONDITION, "▲ checkout is down — [STATUS] (503) == 200, since 15:00 UTC (3 min)"),
        (
            Purpose.TRIGGER,
            {"state": Outcome.DEGRADED, "cause": "[WAIT] (812) < 500"},
            "◐ checkout is degraded — [WAIT] (812) < 500, since 15:00 UTC (3 min)",
        ),
        (Purpose.TRIGGER, {"cause": ""}, "▲ checkout is down since 15:00 UTC (3 min)"),
        (Purpose.REPEAT, {}, "▲ Reminder: checkout is still down — connect/refused, since 15:00 UTC (3 min)"),
        (Purpose.ESCALATE, {}, "▲ Escalated: checkout is still down — connect/refused, since 15:00 UTC (3 min)"),
        (
            Purpose.RESOLVE,
            {"closed": START + 12 * MINUTE, "cause": "wait/timeout: no answer within 10 s"},
            "● checkout is up again after 12 min (was: wait/timeout)",
        ),
        (
            Purpose.RESOLVE,
            {"closed": START + MINUTE, "state": Outcome.DEGRADED, "cause": ""},
            "● checkout is well again after 1 min",
        ),
        (
            Purpose.TRIGGER,
            {"kind": Kind.CERTIFICATE, **EXPIRY},
            "◐ the certificate of checkout needs renewal — expires in 13 days, since 15:00 UTC (3 min)",
        ),
        (
            Purpose.RESOLVE,
            {"kind": Kind.CERTIFICATE, **EXPIRY, "closed": START + 90 * MINUTE},
            "● the certificate of checkout is in order again after 1 h 30 min (was: expires in 13 days)",
        ),
        (
            Purpose.REPEAT,
            {"kind": Kind.DOMAIN, **EXPIRY},
            "◐ Reminder: the domain of checkout still needs renewal — expires in 13 days, since 15:00 UTC (3 min)",
        ),
        (
            Purpose.TRIGGER,
            {"kind": Kind.NETWORK, **BLIND},
            f"○ Milkrun's own network is in trouble, checks tell nothing — {BLIND['cause']}, since 15:00 UTC (3 min)",
        ),
        (
            Purpose.RESOLVE,
            {"kind": Kind.NETWORK, **BLIND, "closed": START + MINUTE},
            "● Milkrun's own network works again after 1 min (was: 12 of 20 origins fail at dns)",
        ),
        (
            Purpose.TEST,
            {"cause": "a test of this channel"},
            "● This is a test of Milkrun: alerts reach this channel, nothing is wrong",
        ),
    ],
)
def test_one_incident_is_one_sentence(purpose: Purpose, subject: dict[str, Any], sentence: str) -> None:
    rendered = render(a_letter(an_alert(purpose, **subject)))
    assert first_line(rendered) == sentence
    assert len(rendered.title) <= TITLE
    assert rendered.title[:2] == sentence[:2]


def test_the_title_of_a_test_is_its_sentence_and_nothing_cut() -> None:
    rendered = render(a_letter(an_alert(Purpose.TEST, cause="a test of this channel: nothing is wrong")))
    assert rendered.title == first_line(rendered)


def test_the_text_of_one_has_the_whole_cause_the_target_the_note_and_the_links() -> None:
    letter = a_letter(an_alert(description="call the shop's team"))
    link = letter.incident_urls[letter.messages[0].id]
    ack = letter.ack_urls[letter.messages[0].id]
    assert render(letter).text.splitlines()[1:] == [
        "connect/refused: no",
        "Target: https://shop.example/checkout",
        "Note: call the shop's team",
        f"Incident: {link}",
        f"Acknowledge: {ack}",
    ]


def test_times_are_of_the_zone_that_is_asked_for_and_have_a_date_where_it_was_another_day() -> None:
    letter = a_letter(at=START + 10 * 60 * MINUTE)
    assert "since 2026-09-21 17:00 CEST (10 h)" in render(letter, zone=ZoneInfo("Europe/Berlin")).text


def test_a_title_keeps_what_is_the_matter_however_long_the_name() -> None:
    title = render(a_letter(an_alert(name="payment gateway of the northern regions " * 9))).title
    assert title == "▲ payment gateway of the northern… is down — connect/refused"


def test_fifty_at_once_are_one_message_that_names_twenty_and_counts_the_rest_by_group() -> None:
    rendered = render(a_letter(*many(50)))
    assert rendered.title == "▲ 50 endpoints are down: core 17, shop 17, without a group 16"
    assert len(rendered.items) == 20
    assert sum(count for _, count in rendered.beyond) == 30
    assert left_out(rendered.beyond) == "and 30 more: without a group 16, shop 14"
    lines = rendered.text.splitlines()
    assert lines[1:3] == ["core:", "▲ service 0 is down — connect/refused, since 15:00 UTC (3 min)"]
    assert lines[-2:] == ["and 30 more: without a group 16, shop 14", "https://status.example/incidents"]


def test_where_nobody_has_a_group_the_title_names_endpoints_and_there_are_no_headings() -> None:
    rendered = render(a_letter(*many(3, groups=("",))))
    assert rendered.title == "▲ 3 endpoints are down: service 0, service 1, service 2"
    assert [line[0] for line in rendered.text.splitlines()[1:-1]] == ["▲", "▲", "▲"]


def test_of_very_many_groups_the_largest_are_counted_by_name() -> None:
    rendered = render(a_letter(*many(10_000, groups=[f"group {index:03}" for index in range(300)])))
    assert left_out(rendered.beyond).startswith("and 9,980 more: group 001 34, ")
    assert left_out(rendered.beyond).endswith(", …")


def test_beginnings_and_ends_in_one_letter_are_told_apart_the_worst_first() -> None:
    letter = a_letter(
        an_alert(Purpose.RESOLVE, number=1, name="a", lasted=MINUTE),
        an_alert(number=2, name="b", state=Outcome.DEGRADED),
        an_alert(number=3, name="c"),
        an_alert(number=4, name="d", kind=Kind.NETWORK, **BLIND),
    )
    rendered = render(letter)
    assert rendered.title == "▲ c down, ◐ b in trouble, ○ 1 notice, ● a well again"
    assert [(item.mark, item.name) for item in rendered.items] == [("▲", "c"), ("◐", "b"), ("○", ""), ("●", "a")]
    assert rendered.tone is Tone.DOWN


@pytest.mark.parametrize(
    ("purpose", "title"),
    [
        (Purpose.REPEAT, "▲ 2 endpoints are still down: core 2"),
        (Purpose.RESOLVE, "● 2 endpoints are well again: core 2"),
    ],
)
def test_several_of_one_sort_say_so_in_the_title(purpose: Purpose, title: str) -> None:
    assert render(a_letter(an_alert(purpose, number=1), an_alert(purpose, number=2))).title == title


def test_several_certificates_are_not_called_down() -> None:
    messages = [an_alert(number=number, kind=Kind.CERTIFICATE, **EXPIRY) for number in (1, 2)]
    assert render(a_letter(*messages)).title == "◐ 2 in trouble"


def test_an_incident_that_began_and_ended_in_one_letter_is_told_once_as_it_stands() -> None:
    rendered = render(a_letter(an_alert(), an_alert(Purpose.RESOLVE, lasted=MINUTE)))
    assert rendered.title == "● checkout is up again after 1 min (was: connect/refused)"
    assert len(rendered.items) == 1


def test_without_links_nothing_is_linked() -> None:
    assert "http" not in render(a_letter(*many(3), linked=False)).text
    assert render(a_letter(linked=False)).items[0].links == ()


@pytest.mark.parametrize("hostile", ["a\nb", "a\r\n\r\nb", "a\u2028b", "a\u202eb", "a\x00b", "a\ud800b", "a \t b"])
def test_a_name_that_breaks_lines_or_turns_the_direction_stays_on_its_line(hostile: str) -> None:
    rendered = render(a_letter(an_alert(name=hostile, cause=hostile, group=hostile)))
    assert rendered.items[0].name == "a b"
    assert rendered.title == "▲ a b is down — a b"


@pytest.mark.parametrize("dialect", [PLAIN, SLACK, DISCORD])
@pytest.mark.parametrize("limit", [9_000, 3_000, 1_000, 400])
@pytest.mark.parametrize("count", [1, 20, 50])
def test_what_is_written_fits_and_still_counts_everybody(dialect: Dialect, limit: int, count: int) -> None:
    rendered = render(a_letter(*many(count)))
    text = write(rendered, dialect, limit)
    assert len(text) <= limit
    named = text.count("is down")
    assert (f"and {count - named} more" in text) is (count > named)


def test_pieces_are_each_within_their_length_and_together_the_whole() -> None:
    rendered = render(a_letter(*many(20)))
    found = pieces(rendered, SLACK, each=700, total=9_000)
    assert len(found) > 1
    assert max(map(len, found)) <= 700
    assert "\n".join(found) == write(rendered, SLACK, 9_000)


def test_the_least_is_one_bare_headline() -> None:
    rendered = render(a_letter(an_alert(description="x" * 400)))
    (least,) = pieces(rendered, PLAIN, each=10, total=10)
    assert least == "▲ checkout is down — connect/refused, since 15:00 UTC (3 min)"
