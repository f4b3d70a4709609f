"""What an expression means: the dotted name of what was imported, or the definition in this file that it leads to."""

import ast
from collections import defaultdict
from functools import cached_property

from milkrun.client.lint.libraries import CLIENTS
from milkrun.client.lint.scopes import FUNCTIONS, Binding, Definition, Scope, Tree

NOTHING: frozenset[str] = frozenset()


def last_word(node: ast.expr) -> str:
    """The last part of a name as it is written: `c` of `a.b.c`, of `a.b.c()` and of `a.b.c[int]`."""
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            return word
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return last_word(inner)
    return ""


class Names:
    """Resolves names in one file. What is bound to several things means all of them, if each is known; else nothing."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._asked: set[tuple[Scope, str]] = set()

    def meaning(self, node: ast.expr) -> frozenset[str]:
        """Every dotted name that this may be; a class derived from a client in this file means that client."""
        match node:
            case ast.Name(id=name):
                return self._of_name(name, self._tree.scopes[node])
            case ast.Attribute(value=value, attr=attr):
                return frozenset(f"{base}.{attr}" for base in self.meaning(value))
            case ast.IfExp(body=one, orelse=other) | ast.BoolOp(op=ast.Or(), values=[one, other]):
                return self.meaning(one) | self.meaning(other)
            case ast.Subscript(value=value):
                return self.meaning(value)
            case ast.Call(func=func, args=[made, *_]) if "functools.partial" in self.meaning(func):
                return self.meaning(made)
        return NOTHING

    def client(self, node: ast.expr) -> str | None:
        """The client class that this names."""
        return min(self.meaning(node) & CLIENTS.keys(), default=None)

    def _of_name(self, name: str, scope: Scope) -> frozenset[str]:
        owner = scope.owner(name)
        if owner is None:
            return frozenset(f"{star}{name}" for star in self._tree.module.stars)
        if (owner, name) in self._asked:  # an alias of itself: known by its other bindings, or not at all
            return NOTHING
        self._asked.add((owner, name))
        try:
            return self._of_bindings([each for each in owner.bindings.get(name, ()) if not _is_none(each)])
        finally:
            self._asked.remove((owner, name))

    def _of_bindings(self, bindings: list[Binding]) -> frozenset[str]:
        meanings = [self._of_binding(each) for each in bindings]
        return NOTHING.union(*meanings) if all(meanings) else NOTHING

    def _of_binding(self, binding: Binding) -> frozenset[str]:
        match binding:
            case str():
                return frozenset({binding})
            case ast.ClassDef(bases=bases):
                return NOTHING.union(*map(self.meaning, bases)) & CLIENTS.keys()
            case ast.expr():
                return self.meaning(binding)
        return NOTHING

    def definitions(self, node: ast.expr) -> list[Definition]:
        """The functions and classes of this file that an expression may lead to."""
        match node:
            case ast.Name(id=name):
                owner = self._tree.scopes[node].owner(name)
                bound = owner.bindings.get(name, ()) if owner else ()
                return [each for each in bound if isinstance(each, (*FUNCTIONS, ast.ClassDef))]
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr):
                return self._methods(node, attr)
            case ast.Call(func=func, args=[given, *_]) if last_word(func) == "partial":
                return self.definitions(given)
        return []

    def _methods(self, node: ast.expr, name: str) -> list[Definition]:
        around = next((above for above, _ in self._tree.climb(node) if isinstance(above, ast.ClassDef)), None)
        return [each for each in around.body if isinstance(each, FUNCTIONS) and each.name == name] if around else []

    def uses(self, node: ast.Name) -> list[ast.Name]:
        """Where the name that is bound here is read."""
        return self._uses.get((self._tree.scopes[node].owner(node.id), node.id), [])

    @cached_property
    def _uses(self) -> dict[tuple[Scope | None, str], list[ast.Name]]:
        found: dict[tuple[Scope | None, str], list[ast.Name]] = defaultdict(list)
        for name in self._tree.names:
            if isinstance(name.ctx, ast.Load):
                found[self._tree.scopes[name].owner(name.id), name.id].append(name)
        return found

    @cached_property
    def callers(self) -> dict[Definition, list[ast.Call]]:
        """Where each function and class of this file is called, or handed to be called: `map(fetch, urls)`."""
        found: dict[Definition, list[ast.Call]] = defaultdict(list)
        for call in self._tree.calls:
            called = call.args[0] if call.args and last_word(call.func) in {"map", "partial"} else call.func
            for definition in self.definitions(called):
                found[definition].append(call)
        return found


def _is_none(binding: Binding) -> bool:
    return isinstance(binding, ast.Constant) and binding.value is None
