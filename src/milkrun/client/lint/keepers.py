"""Classes whose objects keep a client: what is theirs, and what builds them."""

import ast

from milkrun.client.lint.names import last_word
from milkrun.client.lint.scopes import FUNCTIONS

PLAIN_BASES = frozenset({"ABC", "Generic", "Protocol", "object"})


def is_of_self(kept: ast.expr) -> bool:
    """Whether this is `self.client`."""
    return isinstance(kept, ast.Attribute) and isinstance(kept.value, ast.Name) and kept.value.id == "self"


def methods_of(keeper: ast.ClassDef) -> set[str]:
    """The names of a class's own methods."""
    return {each.name for each in keeper.body if isinstance(each, FUNCTIONS)}


def is_built_by_init(keeper: ast.ClassDef) -> bool:
    """Whether a call of the class runs its `__init__` each time, for an object that lives as long as it is kept.

    A decorator, a metaclass or `__new__` may give the one there is; a base such as Thread may keep it alive.
    """
    is_changed = keeper.decorator_list or keeper.keywords or "__new__" in methods_of(keeper)
    return not is_changed and all(last_word(base) in PLAIN_BASES for base in keeper.bases)
