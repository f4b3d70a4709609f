"""Fragments and messages of the streams."""

import pytest

from milkrun.web.fragments import Sent, partials, resumed
from milkrun.web.sse import message


@pytest.mark.parametrize(
    ("last", "since", "newest", "number"),
    [
        ("", 3, 9, 3),
        ("7", 3, 9, 7),
        ("70", 3, 9, 0),
        ("seven", 3, 9, 3),
        ("9" * 30, 3, 9, 3),
        ("", 12, 9, 0),
    ],
)
def test_a_stream_goes_on_where_it_broke_off_and_after_a_restart_tells_everything(
    last: str, since: int, newest: int, number: int
) -> None:
    assert resumed(last, since, newest) == number


def test_a_fragment_is_sent_only_when_it_reads_differently() -> None:
    sent = Sent()
    assert "#a" in sent.changed([("#a", "one")])
    assert sent.changed([("#a", "one")]) == ""
    assert sent.changed([("#a", "two"), ("#b", "one")]).count("<hx-partial") == 2


def test_a_message_has_a_field_for_each_line() -> None:
    assert message("a\nb", event="state", number=4) == b"id: 4\nevent: state\ndata: a\ndata: b\n\n"
    assert partials("", 1) == b""
