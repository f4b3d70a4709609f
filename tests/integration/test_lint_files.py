"""Which files are looked at, and what of a tree cannot be."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from milkrun.client.lint import lint

BAD = "import httpx\nclient = httpx.Client()\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project to stand in, with nothing but one file to find."""
    monkeypatch.chdir(tmp_path)
    put("src/app.py")
    return tmp_path


def put(*names: str, text: str = BAD) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def paths(*given: str, exclude: tuple[str, ...] = ()) -> list[str]:
    report = lint(given or (".",), exclude=exclude)
    assert not report.problems
    return [finding.path for finding in report.findings]


def test_folders_are_walked_in_order_for_python_files() -> None:
    put("src/b/z.py", "src/b/a.pyw", "src/c.py", "src/README.md", "src/stub.pyi", "src/notes.ipynb", "src/script")
    assert paths() == ["src/app.py", "src/c.py", "src/b/a.pyw", "src/b/z.py"]


@pytest.mark.parametrize(
    "folder", [".venv", "venv", "node_modules", ".git", "__pycache__", "build", "dist", ".tox", "lib/site-packages"]
)
def test_other_peoples_code_is_left_out_unless_it_is_named(folder: str) -> None:
    put(f"{folder}/inner/a.py")
    assert paths() == ["src/app.py"]
    assert paths(folder) == [f"{folder}/inner/a.py"]
    assert paths(f"{folder}/inner/a.py") == [f"{folder}/inner/a.py"]


def test_a_file_that_is_named_is_python_whatever_its_name() -> None:
    put("tool")
    assert paths("tool") == ["tool"]


def test_a_stub_is_passed_over_also_where_it_is_named() -> None:
    put("src/stub.pyi")
    assert paths("src/stub.pyi", "src") == ["src/app.py"]


def test_files_without_a_client_are_counted() -> None:
    put("src/plain.py", text="x = 1\n")
    assert lint(["."]).files == 2


def test_a_file_is_looked_at_once() -> None:
    assert paths(".", "src", "./src/app.py", str(Path("src/app.py").absolute())) == ["src/app.py"]


@pytest.mark.parametrize("pattern", ["gen", "gen/", "src/gen", "src/g*", "*_pb2.py", "a_pb2.py", "src/gen/*.py"])
def test_what_is_excluded_is_left_out_also_where_it_is_named(pattern: str) -> None:
    put("src/gen/a_pb2.py")
    assert paths(exclude=(pattern,)) == ["src/app.py"]
    assert paths("src/gen/a_pb2.py", "src/app.py", exclude=(pattern,)) == ["src/app.py"]


def test_links_that_lead_in_circles_are_not_followed() -> None:
    Path("src/loop").symlink_to(Path("src").absolute(), target_is_directory=True)
    assert paths() == ["src/app.py"]


def test_a_link_to_a_file_is_a_file() -> None:
    Path("src/other.py").symlink_to(Path("src/app.py").absolute())
    assert paths() == ["src/app.py", "src/other.py"]


def test_pipes_and_folders_with_a_files_name_are_passed_by() -> None:
    os.mkfifo("src/pipe.py")
    Path("src/folder.py").mkdir()
    assert paths() == ["src/app.py"]


def test_a_name_that_is_no_utf_8_is_shown_as_far_as_it_can_be() -> None:
    Path(os.fsdecode(b"src/\xff.py")).write_text(BAD)
    assert paths() == ["src/app.py", "src/\ufffd.py"]


def test_what_cannot_be_read_is_told_and_all_else_is_checked() -> None:
    put("src/broken.py", text="import httpx\nhttpx.Client(")
    Path("src/gone.py").symlink_to("nowhere.py")
    report = lint(["missing", "src"])
    assert [finding.path for finding in report.findings] == ["src/app.py"]
    told = [(problem.path, problem.line, problem.message.rpartition(": ")[2]) for problem in report.problems]
    assert told == [
        ("missing", 0, "No such file or directory"),
        ("src/broken.py", 2, "'(' was never closed"),
        ("src/gone.py", 0, "No such file or directory"),
    ]
    assert report.files == 4


def test_a_folder_that_cannot_be_looked_into_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may look into every folder, so the system's refusal is acted."""
    looked_into = os.scandir

    def refusing(path: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return looked_into(path)

    put("src/closed/a.py")
    monkeypatch.setattr(os, "scandir", refusing)
    report = lint(["src"])
    assert [(problem.path, problem.message) for problem in report.problems] == [
        ("src/closed", "not read: Permission denied")
    ]
    assert [finding.path for finding in report.findings] == ["src/app.py"]


@pytest.mark.parametrize(
    "routes",
    [
        "from fastapi import Depends\nfrom app.deps import client\nGiven = Annotated[Http, Depends(client)]\n",
        "from fastapi import Depends\nfrom app import deps\nasync def home(http=Depends(deps.client)): ...\n",
        "import fastapi\nfrom .deps import client as given\nasync def home(http=fastapi.Depends(given)): ...\n",
    ],
)
@pytest.mark.parametrize("home", ["app/deps.py", "app/deps/__init__.py"])
def test_what_another_file_uses_as_a_dependency_is_one(home: str, routes: str) -> None:
    put(
        home,
        text="import httpx\nasync def client():\n    async with httpx.AsyncClient() as made:\n        yield made\n",
    )
    assert lint(["app"]).findings == []
    put("app/routes.py", text=routes)
    assert [(each.path, each.line, each.code) for each in lint(["app"]).findings] == [(home, 3, "MRC001")]


@pytest.mark.parametrize(
    "routes",
    [
        "from app.other import client\nDepends(client)\n",
        "def client(): ...\nDepends(client)\n",
        "from app.deps import other\nDepends(other, client)\nDepends()\n",
        "from app.deps import client\nDepends(client\n",
        "from app.deps import client\nDepends(client)\nx = " + "-" * 100_000 + "1\n",
        "from app.deps import client\nDepends(client)\nDepends(client" + ".x" * 2_000 + ")\n",
    ],
    ids=[
        "another module's",
        "its own",
        "another name",
        "not to be read",
        "too deep to be read",
        "too deep to be judged",
    ],
)
def test_what_other_files_do_not_use_as_a_dependency_is_none(routes: str) -> None:
    put("app/deps.py", text="import httpx\ndef client():\n    return httpx.AsyncClient()\n")
    put("app/routes.py", text=routes)
    assert lint(["app"]).findings == []


def test_standard_input_is_a_file_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    assert paths("-", "src") == ["<stdin>", "src/app.py"]
