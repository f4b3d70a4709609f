"""Brings a database's tables up to this version's, in one transaction, and refuses what it does not know."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from milkrun.store.protocol import StoreError

# The newest step in `migrations/versions`; a test holds it to that.
NEWEST = "0001"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def migrate(connection: Connection, path: Path) -> None:
    """Bring the tables up to date.

    Raises:
        StoreError: the file is another program's, or was written by a newer Milkrun.
    """
    with connection.begin():
        revision = _revision(connection, path)
        if revision != NEWEST:
            _upgrade(connection, revision, path)


def _revision(connection: Connection, path: Path) -> str | None:
    tables = inspect(connection).get_table_names()
    if _alembic_version.name in tables:
        return connection.scalar(select(_alembic_version.c.version_num))
    if tables:
        raise StoreError(f"{path} is another program's database: choose another data directory")
    return None


def _upgrade(connection: Connection, revision: str | None, path: Path) -> None:
    # Imported here, for it costs 12 MB of memory and most starts need no migration.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "milkrun.store:migrations")
    config.set_main_option("path_separator", "os")
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreError(
            f"{path} was written by a newer Milkrun (revision {revision}, this one knows up to {NEWEST}): "
            "upgrade Milkrun, or choose another data directory"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
