"""A YAML document as nodes that remember their lines.

Scalars stay text, because the reader of a key knows what it wants: so `on`, `1:30` and `007` never turn into
something the user did not write.
"""

import msgspec

NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A text and its line; `plain` where it was written without quotes or a tag that makes it text."""

    text: str
    line: int
    plain: bool


class Sequence(msgspec.Struct, frozen=True):
    """A list."""

    items: "list[Node]"
    line: int


class Entry(msgspec.Struct, frozen=True):
    """A key's line and its value."""

    line: int
    value: "Node"


class Mapping(msgspec.Struct, frozen=True):
    """Keys and values, in order, merge keys already merged."""

    entries: dict[str, Entry]
    line: int


Node = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Whether a key was left without a value, which counts as not given."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def plain(node: Node) -> object:
    """What a node says, without where it says it: texts, lists and dictionaries."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}
