"""Objects that keep a client: whether anything of theirs, or of their file, closes it."""

import ast

from milkrun.client.lint.fates import ENDED, Fate, Fates
from milkrun.client.lint.keepers import PLAIN_BASES, is_of_self, methods_of
from milkrun.client.lint.libraries import CLOSERS
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.roles import Role, Roles
from milkrun.client.lint.scopes import Tree

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


class Keeping:
    """Judges who keeps clients. A class with a base from another file may be closed there, and is not judged."""

    def __init__(self, tree: Tree, names: Names, roles: Roles, fates: Fates) -> None:
        self._tree = tree
        self._names = names
        self._roles = roles
        self._fates = fates

    def careless(self, built: ast.Call) -> str | None:
        """Who keeps this client and has no way to close it: `by Api`, `as app.state.client`."""
        for kept in self._fates.keepers(built):
            if isinstance(kept, ast.Attribute) and (keeper := self._keeper(kept)) and not self._is_closed(kept.attr):
                return keeper
        return None

    def _keeper(self, kept: ast.Attribute) -> str | None:
        if not is_of_self(kept):
            return f"as {ast.unparse(kept)}" if self._is_state(kept) else None
        keeper = next((above for above, _ in self._tree.climb(kept) if isinstance(above, ast.ClassDef)), None)
        return f"by {keeper.name}" if keeper and not self._ends(keeper) else None

    def _is_state(self, kept: ast.Attribute) -> bool:
        """Whether this is `app.state.client`, of an `app` that is this file's; an object of its own may have an end."""
        match kept.value:
            case ast.Attribute(value=ast.Name(id=name) as top) if name not in {"self", "cls"}:
                owner = self._tree.scopes[top].owner(name)
                is_ours = owner is not None and not any(isinstance(each, str) for each in owner.bindings[name])
                return is_ours and self._roles.at(kept) is not Role.HANDLER
        return False

    def _ends(self, keeper: ast.ClassDef) -> bool:
        methods = {name.lstrip("_") for name in methods_of(keeper)}
        if methods & {each.lstrip("_") for each in _ENDINGS}:
            return True
        return any(self._base_ends(base) for base in keeper.bases) or bool(keeper.keywords)

    def _base_ends(self, base: ast.expr) -> bool:
        if last_word(base) in PLAIN_BASES:
            return False
        here = [each for each in self._names.definitions(base) if isinstance(each, ast.ClassDef)]
        return not here or any(self._ends(each) for each in here)

    def _is_closed(self, attribute: str) -> bool:
        """Whether anything in the file closes, enters, hands on or hands out what is kept by this name."""
        reads = [node for node in self._tree.parents if isinstance(node, ast.expr) and _reads(node, attribute)]
        return any(self._fates.of(read) & self._ends_of(read) for read in reads)

    def _ends_of(self, read: ast.expr) -> Fate:
        """What counts as an end there: a handler only lends what it returns, as every generator does what it yields."""
        is_lent = self._roles.at(read) is Role.HANDLER
        return ENDED | Fate.STORED | Fate.PASSED | (Fate.DROPPED if is_lent else Fate.RETURNED)


def _reads(node: ast.expr, attribute: str) -> bool:
    """Whether this is `….client` or `getattr(…, "client")`."""
    match node:
        case ast.Attribute(attr=attr, ctx=ast.Load()):
            return attr == attribute
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=attr), *_]):
            return bool(attr == attribute)
    return False
