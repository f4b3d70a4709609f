"""What docs/guard.md shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).resolve().parents[2] / "docs/guard.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SHOWN = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def ran(code: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=cwd)


@pytest.mark.parametrize(
    ("snippet", "printed"),
    [(PYTHON[0], "no client has been constructed\n\nno connection has been opened\n"), (PYTHON[1], "")],
)
def test_the_snippets_run(snippet: str, printed: str, tmp_path: Path) -> None:
    assert ran(snippet, tmp_path).stdout == printed


QUOTE = """\
import httpx2


async def quote(airline):
    async with httpx2.AsyncClient() as client:
        return await client.get(airline)
"""


def test_the_warning_is_the_one_that_is_shown(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(QUOTE)
    code = (
        "import asyncio, contextlib; from milkrun.client import guard; guard.install()\n"
        "from prices import quote\n"
        "async def prices():\n"
        "    for _ in range(11):\n"
        "        with contextlib.suppress(Exception):\n"
        "            await quote('http://127.0.0.1:1/')\n"
        "asyncio.run(prices())\n"
    )
    said = ran(code, tmp_path).stderr.splitlines()
    head, _, stack = SHOWN[0].partition("\n\n")
    assert [line.replace(f"{tmp_path}/", "") for line in said[:4]] == head.splitlines()
    assert next(line.strip() for line in said if "AsyncClient() as client" in line) in stack
    assert "\n".join(said).count(stack.rpartition("\n\n")[2].strip()) == 1


def test_the_failing_test_fails_as_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_price=PYTHON[2])
    result = pytester.runpytest_subprocess("--client-guard", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    output = result.stdout.str().replace(f"{pytester.path}/", "")
    for line in SHOWN[2].splitlines()[1:]:
        assert line in output
