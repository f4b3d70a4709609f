"""What was found, as text for people, as one JSON object, or as GitHub's workflow commands."""

from collections.abc import Callable, Iterator

import msgspec

from milkrun.client.lint.finding import Finding, Problem, Report


def text(report: Report) -> Iterator[str]:
    """Each finding as its place and message, the line it is about and the remedy; then a summary."""
    for finding in report.findings:
        yield from map(_plain, _as_text(finding))
    for problem in report.problems:
        yield _plain(f"{_place(problem)}: {problem.message}")
    yield summary(report)


def _as_text(finding: Finding) -> Iterator[str]:
    number = str(finding.line)
    ends_here = finding.end_line == finding.line
    # Tabs count as one column: kept in the line of marks, they are as wide as those above.
    before = "".join("\t" if char == "\t" else " " for char in finding.source[: finding.column - 1])
    width = (finding.end_column if ends_here else len(finding.source.rstrip()) + 1) - finding.column
    yield f"{finding.path}:{finding.line}:{finding.column}: {finding.code} {finding.message}"
    yield f"  {number} | {finding.source.rstrip()}"
    yield f"  {' ' * len(number)} | {before}{'^' * max(width, 1)}"
    yield f"  fix: {finding.fix}"
    yield ""


def _plain(line: str) -> str:
    """A line that stays one, and gives a terminal no orders, whatever stands in a file or its name."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)


def summary(report: Report) -> str:
    """One line that says how much was found in how many files."""
    places = len({finding.path for finding in report.findings})
    found = f"{_count(len(report.findings), 'finding')} in {_count(places, 'file')}" if places else "no findings"
    unchecked = f"; {len(report.problems)} could not be checked" if report.problems else ""
    return f"{found}, {_count(report.files, 'file')} looked at{unchecked}"


def as_json(report: Report) -> Iterator[str]:
    """One object: `findings` and `problems` with their fields' names, and the number of `files`."""
    yield msgspec.json.format(msgspec.json.encode(report)).decode()


def github(report: Report) -> Iterator[str]:
    """An annotation each, which GitHub shows beside the line in a pull request."""
    for finding in report.findings:
        place = {"file": finding.path, "line": finding.line, "endLine": finding.end_line, "col": finding.column}
        if finding.end_line == finding.line:
            place["endColumn"] = finding.end_column
        title = {"title": f"{finding.code} {finding.name}"}
        yield _command(place | title, f"{finding.message}\nfix: {finding.fix}")
    for problem in report.problems:
        yield _command({"file": problem.path, **({"line": problem.line} if problem.line else {})}, problem.message)


def _command(properties: dict[str, object], message: str) -> str:
    listed = ",".join(f"{name}={_escaped(str(value), _IN_PROPERTIES)}" for name, value in properties.items())
    return f"::error {listed}::{_escaped(message, _IN_MESSAGES)}"


_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = _IN_MESSAGES | str.maketrans({":": "%3A", ",": "%2C"})


def _escaped(words: str, table: dict[int, str]) -> str:
    return words.translate(table)


def _place(problem: Problem) -> str:
    return f"{problem.path}:{problem.line}" if problem.line else problem.path


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


FORMATS: dict[str, Callable[[Report], Iterator[str]]] = {"text": text, "json": as_json, "github": github}
