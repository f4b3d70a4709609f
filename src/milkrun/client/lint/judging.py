"""Which of what was found is a mistake, and which: the rules' own decisions."""

import ast
from collections.abc import Iterator
from functools import cached_property

import msgspec

from milkrun.client.lint import rules
from milkrun.client.lint.conditions import is_conditional, is_spare
from milkrun.client.lint.constructions import Construction, Constructions
from milkrun.client.lint.fates import ENDED, HANDED_ON, Fate, Fates
from milkrun.client.lint.keeping import Keeping
from milkrun.client.lint.libraries import BLOCKING, CLIENTS, ONE_SHOTS, SHARED_FOR
from milkrun.client.lint.loops import loop_around, repeats
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.roles import Callable, Role, Roles
from milkrun.client.lint.rules import Rule
from milkrun.client.lint.running import is_for_each, is_on_thread, run_by
from milkrun.client.lint.scopes import Tree

_ONCE = frozenset({Role.STARTUP, Role.SCRIPT})
_LENDING = frozenset({Role.STARTUP, Role.CONTEXT})
_HARM = {
    True: "blocks the event loop until the answer is there, and connects anew each time",
    False: "connects anew each time",
}
_OF_INTEREST = CLIENTS.keys() | ONE_SHOTS
_ANY_END = ENDED | HANDED_ON | Fate.PASSED


class Verdict(msgspec.Struct, frozen=True):
    """A rule that a call breaks, with the words for its message and its fix."""

    rule: Rule
    call: ast.Call
    words: dict[str, str]
    statement_line: int


