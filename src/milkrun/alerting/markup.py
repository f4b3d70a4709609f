"""A rendered letter in a dialect, within a length: as many incidents as there is room for, the others counted. Pure."""

from collections.abc import Callable, Iterator

from milkrun.alerting.dialects import Dialect
from milkrun.alerting.render import left_out, shrinking, under_headings
from milkrun.alerting.rendered import Item, Rendered


def write(rendered: Rendered, dialect: Dialect, limit: int, *, measure: Callable[[str], int] = len) -> str:
    """The whole letter. `measure` is how the receiver counts its `limit`; what is too long even bare is not cut."""
    text = ""
    for less in shrinking(rendered):
        text = dialect.newline.join(lines(less, dialect))
        if measure(text) <= limit:
            break
    return text


def pieces(rendered: Rendered, dialect: Dialect, *, each: int, total: int) -> list[str]:
    """The whole letter in pieces of at most `each` characters, `total` in all."""
    found: list[str] = []
    for less in shrinking(rendered):
        found = list(lines(less, dialect))
        if sum(map(len, found)) + len(found) <= total and max(map(len, found)) <= each:
            break
    return _packed(found, each, dialect.newline)


def _packed(found: list[str], each: int, newline: str) -> list[str]:
    """Lines put together as long as they fit."""
    packed = [""]
    for text in found:
        together = newline.join(filter(None, (packed[-1], text)))
        if len(together) <= each:
            packed[-1] = together
        else:
            packed.append(text)
    return packed


def lines(rendered: Rendered, dialect: Dialect) -> Iterator[str]:
    """Line by line: of one incident all there is, of several a line each."""
    if len(rendered.items) == 1 and not rendered.beyond:
        yield from _one(rendered.items[0], dialect)
        return
    yield dialect.bold(dialect.escape(rendered.title))
    for heading, item in under_headings(rendered.items):
        if heading:
            yield dialect.bold(dialect.escape(heading))
        yield " · ".join([headline(item, dialect), *(dialect.link(link.words, link.url) for link in item.links[:1])])
    if rendered.beyond:
        yield dialect.escape(left_out(rendered.beyond))
    if rendered.dashboard:
        yield dialect.link("All incidents", rendered.dashboard)


def headline(item: Item, dialect: Dialect) -> str:
    """An incident's sentence with the name set off."""
    name = dialect.bold(dialect.escape(item.name)) if item.name else ""
    return f"{item.mark} {dialect.escape(item.before)}{name}{dialect.escape(item.after)}"


def _one(item: Item, dialect: Dialect) -> Iterator[str]:
    yield headline(item, dialect)
    if item.why:
        yield dialect.escape(item.why)
    for label, text in item.details:
        yield f"{dialect.bold(label)}: {dialect.escape(text)}"
    if item.links:
        yield " · ".join(dialect.link(link.words, link.url) for link in item.links)
