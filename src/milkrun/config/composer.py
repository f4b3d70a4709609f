"""YAML events become nodes, one endpoint at a time, so that a large file is never held as a whole.

The parser is libyaml's; this module adds what a composer must: anchors, aliases and merge keys, with a bound on
what they expand to, and lines for every error. Anchors are known once they are complete, so none contains itself.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from yaml._yaml import CParser

from milkrun.config.nodes import NULLS, Entry, Mapping, Node, Scalar, Sequence
from milkrun.config.problems import Refused, Report
from milkrun.config.variables import shield, unshield

# One of yaml's events. Their declared types leave every part optional, which libyaml's own events never do.
Event = Any

# Far above 50,000 rich endpoints, far below what a page of nested aliases (the "billion laughs") asks for.
MAX_NODES = 5_000_000
MAX_DEPTH = 64

_CORE_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))
_TEXT_TAGS = frozenset({"tag:yaml.org,2002:str", "!"})


class Top(msgspec.Struct, frozen=True):
    """One key at the top of a document with its value, or with one item of it where the value is streamed.

    `anchored` values are templates for merging and mean nothing by themselves.
    """

    key: str
    line: int
    value: Node
    index: int | None = None
    anchored: bool = False


class Composer:
    """Reads one document. Raises Refused where it cannot go on; duplicate keys go to the report."""

    def __init__(self, text: str, report: Report) -> None:
        self._shielded = "${" in text
        self._parser = CParser(shield(text) if self._shielded else text)
        self._report = report
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0
        self._path: list[str] = []

    def top(self, streamed: str) -> Iterator[Top]:
        """The document's keys; `streamed` names the one whose list comes item by item."""
        try:
            yield from self._document(streamed)
        except yaml.MarkedYAMLError as err:
            mark = err.problem_mark or err.context_mark
            line = None if mark is None else mark.line + 1
            raise Refused(line, f"this is not YAML: {err.problem or err.context}") from err
        except yaml.YAMLError as err:
            raise Refused(None, "this is not YAML: it contains a control character") from err
        finally:
            self._parser.dispose()

    def _document(self, streamed: str) -> Iterator[Top]:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return
        event = self._next()
        if isinstance(event, yaml.MappingStartEvent):
            yield from self._entries(streamed)
        elif not (isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in NULLS):
            raise Refused(_line(event), f"expected keys such as {streamed}: at the top")
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise Refused(_line(after), "expected one document in a file, not another one after ---")

    def _entries(self, streamed: str) -> Iterator[Top]:
        seen: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, line = self._key(event)
            event = self._next()
            if key in seen:
                self._duplicate(line, key, seen[key])
            if key == streamed and key not in seen and isinstance(event, yaml.SequenceStartEvent):
                yield from self._items(key, line)
            else:
                self._path = [key]
                anchored = getattr(event, "anchor", None) is not None and not isinstance(event, yaml.AliasEvent)
                top = Top(key, line, self._node(event, 1), anchored=anchored)
                self._path = []
                if key not in seen:
                    yield from _unrolled(top) if key == streamed else (top,)
            seen.setdefault(key, line)

    def _items(self, key: str, line: int) -> Iterator[Top]:
        index = 0
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            self._path = [f"{key}[{index}]"]
            yield Top(key, line, self._node(event, 2), index)
            index += 1
        self._path = []

    def _next(self) -> Event:
        return self._parser.get_event()

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._nodes
        self._grow(1, event)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] or (event.tag is not None and event.tag not in _TEXT_TAGS)
            node: Node = Scalar(self._text(event), _line(event), plain)
        elif depth >= MAX_DEPTH:
            raise Refused(_line(event), f"expected at most {MAX_DEPTH} levels of nesting")
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, depth)
        else:
            node = self._sequence(event, depth)
        self._check_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._nodes - before)
        return node

    def _alias(self, event: Event) -> Node:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise Refused(_line(event), f"expected an anchor &{event.anchor} that ends before this *{event.anchor}")
        node, weight = known
        self._grow(weight, event)
        return node

    def _grow(self, nodes: int, event: Event) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Refused(_line(event), f"expected at most {MAX_NODES:,} values, all aliases written out")

    def _check_tag(self, event: Event) -> None:
        tag = event.tag
        if tag is not None and tag not in _CORE_TAGS and tag != "!":
            raise Refused(_line(event), "expected no tag but YAML's own, such as !!str")

    def _sequence(self, start: Event, depth: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            self._path.append(f"[{len(items)}]")
            items.append(self._node(event, depth + 1))
            self._path.pop()
        return Sequence(items, _line(start))

    def _mapping(self, start: Event, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        merged: list[Mapping] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, line = self._key(event)
            self._path.append(f".{key}")
            value = self._node(self._next(), depth + 1)
            self._path.pop()
            if key == "<<":
                merged += _mergeable(value, line)
            elif key in entries:
                self._duplicate(line, key, entries[key].line)
            else:
                entries[key] = Entry(line, value)
        for mapping in merged:
            self._grow(len(mapping.entries), start)
            entries |= {key: entry for key, entry in mapping.entries.items() if key not in entries}
        return Mapping(entries, _line(start))

    def _key(self, event: Event) -> tuple[str, int]:
        if not isinstance(event, yaml.ScalarEvent):
            raise Refused(_line(event), "expected a plain key")
        return self._text(event), _line(event)

    def _text(self, scalar: Event) -> str:
        text: str = scalar.value
        return unshield(text) if self._shielded else text

    def _duplicate(self, line: int, key: str, first: int) -> None:
        path = f"{''.join(self._path)}.{key}" if self._path else key
        self._report.problem(line, path, f"expected each key once; it is on line {first} already")


def _line(event: Event) -> int:
    line: int = event.start_mark.line
    return line + 1


def _mergeable(value: Node, line: int) -> list[Mapping]:
    """The mappings that `<<` names, those that win first."""
    candidates = value.items if isinstance(value, Sequence) else [value]
    mappings = [candidate for candidate in candidates if isinstance(candidate, Mapping)]
    if len(mappings) != len(candidates):
        raise Refused(line, "expected << to name a mapping, such as *defaults, or a list of them")
    return mappings


def _unrolled(top: Top) -> Iterator[Top]:
    """A streamed key whose list came by an alias; anything else is passed on for its reader to refuse."""
    if not isinstance(top.value, Sequence):
        yield top
        return
    for index, item in enumerate(top.value.items):
        yield Top(top.key, top.line, item, index)
