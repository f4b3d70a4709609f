"""`milkrun report`: what was promised for a month, and what was kept."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import refuse
from milkrun.cli.storage import Config, Data, Database

if TYPE_CHECKING:
    from milkrun.cli.month_gathering import Wanted
    from milkrun.config.settings import Settings
    from milkrun.core.report import Report
    from milkrun.store.protocol import Known, Store


class Format(StrEnum):
    """What a report is written as."""

    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    JSON = "json"


def report(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="Which month.  [default: the last whole one]")] = "",
    group: Annotated[
        list[str] | None, typer.Option(metavar="GROUP", help="Only this group; * is any run of characters.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="What to write.  [default: as --output is called, else text]")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to a file instead.")] = None,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Whose month, such as Europe/Berlin.")] = "UTC",
    config: Config = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Report on a month: availability, targets, budgets, downtime, incidents and latencies.

    A server may be running: history is only read.
    """
    from milkrun.cli.stored import settings_of

    wanted = _wanted(month, timezone, tuple(group or ()))
    settings = settings_of(config, data, database)
    _write(_gathered(settings, wanted), form or _form_of(output), output)


def _wanted(month: str, timezone: str, groups: tuple[str, ...]) -> "Wanted":
    from milkrun.cli.month_gathering import Wanted
    from milkrun.cli.zones import zone_or_refuse
    from milkrun.clock import SystemClock
    from milkrun.core.months import month_of, parse_month

    _check_groups(groups)
    zone, now = zone_or_refuse(timezone), int(SystemClock().wall() * 1_000)
    this = month_of(now, zone)
    chosen = parse_month(month) if month else this.step(-1)
    if chosen is None:
        refuse(f"milkrun: --month {month!r}: expected a year and a month, such as {this}")
    if chosen > this:
        refuse(f"milkrun: --month {chosen}: {chosen.name} has not begun; this month is {this}")
    return Wanted(
        title=chosen.name if chosen < this else f"{chosen.name} so far",
        zone=timezone,
        since=chosen.begin(zone),
        until=min(chosen.end(zone), now),
        made=now,
        groups=groups,
    )


def _check_groups(groups: tuple[str, ...]) -> None:
    from milkrun.cli.month_gathering import globs

    try:
        globs(groups)
    except ValueError as err:
        refuse(f"milkrun: --group: {err}")


def _gathered(settings: "Settings", wanted: "Wanted") -> "Report":
    from milkrun.cli.month_gathering import gather, in_groups
    from milkrun.cli.progress import progress
    from milkrun.cli.stored import read_store

    async def work(store: "Store") -> "Report":
        known = await store.known()
        if not known:
            refuse("milkrun: nothing has been monitored yet: there is no history to report on")
        chosen = in_groups(known, wanted.groups)
        if not chosen:
            refuse(f"milkrun: --group: no endpoint is in {', '.join(wanted.groups)}; {_groups(known)}")
        with progress(len(chosen), what="reading") as step:
            return await gather(store, settings, wanted, step)

    found = read_store(settings, work)
    if not found.endpoints:
        so_far = "" if wanted.until == wanted.made else f"; --month {_this(wanted)} reports on this month so far"
        refuse(f"milkrun: there is no history of {wanted.title}{so_far}")
    return found


def _this(wanted: "Wanted") -> str:
    from zoneinfo import ZoneInfo

    from milkrun.core.months import month_of

    return str(month_of(wanted.made, ZoneInfo(wanted.zone)))


def _groups(known: "list[Known]") -> str:
    names = sorted({one.group for one in known if one.group})
    if not names:
        return "none is in a group"
    return f"there are {', '.join(names[:10])}{' and others' if len(names) > 10 else ''}"


def _form_of(output: Path | None) -> Format:
    """What a file's name asks for; text where it asks for nothing known."""
    suffix = "" if output is None else output.suffix.removeprefix(".").lower()
    return Format(suffix) if suffix in set(Format) else Format.TEXT


def _write(found: "Report", form: Format, path: Path | None) -> None:
    from milkrun.cli.month_text import print_report
    from milkrun.cli.output import output
    from milkrun.cli.terminal import console

    with output(path) as stream:
        if form is Format.TEXT and path is None:
            print_report(console(), found)
        else:
            stream.write(_encoded(found, form))


def _encoded(found: "Report", form: Format) -> bytes:
    from milkrun.cli import month_page, month_records, month_text

    return {
        Format.TEXT: month_text.as_text,
        Format.HTML: month_page.as_html,
        Format.CSV: month_records.as_csv,
        Format.JSON: month_records.as_json,
    }[form](found)
