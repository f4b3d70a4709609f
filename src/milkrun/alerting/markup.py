"""A rendered letter in a dialect, within a length: as many incidents as there is room for, the others counted. Pure."""

from collections.abc import Callable, Iterator

from milkrun.alerting.dialects import Dialect
from milkrun.alerting.render import largest, left_out, under_headings
from milkrun.alerting.rendered import Item, Rendered


def write(rendered: Rendered, dialect: Dialect, limit: int, *, measure: Callable[[str], int] = len) -> str:
    """The whole letter. `measure` is how the receiver counts its `limit`; what is too long even bare is not cut."""

    def make(less: Rendered) -> str:
        return dialect.newline.join(lines(less, dialect))

    return largest(rendered, make, lambda text: measure(text) <= limit)


def pieces(rendered: Rendered, dialect: Dialect, *, each: int, total: int) -> list[str]:
    """The whole letter in pieces of at most `each` characters, `total` in all."""

    def fits(found: list[str]) -> bool:
        return sum(map(len, found)) + len(found) <= total and max(map(len, found)) <= each

    found = largest(rendered, lambda less: list(lines(less, dialect)), fits)
    return _packed(found, each, dialect.newline)


def _packed(found: list[str], each: int, newline: str) -> list[str]:
    """Lines put together as long as they fit."""
    packed = found[:1]
    for text in found[1:]:
        together = f"{packed[-1]}{newline}{text}"
        if len(together) <= each:
            packed[-1] = together
        else:
            packed.append(text)
    return packed


def lines(rendered: Rendered, dialect: Dialect) -> Iterator[str]:
    """Line by line: of one incident all there is, of several a line each."""
    if rendered.only is not None:
        yield from _one(rendered.only, dialect)
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
