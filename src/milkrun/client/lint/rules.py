"""The rules: one table. What each finds is decided in `judging`; docs/lint.md has a section on each."""

from collections.abc import Iterable

import msgspec


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake with its code and name; `message` and `fix` are filled in with what was found."""

    code: str
    name: str
    message: str
    fix: str


IN_HANDLER = Rule(
    code="MRC001",
    name="client-in-handler",
    message="{client} is built in {place}: every request opens connections anew",
    fix="build it once in the lifespan, `{with_} {code} as client: yield {{'client': client}}`, "
    "and take it from `request.state.client` (or, by milkrun.client.asgi, as `client: SharedClient`)",
)
IN_LOOP = Rule(
    code="MRC002",
    name="client-in-loop",
    message="{client} is built in {place}: no round finds the connections of the one before",
    fix="build it once, before the loop: `{with_} {code} as client:`, and loop inside",
)
PER_CALL = Rule(
    code="MRC003",
    name="client-per-call",
    message="{client} is built for each call of {place}: no call finds the connections of the one before",
    fix="take it as a parameter, `client: {annotation}`, and build it once where the program starts",
)
PER_ACCESS = Rule(  # the same mistake, whose remedy is no parameter
    code=PER_CALL.code,
    name=PER_CALL.name,
    message="{client} is built each time {place} is read: no reader finds the connections of the one before",
    fix="build it once, in __init__() or by functools.cached_property, and close it with what it belongs to",
)
NEVER_CLOSED = Rule(
    code="MRC004",
    name="client-never-closed",
    message="{client} is never closed{place}: its connections stay open until it is collected",
    fix="close it where its use ends: `{with_} {code} as client:`, or `{close}`",
)
AT_IMPORT = Rule(
    code="MRC005",
    name="client-at-import",
    message="{client} is built when the module is imported: before any event loop and any fork, and for ever",
    fix="build it in the lifespan or in main(), `{with_} {code} as client:`, and hand it on",
)
ONE_SHOT = Rule(
    code="MRC006",
    name="one-shot-in-async",
    message="{call} in {place} {harm}",
    fix="share one client, `{with_} {code} as client:`, and `await client.{verb}(...)`",
)

RULES = {rule.code: rule for rule in (IN_HANDLER, IN_LOOP, PER_CALL, NEVER_CLOSED, AT_IMPORT, ONE_SHOT)}


class UnknownRuleError(ValueError):
    """A word that is neither a rule's code, nor the start of one, nor a name."""


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> frozenset[str]:
    """The codes of the rules to check, from codes, starts of codes and names; all of them where none is selected.

    Raises UnknownRuleError.
    """
    selected = _codes(select) or frozenset(RULES)
    return selected - _codes(ignore)


def _codes(words: Iterable[str]) -> frozenset[str]:
    return frozenset(code for word in words for code in _matching(word))


def _matching(word: str) -> list[str]:
    found = [rule.code for rule in RULES.values() if word and (rule.code.startswith(word.upper()) or rule.name == word)]
    if not found:
        known = ", ".join(f"{rule.code} {rule.name}" for rule in RULES.values())
        raise UnknownRuleError(f"{word!r} is no rule: there are {known}")
    return found
