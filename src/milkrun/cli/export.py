"""`milkrun export results`: what every check came to, for other tools."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from milkrun.cli.refusal import refuse
from milkrun.cli.storage import Config, Data, Database

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from milkrun.cli.export_formats import Exporter
    from milkrun.store.protocol import Known, Store

export = typer.Typer(name="export", help="Write history out for other tools.", no_args_is_help=True)

END_OF_TIME = 1 << 62


class Format(StrEnum):
    """What results are written as."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: keys of endpoints, none for all, and slots from `since` to below `until` (epoch ms)."""

    keys: tuple[str, ...]
    since: int
    until: int
    form: Format
    output: Path | None


@export.callback()
def _exports() -> None:
    """Write history out for other tools."""


@export.command()
def results(
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Only this endpoint; may be given several times.")
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="From when: 2026-10-01, or 7d for a week ago.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until when, exclusive.  [default: now]")] = "",
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Whose time that is.")] = "UTC",
    form: Annotated[
        Format | None, typer.Option("--format", help="What to write.  [default: as --output is called, else csv]")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to a file instead.")] = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Write the result of every check, oldest hour first, endpoint by endpoint.

    A server may be running: history is only read. A file gets its name when it is whole.
    """
    from milkrun.cli.stored import read_store, settings_of

    begin, end = _times(since, until, timezone)
    asked = Asked(keys=tuple(endpoint or ()), since=begin, until=end, form=form or _form_of(output), output=output)
    _check_format(asked)
    count = read_store(settings_of(config, data, database), lambda store: _export(store, asked))
    if output is not None or not count:
        typer.echo(f"{count:,} result{'s' if count != 1 else ''}", err=True)


def _times(since: str, until: str, timezone: str) -> tuple[int, int]:
    from milkrun.cli.moments import EXPECTED, parse_moment
    from milkrun.cli.zones import zone_or_refuse
    from milkrun.clock import SystemClock

    zone, now = zone_or_refuse(timezone), int(SystemClock().wall() * 1_000)
    begin = parse_moment(since, now=now, zone=zone) if since else 0
    end = parse_moment(until, now=now, zone=zone) if until else END_OF_TIME
    if begin is None:
        refuse(f"milkrun: --since {since!r}: {EXPECTED}")
    if end is None:
        refuse(f"milkrun: --until {until!r}: {EXPECTED}")
    if begin > now:
        refuse(f"milkrun: --since {since}: that is still to come")
    if end <= begin:
        refuse(f"milkrun: --until {until} is not after --since {since}")
    return begin, end


def _form_of(output: Path | None) -> Format:
    suffix = "" if output is None else output.suffix.removeprefix(".").lower()
    return Format(suffix) if suffix in set(Format) else Format.CSV


def _check_format(asked: Asked) -> None:
    import sys
    from importlib.util import find_spec

    if asked.form is not Format.PARQUET:
        return
    if find_spec("pyarrow") is None:
        refuse("milkrun: --format parquet needs pyarrow: pip install 'milkrun[parquet]'")
    if asked.output is None and sys.stdout.isatty():
        refuse("milkrun: --format parquet is not for a terminal: name a file with --output")


async def _export(store: "Store", asked: Asked) -> int:
    from milkrun.cli.output import output

    known = {one.id: one for one in await store.known()}
    chosen = _chosen(list(known.values()), asked.keys)
    count = 0
    with output(asked.output) as stream:
        exporter = _exporter(asked.form, stream)
        async for piece in store.export(chosen, since=asked.since, until=asked.until):
            exporter.write([(known[result.endpoint], result) for result in piece])
            count += len(piece)
        exporter.finish()
    return count


def _chosen(known: "Sequence[Known]", keys: tuple[str, ...]) -> list[int] | None:
    from difflib import get_close_matches

    ids = {one.key: one.id for one in known}
    for key in keys:
        if key not in ids:
            near = get_close_matches(key, ids, n=1)
            refuse(f"milkrun: --endpoint {key}: no such endpoint{f', perhaps {near[0]}' if near else ''}")
    return [ids[key] for key in dict.fromkeys(keys)] or None


def _exporter(form: Format, stream: "BinaryIO") -> "Exporter":
    from milkrun.cli.export_formats import Csv, JsonLines, Parquet

    exporters: dict[Format, type[Csv | JsonLines | Parquet]] = {
        Format.CSV: Csv,
        Format.JSONL: JsonLines,
        Format.PARQUET: Parquet,
    }
    return exporters[form](stream)
