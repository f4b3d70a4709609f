"""What `milkrun report` and `milkrun export` refuse, each in one line that says what to do."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from milkrun.cli import milkrun
from milkrun.store.opening import open_store
from tests.support.monthly import fill


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the history of October 2026."""
    folder = tmp_path_factory.mktemp("refusals")
    asyncio.run(fill(folder))
    return folder


def run(*arguments: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(milkrun, arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--month", "october"], "--month 'october': expected a year and a month, such as 2"),
        (["--month", "2999-01"], "--month 2999-01: January 2999 has not begun; this month is 2"),
        (["--month", "2020-01"], "there is no history of January 2020; --month 2"),
        (["--timezone", "Europe/Berln"], "--timezone 'Europe/Berln': unknown, perhaps Europe/Berlin"),
        (["--timezone", "../etc"], "--timezone '../etc': unknown"),
        (["--group", "cores"], "--group: no endpoint is in cores; there are core"),
        (["--group", "[c"], "--group: expected a class with its end"),
        (["--output", "/nowhere/r.html"], "/nowhere/r.html: No such file or directory"),
        (["--output", "."], ".: Is a directory"),
    ],
)
def test_a_report_that_cannot_be_is_refused_in_a_line(data: Path, arguments: list[str], sentence: str) -> None:
    month = [] if "--month" in arguments else ["--month", "2026-10"]
    done = run("report", "--data", str(data), *month, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--endpoint", "core_cat"], "--endpoint core_cat: no such endpoint, perhaps core_cart"),
        (["--since", "yesterday"], "--since 'yesterday': expected a time such as 2026-10-01"),
        (["--until", "tomorrow"], "--until 'tomorrow': expected a time such as 2026-10-01"),
        (["--since", "2999-01-01"], "--since 2999-01-01: that is still to come"),
        (["--since", "2026-10-02", "--until", "2026-10-01"], "--until 2026-10-01 is not after --since 2026-10-02"),
        (["--output", "/nowhere/r.csv"], "/nowhere/r.csv: No such file or directory"),
        (["--output", ".."], "..: Is a directory"),
    ],
)
def test_an_export_that_cannot_be_is_refused_in_a_line(data: Path, arguments: list[str], sentence: str) -> None:
    done = run("export", "results", "--data", str(data), *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


def test_a_database_that_knows_nothing_is_told_apart(tmp_path: Path) -> None:
    async def made() -> None:
        await (await open_store(tmp_path / "milkrun.db")).close()

    asyncio.run(made())
    done = run("report", "--data", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "nothing has been monitored yet" in done.stderr
