"""`milkrun lint`: find the clients in one's code that are built for every request, in loops, or never closed."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from milkrun.cli.refusal import BAD_INPUT, refuse

SOME_FOUND = 1


class Format(StrEnum):
    """What `--format` takes."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def lint(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders; - is standard input.")],
    output: Annotated[
        Format, typer.Option("--format", help="For people, for programs, or for pull requests.")
    ] = Format.TEXT,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE,…", help="Check only these, by code or name: MRC001,client-in-loop."),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE,…", help="Do not check these.")] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB,…", help="Leave out paths, or names on them, that fit: migrations,*_pb2.py."),
    ] = None,
) -> None:
    """Find HTTP clients in code that are built for each request.

    Also those built in loops, for each call or at import, and those that nothing closes: of httpx2, httpx, aiohttp,
    niquests and Milkrun. The code is read, never run; `# noqa: MRC001` at a line's end suppresses.
    The exit status is 0 when nothing was found, 1 when something was, 2 when something could not be checked.
    """
    from milkrun.client import lint as linter

    try:
        codes = linter.chosen(_words(select), _words(ignore))
    except linter.UnknownRuleError as err:
        refuse(f"milkrun lint: {err}")
    report = linter.lint(paths, codes=codes, exclude=_words(exclude))
    lines = linter.FORMATS[output](report)
    if output is Format.TEXT:
        _print(lines)
    else:
        typer.echo("\n".join(lines).encode())  # UTF-8 whatever the terminal speaks: it is for programs
    if report.problems:
        raise typer.Exit(BAD_INPUT)
    if report.findings:
        raise typer.Exit(SOME_FOUND)


def _words(options: list[str] | None) -> list[str]:
    return [word.strip() for option in options or () for word in option.split(",") if word.strip()]


def _print(lines: Iterator[str]) -> None:
    from rich.text import Text

    from milkrun.cli.terminal import console

    to = console()
    for line in lines:
        shown = Text(line.encode(to.encoding, "backslashreplace").decode(to.encoding))
        if to.is_terminal:
            shown.highlight_regex(r" MRC\d{3} ", "bold yellow")
            shown.highlight_regex(r"^  fix:", "bold green")
        to.print(shown, soft_wrap=True)