class Judge:
    """Judges one file. In a test file, only clients that were used and never closed are told of."""

    def __init__(self, module: ast.Module, *, is_test: bool, dependencies: frozenset[str]) -> None:
        self._tree = Tree(module)
        self._names = Names(self._tree)
        self._is_test = is_test
        self._dependencies = dependencies

    @cached_property
    def _roles(self) -> Roles:
        return Roles(self._tree, self._names, self._dependencies)

    @cached_property
    def _fates(self) -> Fates:
        return Fates(self._tree, self._names)

    @cached_property
    def _keeping(self) -> Keeping:
        return Keeping(self._tree, self._names, self._roles, self._fates)

    def verdicts(self) -> Iterator[Verdict]:
        """Every mistake, in no order."""
        if not any(self._names.meaning(run_by(call)) & _OF_INTEREST for call in self._tree.calls):
            return
        for made in Constructions(self._tree, self._names, self._roles, self._fates).all():
            yield from self._misplaced(made)
            yield from self._unclosed(made)
        if not self._is_test:
            for call in self._tree.calls:
                yield from self._one_shot(call)

    def _misplaced(self, made: Construction) -> Iterator[Verdict]:
        if rule := self._place(made):
            yield self._verdict(rule, made.call, self._words(made, self._place_words(rule, made.call)))

    def _place(self, made: Construction) -> Rule | None:
        """The rule on where it is built; a handler counts before a loop, for its remedy is that of both."""
        if self._is_test or made.role in {Role.TEST, Role.CACHED}:
            return None
        if made.role is Role.HANDLER:
            is_lazy = Fate.STORED in made.fate and is_conditional(self._tree, made.call)
            return None if is_lazy else rules.IN_HANDLER
        if _ends_here(made.fate) and loop_around(self._tree, made.call):
            return rules.IN_LOOP
        if made.role is Role.IMPORT:
            return None if Fate.ENTERED in made.fate else rules.AT_IMPORT
        if made.role is Role.HELPER and not is_spare(self._tree, self._names, made.call):
            return self._helper_rule(made)
        return None

    def _helper_rule(self, made: Construction) -> Rule | None:
        if _is_for_one_call(made.fate):
            return rules.IN_LOOP if self._looping_caller(made.call) else rules.PER_CALL
        is_given = Fate.RETURNED in made.fate and not made.fate & (Fate.STORED | Fate.PASSED)
        return rules.PER_ACCESS if is_given and self._roles.is_property(made.call) else None

    def _unclosed(self, made: Construction) -> Iterator[Verdict]:
        if not self._roles.around(made.call):
            return  # as long as the process: AT_IMPORT says what there is to say
        if made.is_own:
            return  # whether an object closes its client its class is asked, where it builds it
        if self._is_test and Fate.REQUESTED not in made.fate:
            return
        # What a context manager or a lifespan yields it lends, and has to close.
        ends = made.fate & (_ANY_END ^ Fate.YIELDED if made.role in _LENDING else _ANY_END)
        if not ends:
            yield self._verdict(rules.NEVER_CLOSED, made.call, self._words(made, ""))
        elif ends == Fate.STORED and (keeper := self._keeping.careless(made.call)):
            yield self._verdict(rules.NEVER_CLOSED, made.call, self._words(made, f" {keeper}"))

    def _one_shot(self, call: ast.Call) -> Iterator[Verdict]:
        function = min(self._names.meaning(run_by(call)) & ONE_SHOTS, default=None)
        role = self._roles.at(call)
        if not function or role is Role.TEST:
            return
        if rule := self._one_shot_rule(call, role, blocks=function in BLOCKING):
            yield self._verdict(rule, call, self._one_shot_words(rule, call, function))

    def _one_shot_rule(self, call: ast.Call, role: Role, *, blocks: bool) -> Rule | None:
        loop, is_each = loop_around(self._tree, call), is_for_each(call)
        if self._is_async(call) and not is_on_thread(call):
            return rules.ONE_SHOT if blocks or loop or is_each or role not in _ONCE else None
        if not blocks:
            return None  # an awaitable that is made here and awaited elsewhere
        if role is Role.HANDLER:
            return rules.IN_HANDLER
        # The same request until a server is there: nothing could be kept that the next one would find.
        return rules.IN_LOOP if is_each or (loop and not repeats(loop, call)) else None

    def _is_async(self, node: ast.AST) -> bool:
        return isinstance(next(iter(self._roles.around(node)), None), ast.AsyncFunctionDef)

    def _looping_caller(self, node: ast.AST) -> ast.Call | None:
        """A call, in a loop, of the function around: the client is built in that loop all the same."""
        named = [each for each in self._roles.around(node) if not isinstance(each, ast.Lambda)]
        calls = (call for function in named for call in self._names.callers.get(function, ()))
        return next((call for call in calls if loop_around(self._tree, call) or last_word(call.func) == "map"), None)

    def _words(self, made: Construction, place: str) -> dict[str, str]:
        return {
            "client": made.shown,
            "place": place,
            "code": made.code,
            "annotation": made.annotation,
            "with_": made.kind.entered,
            "close": made.kind.closed,
        }

    def _one_shot_words(self, rule: Rule, call: ast.Call, function: str) -> dict[str, str]:
        shown, blocks = f"{ast.unparse(run_by(call))}()", function in BLOCKING
        shared = SHARED_FOR[function.partition(".")[0], blocks and not self._is_async(call)]
        return {
            "client": f"the client of {shown}",
            "call": shown,
            "place": self._place_words(rule, call),
            "harm": _HARM[blocks],
            "verb": _verb(function),
            "code": f"{shared}()",
            "with_": CLIENTS[shared].entered,
        }

    def _verdict(self, rule: Rule, call: ast.Call, words: dict[str, str]) -> Verdict:
        return Verdict(rule, call, words, self._tree.statement(call).lineno)

    def _place_words(self, rule: Rule, node: ast.Call) -> str:
        around = self._roles.around(node)
        name = _shown(around[0]) if around else "the module"
        if rule is rules.IN_HANDLER:
            return f"the handler {name}"
        if rule is rules.PER_ACCESS:
            return f"the property {name.removesuffix('()')}"
        if rule is not rules.IN_LOOP:
            return name
        if loop_around(self._tree, node) or is_for_each(node):
            return f"a loop in {name}"
        caller = self._looping_caller(node)
        return f"{name}, which line {caller.lineno} calls in a loop" if caller else name


def _ends_here(fate: Fate) -> bool:
    return not fate & HANDED_ON and bool(fate & ENDED or Fate.PASSED not in fate)


def _is_for_one_call(fate: Fate) -> bool:
    """Built, asked and given up in one function; one that makes many requests there is doing its work."""
    return Fate.REQUESTED in fate and Fate.SHARED not in fate and _ends_here(fate)


def _shown(function: Callable) -> str:
    return "a lambda" if isinstance(function, ast.Lambda) else f"{function.name}()"


def _verb(function: str) -> str:
    """What a client is asked with instead of this function: `get` for `httpx.get` and for `niquests.aget`."""
    word = function.rpartition(".")[2]
    return word.removeprefix("a") if function.startswith("niquests.a") else word
