"""`milkrun compare` as a person runs it."""

import asyncio
import json
import re
import signal
import subprocess
import sys

import pytest

from tests.support.command_line import COMMAND, environment, milkrun
from tests.support.peers import closed_port
from tests.support.terminal import on_terminal

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
FEW = ("--requests", "6", "--concurrency", "2", "--rounds", "1")
AS_IF_WITHOUT_HTTPX2 = "import sys; sys.modules['httpx2'] = None; from milkrun.cli import main; main()"
WITH_FEW_DESCRIPTORS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
os.execv(sys.argv[1], sys.argv[1:])
"""


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["127.0.0.1:80/"], "did you mean http://127.0.0.1:80/?"),
        ([""], "is not a URL; expected http://host/path or https://host/path\n"),
        (["me:hunter2@127.0.0.1:80/"], "'127.0.0.1:80/' is not a URL; expected http://host/path"),
        (["--rounds", "100"], "--rounds 100: expected 20 at most"),
        (["https://127.0.0.1/", "--ca-file", "missing.pem"], "missing.pem"),
        (["http://me:hunter2@192.0.2.1/"], "http://192.0.2.1/ is at 192.0.2.1, which is not on your own machine"),
        (["http://192.0.2.1/", "--yes", "--requests", "501"], "expected 500 at most at 192.0.2.1"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(arguments: list[str], says: str) -> None:
    done = milkrun("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr


def test_a_target_that_does_not_answer_is_one_line_and_exit_1() -> None:
    done = milkrun("compare", f"http://127.0.0.1:{closed_port()}/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("does not answer: connect: connection refused\n")
    assert len(done.stderr.splitlines()) == 1


def test_json_is_one_object_with_all_four_clients_and_what_really_happened() -> None:
    done = milkrun("compare", "--json", *FEW)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    opened = {each["label"]: each["typical"]["whole"]["connections"] for each in shown["contestants"]}
    assert opened == {"httpx2 per request": 6, "httpx2 shared": 2, "httpx2 on Milkrun": 2, "Milkrun shared": 2}
    contexts = [each["typical"]["whole"]["contexts"] for each in shown["contestants"]]
    assert contexts == [6, 1, 1, 1]
    assert all(each["typical"]["statuses"] == {"200": 6} for each in shown["contestants"])
    assert shown["verdict"][0].startswith("6 requests took 6 connections, 6 TLS handshakes and 6 SSL contexts")


def test_over_http2_a_shared_client_has_one_connection() -> None:
    shown = json.loads(milkrun("compare", "--json", "--http2", *FEW).stdout)
    assert shown["version"] == "2"
    assert [each["typical"]["whole"]["connections"] for each in shown["contestants"]] == [6, 1, 1, 1]


def test_a_terminal_gets_bars_and_no_line_that_is_wider_than_it_is() -> None:
    shown = on_terminal("compare", *FEW, columns=80)
    progress, _, report = shown.rpartition("\x1b[2K")
    lines = CONTROL.sub("", report).splitlines()
    assert "comparing" in progress
    assert max(map(len, lines)) <= 80
    assert any("█" in line for line in lines if line.startswith("httpx2 per request"))
    assert any(line.startswith("• The first burst of 2 opened 2 connections either way") for line in lines)


def test_without_httpx2_it_says_how_to_get_it_and_compares_what_is_there() -> None:
    done = run(sys.executable, "-c", AS_IF_WITHOUT_HTTPX2, "compare", *FEW)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "httpx2 is not installed: Milkrun alone is compared; for the others: pip install 'milkrun[httpx]'"
    ]
    assert "Milkrun per request" in done.stdout
    assert "httpx2" not in done.stdout
    assert "\x1b" not in done.stdout


def test_a_client_per_request_that_runs_out_of_descriptors_is_told_by_that_name() -> None:
    many = ("--requests", "30", "--concurrency", "30", "--rounds", "1", "--json")
    done = run(sys.executable, "-c", WITH_FEW_DESCRIPTORS, *COMMAND, "compare", *many)
    assert done.returncode == 0, done.stderr
    each_own = json.loads(done.stdout)["contestants"][0]["typical"]
    assert any("EMFILE" in kind for kind in each_own["errors"])
    assert each_own["descriptors"] == each_own["descriptor_limit"] == 32


def test_a_limit_that_is_too_low_to_begin_with_is_one_line_and_exit_1() -> None:
    done = run(sys.executable, "-c", WITH_FEW_DESCRIPTORS.replace("32", "16"), *COMMAND, "compare", *FEW)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no process could be started (")
    assert done.stderr.endswith("); the limit of descriptors (ulimit -n) is 16\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_terminal_of_few_letters_gets_what_it_can_show() -> None:
    done = milkrun("compare", *FEW, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "httpx2 per request" in done.stdout


async def test_an_interrupt_ends_every_process_and_says_so() -> None:
    asked, left = asyncio.Event(), asyncio.Event()
    connections = 0

    async def answer_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections == 1:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        else:
            asked.set()
            await reader.read()
            left.set()
        writer.close()

    async with await asyncio.start_server(answer_the_first, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "compare", url, stderr=asyncio.subprocess.PIPE, env=environment()
        )
        async with asyncio.timeout(60):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            _, errors = await process.communicate()
            await left.wait()
    assert process.returncode == 130
    assert errors.decode().splitlines() == ["interrupted; every process it started has ended"]
