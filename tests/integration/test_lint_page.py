"""docs/lint.md: a section for each rule, whose first example breaks it and whose second one does not."""

import re
from pathlib import Path

import pytest

from milkrun.client.lint import RULES, check

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lint.md").read_text()
SECTIONS = dict(re.findall(r"^### (MRC\d{3} [a-z-]+)\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE))


def test_each_rule_has_its_section_in_order() -> None:
    assert list(SECTIONS) == [f"{rule.code} {rule.name}" for rule in RULES.values()]


@pytest.mark.parametrize("section", SECTIONS)
def test_its_examples_are_the_mistake_and_the_remedy(section: str) -> None:
    wrong, right = re.findall(r"^```python\n(.*?)^```", SECTIONS[section], re.DOTALL | re.MULTILINE)
    assert [finding.code for finding in check(wrong.encode(), "app.py")] == section.split()[:1]
    assert check(right.encode(), "app.py") == []


@pytest.mark.parametrize("code", re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
def test_every_example_runs_as_far_as_it_goes_by_itself(code: str) -> None:
    exec(compile(code, "docs/lint.md", "exec"), {"__name__": "example"})  # noqa: S102  # our own document


def test_the_output_that_it_shows_is_the_output() -> None:
    shown = re.findall(r"^src/prices.py:7:16: (MRC001) (.*)\n.*\n.*\n  fix: (.*)$", PAGE, re.MULTILINE)
    handler = "async def prices():\n    async with httpx2.AsyncClient() as client:\n        pass\n"
    (finding,) = check(f"import httpx2\n\n\n\n@app.get('/')\n{handler}".encode(), "src/prices.py")
    assert (finding.line, finding.column) == (7, 16)
    assert shown == [(finding.code, finding.message, finding.fix)]
