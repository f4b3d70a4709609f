"""`milkrun lint` as a command: what it prints, how it ends, and the hook that pre-commit runs it by."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.command_line import COMMAND, environment, milkrun
from tests.support.terminal import on_terminal

ROOT = Path(__file__).resolve().parents[2]
BAD = """\
import httpx2


async def fetch(url):
    async with httpx2.AsyncClient() as client:
        return await client.get(url)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(BAD)
    (tmp_path / "good.py").write_text("import httpx2\n")
    return tmp_path


def test_findings_are_printed_with_their_remedy_and_the_exit_status_is_1(project: Path) -> None:
    done = milkrun("lint", ".", cwd=project)
    assert (done.returncode, done.stderr) == (1, "")
    place, message = "app.py:5:16: MRC003 ", "httpx2.AsyncClient is built for each call of fetch()"
    assert done.stdout.splitlines() == [
        f"{place}{message}: no call finds the connections of the one before",
        "  5 |     async with httpx2.AsyncClient() as client:",
        "    |                ^^^^^^^^^^^^^^^^^^^^",
        "  fix: take it as a parameter, `client: httpx2.AsyncClient`, and build it once where the program starts",
        "",
        "1 finding in 1 file, 2 files looked at",
    ]


def test_nothing_found_is_one_line_and_exit_0(project: Path) -> None:
    done = milkrun("lint", "good.py", cwd=project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no findings, 1 file looked at\n", "")


def test_a_terminal_gets_colour_unless_it_wants_none(project: Path) -> None:
    arguments = ("lint", str(project / "app.py"))
    assert "\x1b[1;33m MRC003 \x1b[0m" in on_terminal(*arguments)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal(*arguments, NO_COLOR="1"))


def test_a_stream_that_does_not_know_a_letter_gets_its_number(project: Path) -> None:
    (project / "app.py").write_text("import httpx\nclients = 'é', httpx.Client()\n", encoding="utf-8")
    done = milkrun("lint", "app.py", cwd=project, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert "  2 | clients = '\\xe9', httpx.Client()" in done.stdout
    done = milkrun("lint", "--format", "json", "app.py", cwd=project, PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["findings"][0]["source"] == "clients = 'é', httpx.Client()"


@pytest.mark.parametrize(
    "options",
    [
        ["--ignore", "MRC003"],
        ["--ignore", "MRC001,client-per-call"],
        ["--select", "MRC001", "--select", "MRC002"],
        ["--exclude", "x,app.py"],
    ],
)
def test_options_narrow_what_is_checked(options: list[str], project: Path) -> None:
    assert milkrun("lint", *options, ".", cwd=project).returncode == 0


def test_json_is_one_object_on_standard_output(project: Path) -> None:
    done = milkrun("lint", "--format", "json", ".", cwd=project)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(each["path"], each["line"], each["code"]) for each in report["findings"]] == [("app.py", 5, "MRC003")]
    assert (report["problems"], report["files"]) == ([], 2)


def test_github_gets_its_workflow_commands_and_nothing_else(project: Path) -> None:
    done = milkrun("lint", "--format", "github", ".", cwd=project)
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error file=app.py,line=5,endLine=5,col=16,endColumn=36,title=MRC003 client-per-call::")


@pytest.mark.parametrize("format_", ["text", "json", "github"])
def test_what_cannot_be_checked_is_exit_2_and_hides_nothing(format_: str, project: Path) -> None:
    (project / "broken.py").write_text("import httpx\nhttpx.Client(")
    done = milkrun("lint", "--format", format_, ".", "missing", cwd=project)
    assert (done.returncode, done.stderr) == (2, "")
    for told in ("app.py", "MRC003", "broken.py", "'(' was never closed", "missing", "No such file or directory"):
        assert told in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument"),
        (["--select", "E501", "."], "milkrun lint: 'E501' is no rule: there are MRC001 client-in-handler"),
        (["--format", "xml", "."], "Invalid value for '--format'"),
    ],
)
def test_bad_options_are_exit_2(arguments: list[str], says: str, project: Path) -> None:
    done = milkrun("lint", *arguments, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_standard_input_is_checked() -> None:
    done = subprocess.run(
        [*COMMAND, "lint", "-"], input=BAD, capture_output=True, text=True, check=False, timeout=60, env=environment()
    )
    assert done.returncode == 1
    assert done.stdout.startswith("<stdin>:5:16: MRC003 ")


def test_the_pre_commit_hook_is_the_command_on_the_files_that_are_committed(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["types"]) == ("milkrun-lint", "python", ["python"])
    program, *arguments = shlex.split(hook["entry"])
    assert program == "milkrun"
    assert milkrun(*arguments, "good.py", "app.py", cwd=project).returncode == 1
    assert milkrun(*arguments, "good.py", cwd=project).returncode == 0
