"""`milkrun restore`: put a backup in the place of a database that nobody uses."""

from pathlib import Path
from typing import Annotated

import typer

from milkrun.cli.storage import Config, Data, Database, located, told


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `milkrun backup` wrote.", show_default=False)],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a database that has something in it.")] = False,
) -> None:
    """Restore history from a backup, of either database into either, and verify it; Milkrun must not be running."""
    with told():
        from milkrun.store.backups.restore import restore as put_back

        account = put_back(file, located(config, data, database), force=force)
    typer.echo(f"Restored and verified: {account.rows:,} rows of {account.tables} tables from {file}")
