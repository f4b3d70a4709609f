"""A report as one page that needs nothing else: it can be mailed, printed, and read in ten years."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from milkrun.cli import month_words as words
from milkrun.core.report import Line, Report
from milkrun.web.words import count, share

# What colours a line: whether its target was met; without one, whether anything was ever down.
_CLASSES = {True: "met", False: "missed", None: "open"}


def as_html(report: Report) -> bytes:
    """The whole page."""
    return _template().render(report=report, judged=_judged(report)).encode()


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals |= {"words": words, "share": share, "count": count, "class_of": class_of, "width": width}
    return environment.get_template("report.html")


def class_of(line: Line) -> str:
    """The class of a line's verdict."""
    return _CLASSES[line.met]


def width(line: Line) -> str:
    """How much of the budget's bar is spent, as CSS has it."""
    spent = 0.0 if line.budget is None else 1 - line.budget.share
    return f"{min(max(spent, 0.0), 1.0) * 100:.1f}%"


def _judged(report: Report) -> tuple[int, int]:
    """How many targets were met, of how many."""
    verdicts = [line.met for line in report.endpoints if line.met is not None]
    return sum(verdicts), len(verdicts)
