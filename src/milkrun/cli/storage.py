"""Which database a command is about, and how its trouble and its sizes are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import refuse

if TYPE_CHECKING:
    from milkrun.config.settings import Settings

CONFIG = typer.Option(metavar="FILE|DIR", help="The configuration, which may name a database.")
DATA = typer.Option(metavar="DIR", help="Where history is kept.  [default: data]")
DATABASE = typer.Option(
    metavar="URL", help="History is kept in PostgreSQL, postgresql://user@host/name, not in --data."
)

Config = Annotated[Path | None, CONFIG]
Data = Annotated[Path | None, DATA]
Database = Annotated[str | None, DATABASE]


def stored(settings: "Settings", *, data: Path | None, database: str | None) -> "Settings":
    """Return the settings with what the command line says of the database; one of its own goes before a directory."""
    from msgspec.structs import replace

    from milkrun.config.settings import DatabaseUrl

    if database is not None:
        return replace(settings, storage=replace(settings.storage, database=DatabaseUrl(database)))
    if data is not None:
        # Named on the command line, a directory goes before a database that the file names.
        return replace(settings, storage=replace(settings.storage, database=None), data=str(data))
    return settings


def located(config: Path | None, data: Path | None, database: str | None) -> Path | str:
    """Where the database is, as the store takes it; refuses what is wrong with the configuration."""
    from milkrun.cli.configuration import read_or_refuse
    from milkrun.store.opening import database_of

    settings = read_or_refuse([config] if config else [])
    return database_of(stored(settings, data=data, database=database))


@contextmanager
def told() -> Iterator[None]:
    """Tell the store's trouble in one line, with exit status 2."""
    from milkrun.store.protocol import StoreError

    try:
        yield
    except StoreError as err:
        refuse(f"milkrun: {err}")


def size(count: int) -> str:
    """Bytes as a person says them: 12.3 MB."""
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} bytes"
