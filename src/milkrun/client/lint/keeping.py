"""Objects that keep a client: whether anything of theirs closes it."""

import ast

from milkrun.client.lint.fates import Fates
from milkrun.client.lint.libraries import CLOSERS, ENTERING
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.scopes import FUNCTIONS, Tree

_ENDINGS = CLOSERS | {
    "__aexit__",
    "__del__",
    "__exit__",
    "cleanup",
    "disconnect",
    "dispose",
    "finalize",
    "shutdown",
    "stop",
    "teardown",
    "terminate",
}
_PLAIN_BASES = frozenset({"ABC", "Generic", "Protocol", "object"})


class Keeping:
    """Judges the classes of one file. A class with a base from elsewhere may be closed there, and is not judged."""

    def __init__(self, tree: Tree, names: Names, fates: Fates) -> None:
        self._tree = tree
        self._names = names
        self._fates = fates

    def careless(self, built: ast.Call) -> str | None:
        """The name of the class that keeps this client on `self` and has no way to close it."""
        for kept in self._fates.keepers(built):
            if isinstance(kept, ast.Attribute) and isinstance(kept.value, ast.Name) and kept.value.id == "self":
                keeper = next((above for above, _ in self._tree.climb(kept) if isinstance(above, ast.ClassDef)), None)
                if keeper and not self._ends(keeper) and not self._is_closed(kept.attr):
                    return keeper.name
        return None

    def _ends(self, keeper: ast.ClassDef) -> bool:
        methods = {each.name.lstrip("_") for each in keeper.body if isinstance(each, FUNCTIONS)}
        if methods & {each.lstrip("_") for each in _ENDINGS}:
            return True
        return any(self._base_ends(base) for base in keeper.bases) or bool(keeper.keywords)

    def _base_ends(self, base: ast.expr) -> bool:
        if last_word(base) in _PLAIN_BASES:
            return False
        here = [each for each in self._names.definitions(base) if isinstance(each, ast.ClassDef)]
        return not here or any(self._ends(each) for each in here)

    def _is_closed(self, attribute: str) -> bool:
        """Whether anything in the file closes, enters or hands out what is kept by this name."""
        for node in self._tree.parents:
            if isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.ctx, ast.Load):
                parent, field = self._tree.parents[node]
                if isinstance(parent, ast.Return | ast.withitem) or (isinstance(parent, ast.Call) and field == "args"):
                    return True
                if isinstance(parent, ast.Attribute) and parent.attr in CLOSERS | ENTERING:
                    return True
        return False
