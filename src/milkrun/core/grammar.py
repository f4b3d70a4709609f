"""Reading a condition's text: `<left> <operator> <right>`, a space on each side of the operator.

An operand is a placeholder (`[STATUS]`, `[BODY].items[0].id`, `[HEADER].etag`), `len(…)` or `has(…)` around one,
`pat(…)`, `any(…, …)`, or plain text. Placeholders are read in any case, functions in lower case, as Gatus does.
Messages name positions and known words and never repeat the text itself, which may contain a secret.
"""

import re
from difflib import get_close_matches

from milkrun.core.comparison import EQUALITIES, Comparison, Equality, Membership, Ordering
from milkrun.core.glob import Glob
from milkrun.core.jsonpath import Path, parse_path
from milkrun.core.operands import Choice, Function, Literal, Reference, Term, options
from milkrun.core.placeholders import NOT_BUILT, PLACEHOLDERS
from milkrun.core.values import Operator, integer_of, number_of

MAX_CONDITION = 4_096

_OPERATOR = re.compile(r" (==|!=|<=|>=|<|>) ")
_FUNCTION = re.compile(r"(len|has|pat|any|age)\(")
_PLACEHOLDER = re.compile(r"\[([A-Za-z_]+)\]")
_HEADER_NAME = re.compile(r"\.([!#$%&'*+.^_`|~\w-]+)", re.ASCII)


class ConditionError(ValueError):
    """A condition that cannot be read: `position` counts characters from 1, `expected` is what should be there."""

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"at character {position}: {expected}")
        self.position = position
        self.expected = expected


class NotBuiltError(ConditionError):
    """Something of Gatus's that Milkrun cannot do yet."""


def parse_comparison(text: str) -> Comparison:
    """Read a whole condition."""
    if len(text) > MAX_CONDITION:
        raise ConditionError(MAX_CONDITION + 1, f"expected at most {MAX_CONDITION} characters")
    found = _find_operator(text)
    left = _operand(text[: found.start()], 0)
    right = _operand(text[found.end() :], found.end())
    return _compare(left, Operator(found[1]), right, found.start() + 2)


def _find_operator(text: str) -> re.Match[str]:
    """The first operator outside parentheses; if they are not balanced, the first one."""
    candidates = list(_OPERATOR.finditer(text))
    for match in candidates:
        if text.count("(", 0, match.start()) <= text.count(")", 0, match.start()):
            return match
    if candidates:
        return candidates[0]
    near = re.search(r"[=!<>]", text)
    position = len(text) + 1 if near is None else near.start() + 1
    raise ConditionError(position, "expected one of == != < <= > >= with a space on each side")


def _compare(left: Term | Choice, operator: Operator, right: Term | Choice, position: int) -> Comparison:
    if isinstance(left, Choice):
        if isinstance(right, Choice):
            raise ConditionError(position + len(operator) + 1, "expected a value, because the left side is a choice")
        return _member(right, operator, left, position, choice_first=True)
    if isinstance(right, Choice):
        return _member(left, operator, right, position, choice_first=False)
    kind = Equality if operator in EQUALITIES else Ordering
    return kind(left=left, operator=operator, right=right)


def _member(term: Term, operator: Operator, choice: Choice, position: int, *, choice_first: bool) -> Membership:
    if operator not in EQUALITIES:
        raise ConditionError(position, "expected == or != beside pat(…) and any(…)")
    return Membership(term=term, operator=operator, choice=choice, choice_first=choice_first)


def _operand(written: str, offset: int) -> Term | Choice:
    """One side; `offset` is where it begins in the condition."""
    text = written.strip()
    offset += len(written) - len(written.lstrip())
    function = _FUNCTION.match(text)
    if function is None:
        return _reference(text, offset) or _literal(text)
    if not text.endswith(")"):
        raise ConditionError(offset + len(text) + 1, f"expected ) to close {function[0]}")
    inner, begins = text[function.end() : -1], offset + function.end()
    match function[1]:
        case "pat":
            return Choice(text=text, glob=_glob(inner, begins))
        case "any":
            return options(text, inner.split(","))
        case "age":
            raise NotBuiltError(offset + 1, "age(…) is Gatus's and not built yet")
    reference = _reference(inner.strip(), begins)
    if reference is None:
        raise ConditionError(begins + 1, f"expected a placeholder in {function[0]}…), such as [BODY].items")
    return Reference(text=text, name=reference.name, path=reference.path, function=Function(function[1]))


def _literal(text: str) -> Literal:
    return Literal(text=text, number=number_of(text), integer=integer_of(text))


def _glob(pattern: str, offset: int) -> Glob:
    try:
        return Glob(pattern)
    except ValueError as err:
        raise ConditionError(offset + 1, f"{err}") from err


def _reference(text: str, offset: int) -> Reference | None:
    """The placeholder that `text` is; None for plain text, which may begin with a bracket too."""
    match = _PLACEHOLDER.match(text)
    if match is None:
        return None
    name = match[1].upper()
    if name in NOT_BUILT:
        raise NotBuiltError(offset + 1, f"[{name}] is Gatus's and not built yet")
    if name not in PLACEHOLDERS:
        if len(name) > 1 and match[1].isupper():
            raise ConditionError(offset + 1, f"expected a placeholder that exists{_nearest(name)}")
        return None
    return Reference(text=text, name=name, path=_path(name, text[match.end() :], offset + match.end()))


def _path(name: str, rest: str, offset: int) -> Path:
    match PLACEHOLDERS[name].takes:
        case "path":
            return _json_path(rest, offset)
        case "name":
            header = _HEADER_NAME.fullmatch(rest)
            if header is None:
                raise ConditionError(offset + 1, f"expected a header's name after [{name}], such as [{name}].etag")
            return (header[1].lower(),)
    if rest:
        raise ConditionError(offset + 1, f"expected nothing more after [{name}]")
    return ()


def _json_path(rest: str, offset: int) -> Path:
    path, length = parse_path(rest)
    if rest.startswith("[*]", length):
        raise NotBuiltError(offset + length + 1, "[*] in a path is Gatus's and not built yet")
    if length != len(rest):
        raise ConditionError(offset + length + 1, "expected .name or [0] in a path")
    return path


def _nearest(name: str) -> str:
    near = get_close_matches(name, PLACEHOLDERS, n=1)
    if near:
        return f", perhaps [{near[0]}]"
    return f": {' '.join(f'[{known}]' for known in PLACEHOLDERS)}"
