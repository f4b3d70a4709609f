"""One mapping of a configuration, read key by key with its types; what is wrong goes to the report.

A reader asks for the keys it knows and says at the end that it is done; whatever it did not ask for is an unknown
key. No reader stops at an error: it gets the default and goes on, so that every error is found in one pass.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from difflib import get_close_matches
from hashlib import blake2b
from typing import TypeVar

import msgspec

from milkrun.config.nodes import Entry, Node, Scalar, Sequence, is_null, plain
from milkrun.config.nodes import Mapping as MappingNode
from milkrun.config.problems import Report
from milkrun.config.quantities import parse_size
from milkrun.config.variables import UndefinedError, expand
from milkrun.core.durations import parse_duration

Parsed = TypeVar("Parsed")
Choice = TypeVar("Choice")

_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MAX_NUMBER = 1_000_000_000


class Words(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A text from the configuration. `secrets` are the variables' values in it; `written` is it before they were."""

    text: str
    written: str
    secrets: tuple[str, ...]
    line: int
    path: str


class Section:
    """A mapping and its path. A section that is not there reads as empty."""

    def __init__(self, node: MappingNode | None, path: str, report: Report, environ: Mapping[str, str]) -> None:
        self.path = path
        self.line = None if node is None else node.line
        self.entries = {} if node is None else node.entries
        self._report = report
        self._environ = environ
        self._asked: dict[str, None] = {}
        self._sections: dict[str, Section] = {}

    def __contains__(self, key: str) -> bool:
        return self._node(key) is not None

    def words(self, key: str) -> Words | None:
        """A text with where it comes from; None where it is not given, or not usable."""
        node = self._node(key)
        return None if node is None else self._words(node, self.path_of(key))

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        words = self.words(key)
        return default if words is None else words.text

    def flag(self, key: str, *, default: bool) -> bool:
        """`true` or `false`; `yes`, `on` and 1 are none, as in YAML 1.2."""
        return self.parsed(key, default, _FLAGS.get, "true or false")

    def choice(self, key: str, choices: Mapping[str, Choice], default: Choice) -> Choice:
        """One of several words, and what it stands for."""
        words = self.words(key)
        if words is None:
            return default
        if words.text not in choices:
            *others, last = choices
            self.problem_at(words, f"expected {', '.join(others)} or {last}")
        return choices.get(words.text, default)

    def number(self, key: str, default: int, *, least: int = 0, most: int = _MAX_NUMBER) -> int:
        """A whole number."""

        def parse(text: str) -> int | None:
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
            return number if least <= number <= most else None

        return self.parsed(key, default, parse, f"a whole number from {least} to {most}")

    def milliseconds(self, key: str, default: float, *, least: float = 0.0) -> float:
        """A duration such as `30s`."""

        def parse(text: str) -> float | None:
            duration = parse_duration(text)
            return duration if duration is not None and duration >= least else None

        shown = f"{least:g}ms" if least < 1_000 else f"{least / 1_000:g}s"
        bound = f" of at least {shown}" if least else ""
        return self.parsed(key, default, parse, f"a duration{bound} such as 30s, 500ms or 1h30m")

    def size(self, key: str, default: int) -> int:
        """A number of bytes such as `5GB`."""
        return self.parsed(key, default, parse_size, "a size such as 5GB, 500MB or 1GiB")

    def parsed(self, key: str, default: Parsed, parse: Callable[[str], Parsed | None], expected: str) -> Parsed:
        """A text that `parse` reads; it gives None for one that is not `expected`."""
        words = self.words(key)
        if words is None:
            return default
        parsed = parse(words.text)
        if parsed is None:
            self.problem_at(words, f"expected {expected}")
            return default
        return parsed

    def section(self, key: str) -> "Section":
        """The mapping under `key`; asked for twice, it is the same one, so that two readers may share it."""
        if key not in self._sections:
            node = self._node(key)
            if node is not None and not isinstance(node, MappingNode):
                self.problem(key, "expected keys and values")
                node = None
            self._sections[key] = Section(node, self.path_of(key), self._report, self._environ)
        return self._sections[key]

    def sections(self, key: str) -> "list[Section]":
        """A list of mappings. To be asked for once: each is a section of its own, which `done` looks into."""
        found = [self._item(item, f"{key}[{index}]") for index, item in enumerate(self._items(key))]
        return [section for section in found if section is not None]

    def one_or_several_sections(self, key: str) -> "list[Section]":
        """A list of mappings, or one mapping for a list of one."""
        return [self.section(key)] if isinstance(self._node(key), MappingNode) else self.sections(key)

    def is_text(self, key: str) -> bool:
        """Whether there is one text under a key, where it may also be keys and values."""
        return isinstance(self._node(key), Scalar)

    def over(self, base: "Section", without: Container[str] = ()) -> "Section":
        """These keys, and those of `base` that are not here, as a section at this one's place."""
        self.take()
        entries = base.entries | self.entries
        kept = {key: entry for key, entry in entries.items() if key not in without}
        return Section(MappingNode(kept, self.line or 0), self.path, self._report, self._environ)

    def take(self) -> None:
        """All keys count as asked for: they are read as part of another section."""
        self._asked = dict.fromkeys(self.entries)

    def holding(self, key: str, texts: Iterable[str]) -> "Section":
        """A section whose only key is a list of texts, which are taken as they are.

        Nobody wrote it, so that what is wrong with it goes to no report: that is for its maker to say.
        """
        line = self.line or 0
        items: list[Node] = [Scalar(text.replace("$", "$$"), line, False) for text in texts]
        entry = Entry(line, Sequence(items, line))
        return Section(MappingNode({key: entry}, line), self.path, Report(self._report.file), self._environ)

    def forgive(self) -> None:
        """Keys that nobody asked for are warnings here, and not errors; so are those of the sections below."""
        for key in self.entries:
            if key not in self._asked:
                self.warning(key, f"{key!r} is not known here and has no effect")
                self._asked[key] = None
        for section in self._sections.values():
            section.forgive()

    def mark(self) -> str:
        """A few characters that tell this content, as it is written, from another."""
        written = msgspec.json.encode({key: plain(entry.value) for key, entry in sorted(self.entries.items())})
        return blake2b(written, digest_size=4).hexdigest()

    def texts(self, key: str) -> list[Words]:
        """A list of texts."""
        found = [self._words(item, f"{self.path_of(key)}[{index}]") for index, item in enumerate(self._items(key))]
        return [words for words in found if words is not None]

    def one_or_several(self, key: str) -> list[Words]:
        """A list of texts, or one text for a list of one."""
        node = self._node(key)
        if not isinstance(node, Scalar):
            return self.texts(key)
        words = self._words(node, self.path_of(key))
        return [] if words is None else [words]

    def keys(self) -> list[str]:
        """All keys, where they are the user's own."""
        return list(self.entries)

    def pairs(self) -> list[tuple[str, Words]]:
        """All keys with their texts, where the keys are the user's own."""
        found = [(key, self._words(entry.value, self.path_of(key))) for key, entry in self.entries.items()]
        self._asked = dict.fromkeys(self.entries)
        return [(key, words) for key, words in found if words is not None]

    def problem(self, key: str, message: str) -> None:
        """Something is wrong with a key; where the key is missing, with the section."""
        entry = self.entries.get(key)
        self._report.problem(self.line if entry is None else entry.line, self.path_of(key), message)

    def refuse(self, message: str) -> None:
        """Something is wrong with the section itself."""
        self._report.problem(self.line, self.path, message)

    def problem_at(self, words: Words, message: str) -> None:
        """Something is wrong with one text."""
        self._report.problem(words.line, words.path, message)

    def warning(self, key: str, message: str) -> None:
        """The user should know something about a key."""
        entry = self.entries.get(key)
        self._report.warning(self.line if entry is None else entry.line, self.path_of(key), message)

    def doubt(self, message: str) -> None:
        """The user should know something about the section itself."""
        self._report.warning(self.line, self.path, message)

    def done(self, not_built: Mapping[str, frozenset[str]]) -> None:
        """Nobody will ask for more: report keys nobody asked for, also in the sections below.

        `not_built` are Gatus's keys that are not built yet, by the name of the section.
        """
        name = self.path.rpartition(".")[2].partition("[")[0]
        later = not_built.get(name, frozenset())
        for key in self.entries:
            if key not in self._asked:
                self._not_asked(key, later)
        for section in self._sections.values():
            section.done(not_built)

    def path_of(self, key: str) -> str:
        """The path of one of the keys, as messages show it."""
        return f"{self.path}.{key}" if self.path else key

    def _not_asked(self, key: str, later: frozenset[str]) -> None:
        if key in later:
            self.warning(key, not_built(key))
        else:
            self.problem(key, unknown_key(key, self._asked, later))

    def _items(self, key: str) -> list[Node]:
        node = self._node(key)
        if node is not None and not isinstance(node, Sequence):
            self.problem(key, "expected a list")
            return []
        return [] if node is None else node.items

    def _item(self, node: Node, name: str) -> "Section | None":
        if not isinstance(node, MappingNode):
            self._report.problem(node.line, self.path_of(name), "expected keys and values")
            return None
        section = self._sections[name] = Section(node, self.path_of(name), self._report, self._environ)
        return section

    def _node(self, key: str) -> Node | None:
        self._asked[key] = None
        entry = self.entries.get(key)
        return None if entry is None or is_null(entry.value) else entry.value

    def _words(self, node: Node, path: str) -> Words | None:
        if not isinstance(node, Scalar):
            self._report.problem(node.line, path, "expected a text")
            return None
        try:
            text, secrets = expand(node.text, self._environ)
        except UndefinedError as err:
            self._report.problem(node.line, path, str(err))
            return None
        return Words(text=text, written=node.text, secrets=secrets, line=node.line, path=path)


def unknown_key(key: str, known: Iterable[str], later: Iterable[str]) -> str:
    """What to say of a key nobody knows; `later` are Gatus's that are not built yet."""
    near = get_close_matches(key, [*known, *later], n=1)
    return f"unknown key, perhaps {near[0]!r}" if near else f"unknown key; known here are {', '.join(sorted(known))}"


def not_built(key: str) -> str:
    """What to say of a key of Gatus's that Milkrun does not build yet."""
    return f"Gatus's {key!r} is not built yet and has no effect"
