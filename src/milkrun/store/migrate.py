"""Makes a new database's tables, or brings an old one's up to this version's, in one transaction; refuses others'."""

import re

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from milkrun.store import schema
from milkrun.store.protocol import StoreError

# The newest step in `migrations/versions`; a test holds it to that.
NEWEST = "0002"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def migrate(connection: Connection, name: str) -> None:
    """Bring the tables up to date. `name` is the database's, for messages.

    Raises:
        StoreError: it is another program's, or was written by a newer Milkrun.
    """
    with connection.begin():
        if not inspect(connection).get_table_names():
            _create(connection)
            return
        revision = _revision(connection, name)
        if revision is not None and revision > NEWEST:
            raise _newer(revision, name)
        if revision != NEWEST:
            step_up(connection, NEWEST)


def check(connection: Connection, name: str, *, older: bool) -> None:
    """Refuse a database whose tables are not this version's, for those who may not change it; an `older` one may do.

    Raises:
        StoreError: it is empty, another program's, or another version's.
    """
    with connection.begin():
        if not inspect(connection).get_table_names():
            raise StoreError(f"{name}: there is no database of Milkrun's")
        revision = _revision(connection, name)
        if not older and (revision is None or revision < NEWEST):
            raise StoreError(f"{name} was written by an older Milkrun: `milkrun serve` brings it up to date")
        if revision is not None and revision > NEWEST:
            raise _newer(revision, name)


def _revision(connection: Connection, name: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if _alembic_version.name in tables:
        revision: str | None = connection.scalar(select(_alembic_version.c.version_num))
        # Other programs have steps of Alembic's, too, but not with such names.
        if revision is None or re.fullmatch(r"\d{4}", revision):
            return revision
    raise StoreError(f"{name} is another program's database: choose another one")


def _newer(revision: str, name: str) -> StoreError:
    return StoreError(
        f"{name} was written by a newer Milkrun (revision {revision}, this one knows up to {NEWEST}): "
        "upgrade Milkrun, or choose another database"
    )


def _create(connection: Connection) -> None:
    """All tables as they are today; a test holds them to what the steps make."""
    schema.metadata.create_all(connection, checkfirst=False)
    _alembic_version.create(connection)
    connection.execute(insert(_alembic_version).values(version_num=NEWEST))


def step_up(connection: Connection, revision: str) -> None:
    """Take the steps up to a revision, in the caller's transaction."""
    # Imported here, for it costs 12 MB of memory and hardly a start needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "milkrun.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
