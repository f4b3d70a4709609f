"""Templates of webhook bodies: Jinja without calls, imports, arithmetic that grows, or any filter beyond a short list.

The template is the user's, what it is filled with comes from others: that is data to it and is never read as a
template. A template can look into the account it is given, and do nothing else.
"""

from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_FILTERS = frozenset(
    {"tojson", "upper", "lower", "title", "trim", "replace", "truncate", "default", "join", "length", "first", "last"}
    | {"sort", "unique", "groupby", "map", "selectattr", "rejectattr", "list", "urlencode", "escape", "string", "int"}
)
# What a template that is syntactically right may still fail with, beside Jinja's own.
_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError)


class BadTemplateError(Exception):
    """The message says in one line what is wrong, with the line of the template where that is known."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Nothing can be called: what is left is to look things up and to filter them."""

    intercepted_binops = frozenset({"*", "**", "%"})  # which make gigabytes of one letter

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ARG002  # nothing is
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002  # none is allowed
        raise SecurityError(f"{operator} is not allowed here")


class BodyTemplate:
    """A template that has been read. Raises BadTemplateError."""

    def __init__(self, source: str) -> None:
        try:
            self._template = _ENVIRONMENT.from_string(source)
        except TemplateError as err:
            raise BadTemplateError(_told(err)) from err

    def fill(self, account: dict[str, Any]) -> str:
        """The body for an account. Raises BadTemplateError."""
        try:
            return self._template.render(account)
        except _FAILURES as err:
            raise BadTemplateError(_told(err)) from err


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # mostly it is JSON
    environment.globals.clear()
    for name in set(environment.filters) - _FILTERS:
        del environment.filters[name]
    return environment


def _told(err: Exception) -> str:
    line = getattr(err, "lineno", None)
    return f"line {line}: {err}" if line else str(err)


_ENVIRONMENT = _environment()
