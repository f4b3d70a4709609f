"""Texts on their way into a database, and columns on their way into PostgreSQL."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Float, LargeBinary, Text
from sqlalchemy.types import TypeEngine

from milkrun.store.arrays import array_literal
from milkrun.store.texts import json_text, storable


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain \N{SNOWMAN}", "plain \N{SNOWMAN}"), ("\ud800", r"\ud800"), ("a\0b", r"a\x00b")],
)
def test_what_no_database_takes_is_written_out(text: str, stored: str) -> None:
    assert storable(text) == stored


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": ["\N{SNOWMAN}", None]}, '{"a":["\N{SNOWMAN}",null]}'),
        ({"a": ["\ud800", 1, {"b": "\udcff"}]}, r'{"a":["\\ud800",1,{"b":"\\udcff"}]}'),
        ("\0", r'"\u0000"'),
    ],
)
def test_json_of_any_text_is_text(value: object, written: str) -> None:
    assert json_text(value) == written


@pytest.mark.parametrize(
    ("kind", "values", "literal"),
    [
        (BigInteger(), (1, None, -3), "{1,null,-3}"),
        (Float(), (0.5, None), "{0.5,null}"),
        (Boolean(), (True, False), "{true,false}"),
        (Text(), ('a"b', "c\\d", None, "", "NULL"), r'{"a\"b","c\\d",NULL,"","NULL"}'),
        (LargeBinary(), (b"\x00\xff", None, b""), r'{"\\x00ff",NULL,"\\x"}'),
    ],
)
def test_a_column_is_an_array_as_postgresql_reads_it(kind: TypeEngine[Any], values: Any, literal: str) -> None:
    assert array_literal(kind, values) == literal
