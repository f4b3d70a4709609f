"""What becomes of a client after it was built, as far as its file tells."""

import ast
from enum import Flag, auto
from typing import TypeGuard

from milkrun.client.lint.libraries import CLOSERS, ENTERING, KEEPERS, REQUESTS
from milkrun.client.lint.loops import is_retry, is_round
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.scopes import FUNCTIONS, Tree


class Fate(Flag):
    """All that was seen; nothing of it means that the client was dropped."""

    DROPPED = 0
    ENTERED = auto()
    """By `with`, or by something that closes it."""
    CLOSED = auto()
    RETURNED = auto()
    YIELDED = auto()
    STORED = auto()
    """On an object, in a container, in another scope."""
    PASSED = auto()
    """To a call, or in any way that is not followed."""
    REQUESTED = auto()
    """It was asked for a request."""
    SHARED = auto()
    """It was asked in a loop, or by a function inside: one client for many requests, as it should be."""


ENDED = Fate.ENTERED | Fate.CLOSED
HANDED_ON = Fate.RETURNED | Fate.YIELDED | Fate.STORED
_FUNCTIONS = (*FUNCTIONS, ast.Lambda)
_NEUTRAL = (ast.Compare, ast.UnaryOp, ast.If, ast.While, ast.Assert, ast.Expr, ast.FormattedValue, ast.Delete)
_WRAPPING = (ast.Await, ast.IfExp, ast.BoolOp)


class Fates:
    """Follows the clients of one file."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self._tree = tree
        self._names = names

    def of(self, built: ast.expr) -> Fate:
        """The fate of what this expression builds."""
        return _Following(self._tree, self._names, built).value(built)

    def keepers(self, built: ast.expr) -> list[ast.expr]:
        """The attributes and items that the client is put into."""
        following = _Following(self._tree, self._names, built)
        following.value(built)
        return following.stored


class _Following:
    """One client on its way through names, attributes and calls."""

    def __init__(self, tree: Tree, names: Names, built: ast.expr) -> None:
        self._tree = tree
        self._names = names
        self._around = {above for above, _ in tree.climb(built)}
        self._seen: set[tuple[object, str]] = set()
        self.stored: list[ast.expr] = []

    def value(self, node: ast.expr) -> Fate:
        """What becomes of the value of this expression."""
        parent, field = self._tree.parents[node]
        match parent:
            case ast.Return() | ast.Lambda():
                return Fate.RETURNED
            case ast.Yield():
                return Fate.YIELDED
            case ast.withitem(optional_vars=target):
                return Fate.ENTERED | (self._into(target) if target else Fate.DROPPED)
            case ast.Assign(targets=targets):
                return self._into_all(targets)
            case ast.AnnAssign(target=target):
                return self._into(target)
            case ast.NamedExpr(target=target):
                return self._into(target) | self.value(parent)
            case ast.Attribute(attr=attr):
                return self._attribute(parent, attr)
            case ast.Call() if field == "args":
                return self._argument(parent)
        if self._is_wrapping(parent):
            return self.value(parent) if field != "test" else Fate.DROPPED
        return Fate.DROPPED if isinstance(parent, _NEUTRAL) else Fate.PASSED

    def _is_wrapping(self, node: ast.AST) -> TypeGuard[ast.expr]:
        """Whether this comes to the client itself, or to the state with it that a lifespan yields."""
        is_state = isinstance(node, ast.Dict) and isinstance(self._tree.parents[node][0], ast.Yield)
        return is_state or isinstance(node, _WRAPPING)

    def _into_all(self, targets: list[ast.expr]) -> Fate:
        fate = Fate.DROPPED
        for target in targets:
            fate |= self._into(target)
        return fate

    def _into(self, target: ast.expr) -> Fate:
        if isinstance(target, ast.Attribute | ast.Subscript):
            self.stored.append(target)
            return Fate.STORED
        return self._name(target) if isinstance(target, ast.Name) else Fate.PASSED

    def _name(self, name: ast.Name) -> Fate:
        scope = self._tree.scopes[name]
        if name.id in scope.elsewhere or isinstance(scope.node, ast.ClassDef):
            return Fate.STORED
        fate = Fate.DROPPED
        if (scope, name.id) not in self._seen:
            self._seen.add((scope, name.id))
            for use in self._names.uses(name):
                fate |= self.value(use)
        return fate

    def _attribute(self, attribute: ast.Attribute, attr: str) -> Fate:
        if attr in CLOSERS:
            return Fate.CLOSED
        if attr in ENTERING:
            return Fate.ENTERED | Fate.PASSED
        if attr in REQUESTS:
            return Fate.REQUESTED | (Fate.SHARED if self._is_repeated(attribute) else Fate.DROPPED)
        return Fate.DROPPED

    def _is_repeated(self, use: ast.expr) -> bool:
        """Whether a loop or a function that does not also build the client stands around this use of it."""
        call = self._tree.parents[use][0]
        for above, field in self._tree.climb(use):
            is_loop = is_round(above, field) and not is_retry(above, call)
            if above not in self._around and (is_loop or (isinstance(above, _FUNCTIONS) and field == "body")):
                return True
        return False

    def _argument(self, call: ast.Call) -> Fate:
        word = last_word(call.func)
        if word in KEEPERS:
            return Fate.ENTERED | self.value(call)
        if word == "getattr":
            return Fate.REQUESTED
        return Fate.PASSED
