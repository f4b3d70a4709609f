"""The command line: one command a file. Each reads its arguments, calls what does the work, and tells a person."""

import typer

from milkrun.cli.alert import alert
from milkrun.cli.backup import backup
from milkrun.cli.check import check
from milkrun.cli.compare import compare
from milkrun.cli.demo import demo
from milkrun.cli.export import export
from milkrun.cli.lint import lint
from milkrun.cli.month import report
from milkrun.cli.restore import restore
from milkrun.cli.serve import serve
from milkrun.cli.vacuum import vacuum
from milkrun.cli.validate import validate

milkrun = typer.Typer(
    name="milkrun",
    help="A self-hosted API monitor on one long-lived, shared, warm HTTP client.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"milkrun {version('milkrun')}")
        raise typer.Exit


@milkrun.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Take what stands before the command."""


for command in (serve, check, validate, demo, compare, lint, report, backup, restore, vacuum):
    milkrun.command()(command)
milkrun.add_typer(alert, name="alert")
milkrun.add_typer(export)


def main() -> None:
    """Run the command line. Exit status: 0 well, 1 something asked about is not, 2 bad input, 130 interrupted."""
    milkrun()
