"""Bodies as text: the charset that is meant, and always some text."""

import codecs
import encodings
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkrun.client.charset import text

WORD = "Grüezi"


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("", "utf-8"),
        ("text/plain", "utf-8"),
        ("application/json", "utf-8"),
        ("text/plain; charset=utf-8", "utf-8"),
        ("text/plain;charset=ISO-8859-1", "latin-1"),
        ("text/plain; charset=latin1", "latin-1"),
        ('text/html; CHARSET="Windows-1252"; x=y', "cp1252"),
        (r'text/html; charset="iso-\8859-1"', "latin-1"),
        ("text/html; charset = iso-8859-1 ; x=y", "latin-1"),
        ("text/html; x; charset=iso-8859-1", "latin-1"),
        ('text/html; x="; charset=utf-8"; charset=iso-8859-15', "iso-8859-15"),
        ("text/html; charset=iso-8859-1; charset=utf-8", "latin-1"),
        ("text/html; x-charset=iso-8859-1", "utf-8"),
        ("text/html; charset=us-ascii", "utf-8"),  # which it is part of
        ("text/html; charset=utf-16le", "utf-16-le"),
        ("text/html; charset=utf-16", "utf-16-le"),
        ("text/html; charset=utf-16be", "utf-16-be"),
        ("text/html; charset=utf-32", "utf-32-le"),
        ("text/html; charset=gb18030", "gb18030"),
        ("text/html; charset=", "utf-8"),
        ('text/html; charset=""', "utf-8"),
        ('text/html; charset="', "utf-8"),
        ('text/html; charset="iso-8859-1', "utf-8"),
        ("text/html; charset=none-that-we-know", "utf-8"),
        ("text/html; charset=" + "x" * 10_000, "utf-8"),
        ("text/html; charset=\u017f\xff", "utf-8"),
    ],
)
def test_the_charset_is_the_parameters_or_else_utf_8(content_type: str, charset: str) -> None:
    assert text(WORD.encode(charset), content_type) == WORD


@pytest.mark.parametrize("name", ["shift_jis", "x-sjis", "Shift-JIS", "MS_Kanji"])
def test_a_charset_has_several_names(name: str) -> None:
    assert text("牛乳".encode("shift_jis"), f"text/plain; charset={name}") == "牛乳"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=iso-8859-1"])
def test_a_byte_order_mark_knows_best_and_is_no_part_of_the_text(charset: str, content_type: str) -> None:
    assert text(("\ufeff" + WORD).encode(charset), content_type) == WORD


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        (b"a\xffb", "application/json", "a\ufffdb"),
        (b"a\x81b", "text/plain; charset=cp1252", "a\ufffdb"),
        (b"a\0b", "text/plain; charset=utf-16le", "a\ufffd"),
        (b"\xff\xfea", "", "\ufffd"),
    ],
)
def test_bytes_that_stand_for_nothing_are_shown_as_such(body: bytes, content_type: str, shown: str) -> None:
    assert text(body, content_type) == shown


@pytest.mark.parametrize(
    "charset", ["zlib", "hex", "base64", "bz2", "rot13", "idna", "punycode", "unicode_escape", "undefined", "utf-7"]
)
def test_a_codec_that_is_no_charset_is_none_that_we_know(charset: str) -> None:
    body = rb"xn--4\x41+AGE-".ljust(100_000, b"-")
    assert text(body, f"text/plain; charset={charset}") == body.decode()


def test_what_a_charset_is_was_not_asked_of_python_which_would_keep_every_name() -> None:
    before = len(encodings._cache)
    for number in range(1000):
        text(b"", f"text/plain; charset=none-{number}")
    assert len(encodings._cache) == before


@pytest.mark.parametrize("codec", sorted(module.name for module in pkgutil.iter_modules(encodings.__path__)))
def test_every_codec_of_pythons_reads_bytes_as_itself_or_as_utf_8(codec: str) -> None:
    body = bytes(range(33, 91))  # up to the backslash, at which some codecs warn
    assert text(body, f"text/plain; charset={codec}") in {_decoded(body, codec), body.decode()}


def _decoded(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec, "replace")
    except (LookupError, UnicodeError):
        return None


@pytest.mark.parametrize("filler", [";", " ", "; ", '"', ';a="', '\\"', ";a=", ';a="\\"'])
def test_what_a_content_type_is_made_of_does_not_decide_how_long_it_takes_to_read(filler: str) -> None:
    assert text(b"milk", ";" + filler * 100_000) == "milk"
    assert text(b"milk", ';a="' + filler * 100_000) == "milk"


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1250", "iso-8859-7", "utf-32", "hz", "iso2022_jp_3"]))
def test_any_bytes_are_some_text(body: bytes, charset: str) -> None:
    shown = text(body, f"text/plain; charset={charset}")
    if not body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert shown == body.decode("utf-32-le" if charset == "utf-32" else charset, "replace")


@given(st.text(max_size=100))
def test_any_content_type_leads_to_some_text(content_type: str) -> None:
    assert text(b"milk", content_type)
    assert text(b"milk", f"text/plain;charset={content_type}")
