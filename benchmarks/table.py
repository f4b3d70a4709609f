"""What was measured, as markdown: goals first, then the figures behind them, then machine and versions."""

import os
import platform
import re
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

PACKAGES = ("milkrun", "uvloop", "httptools", "sqlalchemy", "fastapi", "pyreqwest", "aiohttp", "httpx2", "h2")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the goals: what, the goal in words, what was measured, and whether it was met."""

    what: str
    goal: str
    measured: str
    met: bool


def at_most(what: str, measured: float, goal: float, against: str, *, figures: str = "") -> Row:
    """A row whose goal is a ratio of at most `goal` x `against`."""
    shown = f"{measured:.2f} x" + (f" ({figures})" if figures else "")
    return Row(what=what, goal=f"<= {goal:g} x {against}", measured=shown, met=measured <= goal)


def limit(what: str, measured: float, goal: float, unit: str, *, figures: str = "") -> Row:
    """A row whose goal is an absolute figure of at most `goal`."""
    shown = f"{measured:,.1f} {unit}" + (f" ({figures})" if figures else "")
    return Row(what=what, goal=f"<= {goal:,g} {unit}", measured=shown, met=measured <= goal)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def goals(rows: Sequence[Row]) -> str:
    """The table of goals."""
    return markdown(
        ("what", "goal", "measured", ""),
        [(row.what, row.goal, row.measured, "met" if row.met else "**NOT met**") for row in rows],
    )


def figures(title: str, columns: Mapping[str, Mapping[str, float]], *, unit: str) -> str:
    """The figures behind the goals: a line a subject, a column a condition."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [
        [name, *(f"{column[name]:,.1f}" if name in column else "" for column in columns.values())] for name in names
    ]
    return f"{title} ({unit}):\n\n" + markdown(["", *columns], rows)


def machine() -> str:
    """The machine and the versions, in two lines of markdown."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    cpu = model[1] if model else platform.machine()
    system = f"{os.cpu_count()} x {cpu}, Linux {platform.release()}, Python {platform.python_version()}"
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{today}, commit {_commit()}. {system}, {ssl.OPENSSL_VERSION}, {_nginx()}.\n\n{_versions()}."


def replace_block(path: Path, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- NAME:begin -->` and `<!-- NAME:end -->` of the file at `path`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = path.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{path} has no block {begin} … {end} to write to")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def _versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return (done.stdout or done.stderr).strip()


def _nginx() -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    return _output("env", f"PATH={path}", "nginx", "-v").rpartition(": ")[2] or "no nginx"


def _commit() -> str:
    return _output("git", "rev-parse", "--short", "HEAD") or "unknown"
