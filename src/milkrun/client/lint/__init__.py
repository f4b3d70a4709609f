"""Finds the mistake in code that is already there: clients built per request, in loops, per call, at import; unclosed.

An AST check for httpx2, httpx, aiohttp, niquests and `milkrun.client`. What it checks is neither imported nor run.
"""

from milkrun.client.lint.checking import check
from milkrun.client.lint.finding import Finding, Problem, Report
from milkrun.client.lint.linting import lint
from milkrun.client.lint.output import FORMATS
from milkrun.client.lint.reading import UncheckedError
from milkrun.client.lint.rules import RULES, Rule, UnknownRuleError, chosen

__all__ = [
    "FORMATS",
    "RULES",
    "Finding",
    "Problem",
    "Report",
    "Rule",
    "UncheckedError",
    "UnknownRuleError",
    "check",
    "chosen",
    "lint",
]
