"""What the command line says and how it ends, before anything is served."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import anyio.to_thread
import pytest

from milkrun.demo.behaviours import answers
from tests.support.command_line import COMMAND, environment, milkrun
from tests.support.samples import targets, write_configuration

BROKEN = """\
endpoints:
  - name: first
    url: ftp://example.org/
  - name: second
    url: https://example.org/
    intervall: 10s
"""


async def check(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `milkrun check` beside the targets, which are served by this test's own loop."""
    return await anyio.to_thread.run_sync(lambda: milkrun("check", *arguments))


def test_the_version_is_the_packages() -> None:
    done = milkrun("--version")
    assert (done.returncode, done.stdout) == (0, "milkrun 0.1.0\n")


@pytest.mark.parametrize("command", ["serve", "check", "validate", "demo", "compare", "lint"])
def test_every_command_has_its_help(command: str) -> None:
    done = milkrun(command, "--help")
    assert done.returncode == 0
    assert f"milkrun {command}" in done.stdout


async def test_check_of_endpoints_that_are_up_exits_0() -> None:
    async with targets(good=answers()) as urls:
        done = await check(urls["good"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("● up  http://127.0.0.1:")
    assert done.stdout.splitlines()[-1].startswith("1 check in ")


async def test_check_of_endpoints_of_which_one_is_down_exits_1_and_says_why_on_its_line() -> None:
    async with targets(good=answers(), gone=None) as urls:
        done = await check(urls["good"], urls["gone"])
    assert done.returncode == 1
    assert "▲ down" in (line := done.stdout.splitlines()[1])
    assert "connect: connection refused" in line


def test_check_says_in_one_line_that_the_environment_names_no_proxy(tmp_path: Path) -> None:
    sections = {"client": {"proxy-from-environment": True}}
    config = write_configuration(tmp_path, [{"name": "a", "url": "http://127.0.0.1:9/"}], **sections)
    done = milkrun("check", "--config", config, http_proxy="ftp://me:hunter2@proxy.example")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("milkrun: the environment's http_proxy: ")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr


async def test_piped_output_has_no_colour_no_progress_and_one_line_a_check() -> None:
    async with targets(**{f"t{number}": answers(ms=1) for number in range(12)}) as urls:
        done = await check(*urls.values())
    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 12 + 2


async def test_further_rounds_are_warm() -> None:
    async with targets(good=answers()) as urls:
        done = await check("--json", "--rounds", 3, urls["good"])
    assert [json.loads(line)["connection"] for line in done.stdout.splitlines()] == ["cold", "warm", "warm"]


async def test_json_is_one_object_a_line_in_the_published_shape(tmp_path: Path) -> None:
    async with targets(good=answers()) as urls:
        endpoint: dict[str, object] = {"name": "good", "group": "Core APIs", "url": f"{urls['good']}/"}
        endpoint["conditions"] = ["[STATUS] == 204"]
        done = await check("--json", "--config", write_configuration(tmp_path, [endpoint]))
    assert done.returncode == 1
    (result,) = map(json.loads, done.stdout.splitlines())
    assert (result["endpoint"], result["group"], result["name"]) == ("core-apis_good", "Core APIs", "good")
    assert (result["outcome"], result["failure"], result["tls"]) == ("down", None, None)
    assert result["http"]["status"] == 200
    assert result["conditions"] == [{"condition": "[STATUS] == 204", "passed": False, "shown": "[STATUS] (200) == 204"}]
    assert result["timings_ms"]["total"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check"], "milkrun check takes URLs, or a configuration"),
        (["check", "example.org"], "did you mean https://example.org?"),
        (["check", "me:hunter2@example.org"], "'example.org' is not a URL; expected http://host/path"),
        (["check", "ftp://example.org"], "expected http or https"),
        (["check", "--config", "missing.yaml"], "missing.yaml"),
        (["validate", "missing.yaml"], "missing.yaml"),
        (["serve", "--config", "missing.yaml"], "missing.yaml"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--host", "0.0.0.0"], "--allow-unauthenticated"),  # noqa: S104 - that it is refused is the point
        (["chekc"], "No such command"),
    ],
)
def test_bad_input_is_one_clear_error_and_exit_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = milkrun(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_in_a_url_is_never_echoed(tmp_path: Path) -> None:
    done = milkrun("check", "https://me:s3cret@exa mple.org", cwd=tmp_path)
    assert done.returncode == 2
    assert "s3cret" not in done.stdout + done.stderr


def test_validate_names_every_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(BROKEN)
    done = milkrun("validate", "broken.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "broken.yaml:3" in done.stderr
    assert "broken.yaml:6" in done.stderr
    assert "interval" in done.stderr


def test_validate_counts_what_is_fine_and_goes_on_after_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(BROKEN)
    (tmp_path / "good.yaml").write_text("endpoints: [{name: a, url: 'https://example.org/'}]")
    done = milkrun("validate", "broken.yaml", "good.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == "good.yaml: 1 endpoint, no errors\n"


def test_validate_of_a_folder_exits_0_and_warns_of_what_has_no_effect(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("endpoints: [{name: a, url: 'https://example.org/', ui: {hide-url: true}}]")
    (tmp_path / "two.yaml").write_text("endpoints: [{name: b, url: 'https://example.org/'}]")
    done = milkrun("validate", tmp_path)
    assert done.returncode == 0
    assert done.stdout == f"{tmp_path}: 2 endpoints, no errors\n"
    assert done.stderr.startswith(f"warning: {tmp_path}/one.yaml:1: endpoints[0].ui: ")


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01\x80")
    done = milkrun("validate", "binary.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_leaves_early_causes_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("endpoints: [{name: a, url: 'https://example.org/'}]")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "validate", str(tmp_path / "good.yaml")],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    os.close(writing)
    assert "Traceback" not in done.stderr


def test_an_interrupted_check_exits_130_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen([*COMMAND, "check", url], stderr=subprocess.PIPE, text=True, env=environment())
        with process:
            silent.settimeout(30)
            connection, _ = silent.accept()  # the check is under way
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            connection.close()
    assert process.returncode == 130
    assert "Traceback" not in errors
