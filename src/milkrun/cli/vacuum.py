"""`milkrun vacuum`: give room that old history left back to the file system while the server goes on."""

import typer

from milkrun.cli.storage import Config, Data, Database, located, size, told


def vacuum(config: Config = None, data: Data = None, database: Database = None) -> None:
    """Give free room of the database back to the file system; Milkrun may be running."""
    with told():
        from milkrun.store.vacuum import vacuum as give_back

        done = give_back(located(config, data, database))
    freed = max(0, done.before - done.after)
    typer.echo(f"Gave back {size(freed)}: the database takes {size(done.after)}")
