"""Which endpoints a page lists, and in which order: filter, search, groups, pages. Pure; works on a board's entries.

Groups with something broken come first, the worst on top, and broken endpoints come first in their group.
"""

import zlib
from collections.abc import Iterable

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.web.entry import Entry

PAGE = 100
RANK = {Outcome.DOWN: 0, Outcome.DEGRADED: 1, Outcome.UNKNOWN: 2, Outcome.UP: 3}


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. None and "" ask for everything; `group` "" is not None: endpoints without a group."""

    group: str | None = None
    state: Outcome | None = None
    q: str = ""
    page: int = 1


class Group(msgspec.Struct, kw_only=True):
    """One group with what matched in it, broken ones first."""

    name: str
    entries: list[Entry]

    def worst(self) -> int:
        """The rank of the worst state in it, which is the first's."""
        return RANK[self.entries[0].state.state]


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


def matches(entry: Entry, query: Query) -> bool:
    """Whether an endpoint is asked for; every word of `q` must be in its group, name or address."""
    if query.state is not None and entry.state.state is not query.state:
        return False
    if query.group is not None and entry.endpoint.group != query.group:
        return False
    return all(word in entry.search for word in query.q.lower().split())


def grouped(entries: Iterable[Entry], query: Query) -> list[Group]:
    """Everything that matches, by group, in the order of the pages."""
    members: dict[str, list[Entry]] = {}
    for entry in entries:
        if matches(entry, query):
            members.setdefault(entry.endpoint.group, []).append(entry)
    groups = [_group(name, found) for name, found in members.items()]
    return sorted(groups, key=lambda group: (group.worst(), group.name))


def _group(name: str, entries: list[Entry]) -> Group:
    ordered = sorted(entries, key=lambda entry: (RANK[entry.state.state], entry.endpoint.name))
    return Group(name=name, entries=ordered)


def paged(groups: list[Group], page: int, size: int = PAGE) -> Listing:
    """Cut one page out; a page past the end is the last one."""
    total = sum(len(group.entries) for group in groups)
    pages = max(1, -(-total // size))
    page = min(page, pages)
    first, shown, place = (page - 1) * size, [], 0
    for group in groups:
        part = group.entries[max(0, first - place) : max(0, first + size - place)]
        if part:
            shown.append(Group(name=group.name, entries=part))
        place += len(group.entries)
    return Listing(groups=tuple(shown), total=total, page=page, pages=pages)


def listing(entries: Iterable[Entry], query: Query, size: int = PAGE) -> Listing:
    """One page of what was asked for."""
    return paged(grouped(entries, query), query.page, size)
