"""What has been counted, as values and as text."""

from typing import Any

import msgspec


class SiteReport(msgspec.Struct, frozen=True, kw_only=True):
    """One call site.

    Attributes:
        what: the class that was constructed there first, "httpx2.AsyncClient".
        site: "app/prices.py:12 in quote".
        constructed, closed, alive: how many, ever; `alive` are neither closed nor gone.
        dropped: gone to the garbage collector without being closed.
        churned: whether it has been warned of.
    """

    what: str
    site: str
    constructed: int
    closed: int
    alive: int
    dropped: int
    churned: bool


class OriginReport(msgspec.Struct, frozen=True, kw_only=True):
    """One origin.

    Attributes:
        origin: "name:port" where the name is known, else "ip:port" or "[ip]:port".
        opened: how many connections to it were begun, ever.
        site: where the last one was.
        churned: whether it has been warned of.
    """

    origin: str
    opened: int
    site: str
    churned: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Sites by constructions, origins by connections, the most first. `str()` of it is for reading."""

    sites: tuple[SiteReport, ...]
    origins: tuple[OriginReport, ...]

    def __str__(self) -> str:
        parts = [_table(_SITES, [_of_site(site) for site in self.sites], "no client has been constructed")]
        parts += [_table(_ORIGINS, [_of_origin(one) for one in self.origins], "no connection has been opened")]
        return "\n\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """The same in lists, dicts, text and numbers."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


_SITES = ("made", "closed", "alive", "dropped", "client", "where")
_ORIGINS = ("opened", "origin", "last opened at")
_CHURNS = "  <- churns"


def _of_site(site: SiteReport) -> tuple[str, ...]:
    counts = (site.constructed, site.closed, site.alive, site.dropped)
    return (*(f"{count:,}" for count in counts), site.what, site.site + _CHURNS * site.churned)


def _of_origin(origin: OriginReport) -> tuple[str, ...]:
    return f"{origin.opened:,}", origin.origin, origin.site + _CHURNS * origin.churned


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], nothing: str) -> str:
    if not rows:
        return nothing
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    numbers = head.index("dropped") + 1 if "dropped" in head else 1
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if at < numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
