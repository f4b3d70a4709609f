"""`milkrun report` and `milkrun export` as processes: what they write, refuse, and leave behind."""

import asyncio
import csv
import os
import shutil
import subprocess
from io import BytesIO, StringIO
from pathlib import Path

import orjson
import pytest
from pyarrow import parquet

from milkrun.store.opening import open_store
from tests.support.command_line import COMMAND, environment, milkrun
from tests.support.monthly import HOUR, INTERVAL, RESULTS, fill

CONFIGURATION = """\
endpoints:
  - {name: cart, group: core, url: "http://127.0.0.1:9/", slo: {target: 99.9%}}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the history of October 2026, and a configuration beside it."""
    folder = tmp_path_factory.mktemp("reports")
    asyncio.run(fill(folder))
    (folder / "milkrun.yaml").write_text(CONFIGURATION)
    return folder


def report(data: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return milkrun("report", "--data", data, "--month", "2026-10", *arguments)


def export(data: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return milkrun("export", "results", "--data", data, *arguments)


def test_a_report_is_held_to_the_configurations_targets(data: Path) -> None:
    done = report(data, "--config", data / "milkrun.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("October 2026: 1 endpoint, 99.59% available; 1 incident; 1 of 1 targets missed.")


def test_without_a_configuration_there_are_no_targets(data: Path) -> None:
    assert "1 incident.\n" in report(data).stdout


def test_a_month_is_the_zones(data: Path) -> None:
    assert "1 Oct 2026 00:00 to 1 Nov 2026 00:00, Asia/Kolkata" in report(data, "--timezone", "Asia/Kolkata").stdout


@pytest.mark.parametrize(
    ("name", "begin"), [("r.html", "<!doctype html>"), ("r.csv", "kind,"), ("r.json", "{"), ("r", "Oct")]
)
def test_a_file_is_written_as_it_is_called(data: Path, tmp_path: Path, name: str, begin: str) -> None:
    done = report(data, "--output", tmp_path / name)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / name).read_text().startswith(begin)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_format_goes_before_the_files_name(data: Path) -> None:
    assert orjson.loads(report(data, "--format", "json").stdout)["title"] == "October 2026"


def test_where_nothing_was_ever_monitored_it_says_so(tmp_path: Path) -> None:
    done = milkrun("report", "--data", tmp_path)
    assert done.returncode == 2
    assert "there is no database" in done.stderr


async def test_a_server_that_holds_the_database_is_in_nobodys_way(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "milkrun.db", tmp_path)
    holding = await open_store(tmp_path / "milkrun.db")
    try:
        done = report(tmp_path)
        rows = export(tmp_path)
    finally:
        await holding.close()
    assert (done.returncode, rows.returncode) == (0, 0)


def test_every_result_is_exported_once(data: Path) -> None:
    rows = list(csv.DictReader(StringIO(export(data).stdout, newline="")))
    assert len({row["slot"] for row in rows}) == len(rows) == RESULTS


def test_a_part_of_them_is_exported(data: Path) -> None:
    done = export(
        data, "--endpoint", "core_cart", "--since", "2026-10-31", "--until", "2026-10-31T02:00", "--format", "jsonl"
    )
    slots = [orjson.loads(line)["slot"] for line in done.stdout.splitlines()]
    assert len(slots) == 2 * HOUR // INTERVAL
    assert (min(slots), max(slots)) == ("2026-10-31T00:00:00.000Z", "2026-10-31T01:50:00.000Z")


def test_parquet_goes_into_a_file_and_through_a_pipe(data: Path, tmp_path: Path) -> None:
    done = export(data, "--output", tmp_path / "a.parquet")
    assert (done.stdout, done.stderr) == ("", f"{RESULTS:,} results\n")
    command = [*COMMAND, "export", "results", "--data", str(data), "--format", "parquet"]
    piped = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment()).stdout
    assert parquet.read_table(tmp_path / "a.parquet").equals(parquet.read_table(BytesIO(piped)))
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet"}


def test_a_reader_that_has_had_enough_ends_it_quietly(data: Path) -> None:
    command = f"{COMMAND[0]} export results --data {data} | head -n 2"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False,
        env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 2)


@pytest.mark.parametrize("arguments", ["export results", "export results --format parquet", "report --month 2026-10"])
def test_output_that_takes_no_more_is_one_line(data: Path, arguments: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments.split(), "--data", str(data)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment(),
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "milkrun: standard output: No space left on device\n")


def test_a_pipe_that_is_named_is_written_to_and_stays_one(data: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)  # both ends, so that nobody waits for the other
    try:
        done = report(data, "--output", tmp_path / "pipe", "--format", "csv")
        assert (done.returncode, done.stderr) == (0, "")
        assert os.read(reader, 65_536).startswith(b"kind,")
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_parquet_without_its_extra_is_told_how_to_get_it(data: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow'] = None\n")
    done = milkrun("export", "results", "--data", data, "--format", "parquet", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "milkrun: --format parquet needs pyarrow: pip install 'milkrun[parquet]'\n"


def test_no_results_are_told(data: Path) -> None:
    done = export(data, "--until", "2020-01-01")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "0 results\n", 1)
