"""The tool that puts the pages' scripts into the package: what it rests on, and that it does nothing twice."""

import json
import shutil
from pathlib import Path

import pytest
from tools import assets


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with only the pins in it."""
    (tmp_path / "tools").mkdir()
    for name in assets.PINS:
        shutil.copy(assets.ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An install that leaves a file for each that is copied, and how often it ran."""
    ran: list[Path] = []

    def install(_: Path, scratch: Path) -> Path:
        ran.append(scratch)
        for source in assets.FILES.values():
            file = scratch / "node_modules" / source
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source)
        return scratch / "node_modules"

    monkeypatch.setattr(assets, "install", install)
    return ran


def test_what_is_there_already_is_not_fetched_again(root: Path, npm: list[Path]) -> None:
    assert assets.build(root) is True
    assert assets.build(root) is False
    assert len(npm) == 1
    assert {file.name for file in (root / assets.VENDOR).iterdir()} == {*assets.FILES, assets.STAMP}


def test_a_missing_file_or_other_pins_are_fetched(root: Path, npm: list[Path]) -> None:
    assets.build(root)
    (root / assets.VENDOR / "htmx.min.js").unlink()
    assert assets.build(root) is True
    pins = root / assets.PINS[0]
    pins.write_text(pins.read_text().replace("1.6.32", "1.6.33"))
    assert assets.build(root) is True
    assert len(npm) == 3


def test_trouble_is_one_line_and_exit_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> bool:
        raise assets.AssetsError("the registry does not answer")

    monkeypatch.setattr(assets, "build", fail)
    assert assets.main() == 2
    assert capsys.readouterr().err == "the registry does not answer\n"


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsError, match="no such thing"):
        assets._run(["/bin/sh", "-c", "echo no such thing >&2; exit 1"], tmp_path)


def test_the_lock_pins_exact_versions_by_hash_and_names_no_address() -> None:
    lock = json.loads((assets.ROOT / "tools/package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    wanted = json.loads((assets.ROOT / "tools/package.json").read_text())["dependencies"]
    assert {name.removeprefix("node_modules/"): one["version"] for name, one in packages.items()} == wanted
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
