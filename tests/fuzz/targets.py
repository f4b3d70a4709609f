"""The properties that `make fuzz` searches for a counterexample of, each as a function of bytes."""

from collections.abc import Callable
from typing import Any

from tests.fuzz import test_coding, test_connection, test_parser, test_rules, test_streaming_parser
from tests.support.compressing import compressed

Target = Callable[[bytes], object]


def _raw(test: Any) -> Target:
    """The test itself: its argument is the bytes."""
    checked: Target = test.hypothesis.inner_test
    return checked


def _drawn(test: Any) -> Target:
    """The test with hypothesis between: the bytes decide what it draws. What fails, the test then finds again."""
    checked: Target = test.hypothesis.fuzz_one_input
    return checked


# By what they are of: the first byte says which of them the rest is for.
TARGETS: dict[str, list[Target]] = {
    "parser": [
        _raw(test_parser.test_how_it_is_cut_decides_nothing_for_any_bytes),
        _drawn(test_parser.test_how_a_stream_is_cut_decides_nothing),
        _drawn(test_parser.test_how_it_is_cut_decides_nothing_for_any_tokens_in_any_order),
        _drawn(test_parser.test_a_response_is_read_as_what_it_is),
        _drawn(test_parser.test_where_two_parsers_read_a_response_they_read_the_same),
    ],
    "connection": [
        _drawn(test_connection.test_a_response_that_was_tampered_with_spoils_no_other),
        _drawn(test_connection.test_any_tokens_in_any_order_spoil_no_other),
        _drawn(test_streaming_parser.test_what_was_tampered_with_is_read_alike),
        _drawn(test_streaming_parser.test_a_tampered_hand_over_is_read_alike),
    ],
    "coding": [
        _raw(test_coding.test_any_bytes_in_any_coding_are_read_alike_or_refused),
        _drawn(test_coding.test_what_was_tampered_with_is_read_alike_or_refused),
    ],
    "rules": [
        _drawn(test_rules.test_an_address_is_a_url_or_a_usage_error),
        _drawn(test_rules.test_a_redirect_leads_to_a_url_or_is_a_bad_header),
        _drawn(test_rules.test_a_head_is_repaired_or_named),
        _drawn(test_rules.test_any_challenge_offers_something_to_answer_or_nothing),
        _drawn(test_rules.test_a_certificate_has_facts_or_none),
        _drawn(test_rules.test_any_body_of_any_type_is_some_text),
    ],
}

# What to begin with where nothing is drawn from the bytes: responses, with five bytes before each that say what was
# asked for and where to cut; bodies, with one before each that says their coding.
_RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 404 Not Found\nX: a\n b\nContent-Length: 2\n\nhi",
    b"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n",
]
SEEDS: dict[str, list[bytes]] = {
    "parser": [b"\0\x80\x80\xff\x10\x30" + response for response in _RESPONSES],
    "coding": [
        bytes([0, number]) + compressed(b"milk " * 9, coding) for number, coding in enumerate(test_coding.ENCODINGS)
    ],
}


def choose(name: str, data: bytes) -> None:
    """Give the bytes to the property that their first one is for."""
    among = TARGETS[name]
    if data:
        among[data[0] % len(among)](data[1:])
