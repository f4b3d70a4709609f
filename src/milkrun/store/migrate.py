"""Makes a new database's tables, or brings an old one's up to this version's, in one transaction; refuses others'."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from milkrun.store import schema
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
        tables = inspect(connection).get_table_names()
        if not tables:
            _create(connection)
            return
        if _alembic_version.name not in tables:
            raise StoreError(f"{path} is another program's database: choose another data directory")
        revision = connection.scalar(select(_alembic_version.c.version_num))
        if revision != NEWEST:
            _upgrade(connection, revision, path)


def _create(connection: Connection) -> None:
    """All tables as they are today; a test holds them to what the steps make."""
    schema.metadata.create_all(connection, checkfirst=False)
    _alembic_version.create(connection)
    connection.execute(insert(_alembic_version).values(version_num=NEWEST))


def _upgrade(connection: Connection, revision: str | None, path: Path) -> None:
    # Imported here, for it costs 12 MB of memory and hardly a start needs it.
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
