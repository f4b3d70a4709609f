"""No false alarms: what is found in the source trees of others is known, true, and listed in docs/lint.md."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from milkrun.client.lint import lint

LINT_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lint.md").read_text()
# By file and rule: lines move with versions.
KNOWN = {
    "anthropic": {},
    "fastapi": {},
    "httpx2": {},
    "openai": {("auth/_workload.py", "MRC003"): 2},
    "starlette": {},
}


@pytest.mark.parametrize("package", KNOWN)
def test_only_what_is_listed_is_found_in(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found
    assert found.origin
    root = Path(found.origin).parent
    report = lint([str(root)])
    assert report.problems == []
    assert report.files > 10
    counted = Counter((Path(each.path).relative_to(root).as_posix(), each.code) for each in report.findings)
    assert counted == KNOWN[package]


def test_what_is_known_is_listed_on_the_page() -> None:
    for package, findings in KNOWN.items():
        for path, code in findings:
            assert f"`{package}/{path}`: {code}" in LINT_PAGE
