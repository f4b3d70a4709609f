"""A command's product: there whole or not at all."""

from pathlib import Path

import pytest
import typer

from milkrun.cli.output import output


def half_written(path: Path) -> None:
    with output(path) as stream:
        stream.write(b"ne")
        raise RuntimeError


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"the last one")
    with output(path) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"the last one"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_halfway_leaves_the_last_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"the last one")
    with pytest.raises(RuntimeError):
        half_written(path)
    assert path.read_bytes() == b"the last one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, output(tmp_path / "report.csv"):
        raise OSError(28, "No space left on device")
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == f"milkrun: {tmp_path / 'report.csv'}: No space left on device\n"
    assert list(tmp_path.iterdir()) == []
