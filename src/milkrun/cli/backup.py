"""`milkrun backup`: write all of history into a file while the server goes on."""

from pathlib import Path
from typing import Annotated

import typer

from milkrun.cli.storage import Config, Data, Database, located, size, told


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes.", show_default=False)],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Back history up into one file, and verify it; Milkrun may be running."""
    with told():
        from milkrun.store.backups.backup import back_up

        account = back_up(located(config, data, database), file, force=force)
    content = f"{account.rows:,} rows of {account.tables} tables, {size(account.bytes)}"
    typer.echo(f"Backed up and verified: {content} in {file}")
