"""`milkrun serve`, the real process: how it starts, what it survives, and how it stops."""

import asyncio
import contextlib
import resource
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from milkrun.demo.behaviours import answers
from tests.support.command_line import COMMAND, environment, milkrun, serving
from tests.support.samples import targets, write_configuration

STOP_WITHIN = 5.0


def configuration(folder: Path, **urls: str) -> Path:
    """An endpoint a URL, checked every second."""
    return write_configuration(folder, [{"name": name, "url": url, "interval": "1s"} for name, url in urls.items()])


def database(folder: Path) -> Path:
    (path,) = folder.glob("*.db")
    return path


async def test_it_monitors_what_the_configuration_names(tmp_path: Path) -> None:
    async with (
        targets(good=answers(), gone=None) as urls,
        serving(
            "serve", "--config", configuration(tmp_path, **urls), "--port", 0, "--data", tmp_path / "data"
        ) as served,
    ):
        listed = await served.eventually(
            "/api/v1/endpoints", lambda page: all(each["state"] != "unknown" for each in page["items"])
        )
    assert {each["name"]: each["state"] for each in listed["items"]} == {"good": "up", "gone": "down"}


async def test_without_a_configuration_it_starts_empty_and_says_how_to_begin(tmp_path: Path) -> None:
    async with serving("serve", "--port", 0, cwd=tmp_path, stderr=subprocess.PIPE) as served:
        assert (await served.get("/api/v1/endpoints"))["total"] == 0
        said = await served.stop_and_read_errors()
    assert "milkrun serve --config milkrun.yaml" in said


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_within_five_seconds_with_exit_0(tmp_path: Path, signum: int) -> None:
    async with serving("serve", "--port", 0, "--data", tmp_path) as served:
        assert await served.stop(signum, STOP_WITHIN) == 0


async def test_it_stops_in_time_with_a_browser_on_the_stream_and_a_target_that_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        async with (
            serving("serve", "--config", configuration(tmp_path, silent=url), "--port", 0, "--data", tmp_path) as (
                served
            ),
            served.http.stream("GET", "/api/v1/stream") as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert await served.stop(signal.SIGTERM, STOP_WITHIN) == 0
            async with asyncio.timeout(STOP_WITHIN):
                async for _ in stream.aiter_raw():
                    pass


async def test_killed_and_started_again_it_keeps_state_streak_and_open_incident(tmp_path: Path) -> None:
    async with targets(gone=None) as urls:
        arguments = ("serve", "--config", configuration(tmp_path, **urls), "--port", 0, "--data", tmp_path)
        async with serving(*arguments) as first:
            before = await first.eventually("/api/v1/incidents", lambda page: page["total"] == 1)
            await first.stop(signal.SIGKILL, STOP_WITHIN)
        async with serving(*arguments) as second:
            after = await second.get("/api/v1/incidents")
            (endpoint,) = (await second.get("/api/v1/endpoints"))["items"]
    assert after["items"] == before["items"]
    assert endpoint["since"] == before["items"][0]["opened"]


async def test_a_hangup_makes_it_read_its_endpoints_again(tmp_path: Path) -> None:
    async with targets(one=answers(), two=answers()) as urls:
        path = configuration(tmp_path, one=urls["one"])
        async with serving("serve", "--config", path, "--port", 0, "--data", tmp_path) as served:
            before = await served.eventually("/api/v1/endpoints", lambda page: page["items"][0]["state"] == "up")
            configuration(tmp_path, **urls)
            served.process.send_signal(signal.SIGHUP)
            after = await served.eventually("/api/v1/endpoints", lambda page: page["total"] == 2)
    kept = next(each for each in after["items"] if each["name"] == "one")
    assert kept["since"] == before["items"][0]["since"]


def refused(*arguments: object) -> str:
    """Start a serve that must not start; its one line."""
    done = milkrun("serve", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("milkrun: ")
    return line


def test_a_port_in_use_is_one_line_and_exit_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused("--port", port, "--data", tmp_path)


@pytest.fixture
async def history(tmp_path: Path) -> Path:
    """A data folder with a database in it, at rest."""
    async with serving("serve", "--port", 0, "--data", tmp_path) as served:
        await served.stop(signal.SIGTERM, STOP_WITHIN)
    return tmp_path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield


async def test_a_locked_database_is_one_line_and_exit_2(history: Path) -> None:
    with locked(database(history)):
        assert "lock" in refused("--port", 0, "--data", history)


async def test_a_newer_database_is_one_line_and_exit_2(history: Path) -> None:
    with contextlib.closing(sqlite3.connect(database(history))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    assert "newer" in refused("--port", 0, "--data", history)


async def test_a_file_that_is_no_database_is_one_line_and_exit_2(history: Path) -> None:
    database(history).write_bytes(b"shopping list: milk\n" * 300)
    assert str(database(history)) in refused("--port", 0, "--data", history)


def test_a_data_folder_that_cannot_be_made_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "file" in refused("--port", 0, "--data", tmp_path / "file" / "data")


def test_no_room_for_the_database_is_one_line_and_exit_2(tmp_path: Path) -> None:
    # Coverage's own database would find no room either, and say so at length.
    unmeasured = {name: value for name, value in environment().items() if not name.startswith("COV")}
    done = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=unmeasured,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
