"""What is wrong with a configuration, gathered so that a person sees all of it at once."""

from collections.abc import Sequence

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or worth a warning.

    `line` counts from 1 and is None where the file as a whole is meant; `path` is like `endpoints[3].interval`, ""
    at the top. `message` says what was expected and never repeats a value, which may be a secret.
    """

    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` are all there are, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Refused(Exception):  # noqa: N818 - not an error of ours: the rest of this file cannot be read
    """The rest of one file cannot be understood, from `line` on."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Report:
    """Gathers the problems and warnings of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[str, tuple[Problem, int]] = {}

    def problem(self, line: int | None, path: str, message: str) -> None:
        """Something that must be put right; said once, however many readers ask for the same value."""
        self._problems[Problem(file=self.file, line=line, path=path, message=message)] = None

    def warning(self, line: int | None, path: str, message: str) -> None:
        """Something the user should know; the same sentence many times is one warning with a count."""
        first, times = self._warnings.get(message, (None, 0))
        first = first or Problem(file=self.file, line=line, path=path, message=message)
        self._warnings[message] = (first, times + 1)

    @property
    def problems(self) -> list[Problem]:
        """The problems in the order in which a person meets them."""
        return sorted(self._problems, key=lambda problem: problem.line or 0)

    @property
    def warnings(self) -> list[str]:
        """The warnings as sentences, in the order in which they first came up."""
        return [f"{first}{_more(times)}" for first, times in self._warnings.values()]


def _more(times: int) -> str:
    if times == 1:
        return ""
    return f" (and {times - 1} more {'place' if times == 2 else 'places'})"
