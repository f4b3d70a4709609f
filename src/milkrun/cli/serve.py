"""`milkrun serve`: monitor what a configuration names, and serve the pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milkrun.cli.refusal import refuse
from milkrun.cli.storage import Data, Database, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milkrun.config.settings import Settings

FIRST_ENDPOINT = """\
Nothing is monitored yet. Write your first endpoint into milkrun.yaml:

  endpoints:
    - name: my-api
      url: https://example.org/health
      interval: 10s

then start again with: milkrun serve --config milkrun.yaml
"""


def serve(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE|DIR", help="The configuration; without one, nothing is monitored.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="The address to serve on.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="The port; 0 takes a free one.  [default: 8090]"),
    ] = None,
    data: Data = None,
    database: Database = None,
    allow_unauthenticated: Annotated[
        bool, typer.Option("--allow-unauthenticated", help="Serve beyond this machine without a password.")
    ] = False,
) -> None:
    """Monitor endpoints, and serve the pages.

    Ctrl-C or SIGTERM stops it; SIGHUP reads the endpoints of the configuration again.
    """
    from milkrun.cli.configuration import read_or_refuse

    paths = [config] if config else []
    settings = read_or_refuse(paths)
    settings = overridden(
        settings, host=host, port=port, data=data, database=database, allow_unauthenticated=allow_unauthenticated
    )
    run(settings, paths=paths)


def overridden(
    settings: "Settings",
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    database: str | None = None,
    allow_unauthenticated: bool = False,
) -> "Settings":
    """Return the settings with what the command line says instead of the file."""
    from msgspec.structs import replace

    web = replace(
        settings.web,
        host=settings.web.host if host is None else host,
        port=settings.web.port if port is None else port,
        allow_unauthenticated=settings.web.allow_unauthenticated or allow_unauthenticated,
    )
    return stored(replace(settings, web=web), data=data, database=database)


def run(settings: "Settings", paths: "Sequence[Path]" = ()) -> None:
    """Serve until stopped; trouble at the start is one line. `paths` are read again on SIGHUP."""
    from milkrun import app

    def announce(greeting: str) -> None:
        typer.echo(greeting)
        if not settings.endpoints:
            typer.echo(FIRST_ENDPOINT, err=True)

    try:
        status = app.serve(settings, announce=announce, paths=paths)
    except app.StartError as err:
        refuse(f"milkrun: {err}")
    raise typer.Exit(status)
