"""No false alarms: in the source trees of others nothing is found, as docs/lint.md says."""

import importlib.util
import re
from pathlib import Path

import pytest

from milkrun.client.lint import lint

LINT_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lint.md").read_text()


@pytest.mark.parametrize("package", ["anthropic", "fastapi", "httpx2", "openai", "starlette"])
def test_nothing_is_found_in_it_and_the_page_says_so(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found
    assert found.origin
    report = lint([str(Path(found.origin).parent)])
    assert (report.findings, report.problems) == ([], [])
    assert report.files > 10
    assert re.search(rf"^\| {package} [0-9.]+ \| [0-9,]+ \| none \|$", LINT_PAGE, re.MULTILINE)
