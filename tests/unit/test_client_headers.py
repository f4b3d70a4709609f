"""Header fields as a mapping."""

import pytest

from milkrun.client import Headers

HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Empty:\r\nset-cookie:\tb=2 \r\nX-Latin: \xe4\r\n\r\n"


def test_names_are_read_without_case_and_repeated_fields_joined() -> None:
    headers = Headers.from_head(HEAD)
    assert headers["SET-cookie"] == "a=1, b=2"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert headers.get_all("absent") == []
    assert (headers["x-empty"], headers["x-latin"]) == ("", "ä")
    assert (len(headers), list(headers)) == (3, ["set-cookie", "x-empty", "x-latin"])
    assert "Set-Cookie" in headers
    with pytest.raises(KeyError):
        headers["absent"]


def test_the_raw_pairs_keep_order_and_spelling() -> None:
    assert Headers.from_head(HEAD).raw[2] == (b"set-cookie", b"b=2")


def test_values_do_not_show_by_accident() -> None:
    assert "a=1" not in repr(Headers.from_head(HEAD))
