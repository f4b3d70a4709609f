"""Paths into a JSON body (`.data.items[0].id`), and how Gatus writes what they lead to as text."""

import re
from collections.abc import Iterator

import msgspec

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Path = tuple[str | int, ...]

_STEP = re.compile(r"\.?(?P<key>[^.\[\]]+)|\[(?P<index>\d{1,9})\]")


class NotFoundError(Exception):
    """The path leads nowhere in this document."""


def parse_path(text: str) -> tuple[Path, int]:
    """Read as many steps as there are; returns them and how many characters they took."""
    steps: list[str | int] = []
    at = 0
    while match := _STEP.match(text, at):
        steps.append(match["key"] if match["index"] is None else int(match["index"]))
        at = match.end()
    return tuple(steps), at


def walk(document: Json, path: Path) -> Json:
    """What `path` leads to. Raises NotFoundError; null counts as absent, as it does for Gatus."""
    at = document
    for step in path:
        if isinstance(step, str):
            if not isinstance(at, dict) or step not in at:
                raise NotFoundError
            at = at[step]
        else:
            if not isinstance(at, list) or step >= len(at):
                raise NotFoundError
            at = at[step]
    if at is None:
        raise NotFoundError
    return at


def text_of(value: Json) -> str:
    """A value as text to compare and to show: an object as compact JSON, a list as Go prints one (`[a b]`)."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return number_text(value)
        case dict():
            return msgspec.json.encode(value).decode()
        case list():
            return f"[{' '.join(_elements(value))}]"
    return str(value)


def number_text(value: float) -> str:
    """A number without a fraction that says nothing: 2.0 is `2`."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def length_of(value: Json) -> int:
    """A list's number of elements, else the length of its text in bytes, as Go counts."""
    return len(value) if isinstance(value, list) else len(text_of(value).encode())


def _elements(values: list[Json]) -> Iterator[str]:
    for value in values:
        if value is None:
            yield "<nil>"
        elif isinstance(value, dict):
            pairs = (f"{key}:{''.join(_elements([member]))}" for key, member in sorted(value.items()))
            yield f"map[{' '.join(pairs)}]"
        else:
            yield text_of(value)
