"""Columns of values as PostgreSQL reads arrays (manual, "Array Input and Output Syntax"), one parameter a column.

The driver's own adaptation of a list takes a call a value; JSON's encoder takes none, and a list of numbers is the same
text in both but for its brackets.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Dialect, LargeBinary, String
from sqlalchemy.types import TypeEngine


def array_type(of: TypeEngine[Any], dialect: Dialect) -> str:
    """The name of the type of an array of such values."""
    return f"{of.compile(dialect)}[]"


def array_literal(of: TypeEngine[Any], values: Sequence[Any]) -> str:
    """The text of an array of these values."""
    if isinstance(of, LargeBinary):
        return _braced("NULL" if value is None else rf'"\\x{value.hex()}"' for value in values)
    if isinstance(of, String):
        return _braced("NULL" if value is None else _quoted(value) for value in values)
    return "{" + msgspec.json.encode(values)[1:-1].decode() + "}"


def _braced(texts: Any) -> str:
    return "{" + ",".join(texts) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
