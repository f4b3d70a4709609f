"""Which endpoints a page lists, and in which order: filter, search, groups, pages. Pure; works on a board's entries.

Groups with something broken come first, the worst on top, and broken endpoints come first in their group.
"""

import zlib
from collections.abc import Iterable, Iterator
from operator import attrgetter

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.web.entry import UP, Entry

PAGE = 100

Members = dict[str, list[Entry]]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. None and "" ask for everything; `group` "" is not None: endpoints without a group."""

    group: str | None = None
    state: Outcome | None = None
    q: str = ""
    page: int = 1


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One group with what matched in it, broken ones first; `first` on its page, where it may stand twice."""

    name: str
    entries: list[Entry]
    first: bool = True


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One page of groups; a group that spans pages shows on each."""

    groups: tuple[Group, ...]
    total: int
    page: int
    pages: int

    def entries(self) -> list[Entry]:
        """Everything on this page, in order."""
        return [entry for group in self.groups for entry in group.entries]


def anchor(group: str) -> str:
    """A group's element id: its name may hold anything, an id may not."""
    return f"group-{zlib.crc32(group.encode()):08x}"


def by_name(entries: Iterable[Entry]) -> Members:
    """All entries by group, both in the order of names: what every listing starts from."""
    members: Members = {}
    for entry in sorted(entries, key=lambda entry: (entry.endpoint.group, entry.endpoint.name)):
        members.setdefault(entry.endpoint.group, []).append(entry)
    return members


def matching(members: Members, query: Query) -> Members:
    """What is asked for, in the same order; every word of `q` must be in an endpoint's group, name or address."""
    if query.group is not None:
        members = {query.group: members.get(query.group, [])}
    words, state = query.q.lower().split(), query.state
    if words or state is not None:
        members = {
            name: [entry for entry in found if (state is None or entry.state.state is state) and _has(entry, words)]
            for name, found in members.items()
        }
    return {name: found for name, found in members.items() if found}


def _has(entry: Entry, words: list[str]) -> bool:
    return all(word in entry.search for word in words)


def listing(members: Members, query: Query, size: int = PAGE) -> Listing:
    """One page of what was asked for; a page past the end is the last one."""
    found = [_ranked(name, entries) for name, entries in matching(members, query).items()]
    found.sort(key=lambda group: (group.entries[0].rank, group.name))
    total = sum(len(group.entries) for group in found)
    pages = max(1, -(-total // size))
    page = min(query.page, pages)
    ordered = found if pages == 1 else _broken_first(found)
    return Listing(groups=tuple(_cut(ordered, (page - 1) * size, size)), total=total, page=page, pages=pages)


def _ranked(name: str, entries: list[Entry]) -> Group:
    return Group(name=name, entries=sorted(entries, key=attrgetter("rank")))


def _broken_first(groups: list[Group]) -> list[Group]:
    """Over several pages what is broken in any group comes before what is up in all of them."""
    broken, rest = [], []
    for group in groups:
        bad = [entry for entry in group.entries if entry.rank != UP]
        if bad:
            broken.append(Group(name=group.name, entries=bad))
        if len(bad) < len(group.entries):
            rest.append(Group(name=group.name, entries=group.entries[len(bad) :]))
    return broken + rest


def _cut(groups: list[Group], begin: int, size: int) -> Iterator[Group]:
    place, shown = 0, set()
    for group in groups:
        part = group.entries[max(0, begin - place) : max(0, begin + size - place)]
        if part:
            yield Group(name=group.name, entries=part, first=group.name not in shown)
            shown.add(group.name)
        place += len(group.entries)
