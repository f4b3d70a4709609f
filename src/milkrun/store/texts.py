"""Texts as every database takes them: a target may send what is no Unicode, or a NUL, which PostgreSQL refuses."""

from typing import Any

import msgspec


def storable(text: str) -> str:
    """The text as it is, or with what no database takes written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def json_text(value: object) -> str:
    """JSON of a value. A lone surrogate is written out; JSON writes a NUL as an escape by itself."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_written_out(msgspec.to_builtins(value))).decode()


def _written_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _written_out(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_written_out(part) for part in value]
    return value
