"""Which functions are other files' dependencies: `Depends(deps.client)` here makes `client()` in deps.py a handler."""

import re
from pathlib import PurePath

from milkrun.client.lint.frameworks import DEPENDENCIES
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.reading import UncheckedError, read
from milkrun.client.lint.scopes import Tree

# Pairs of a module's own name, without its packages, and a name in it.
Handed = frozenset[tuple[str, str]]
NOBODY: Handed = frozenset()

_MENTION = re.compile(rb"\b(?:%s)\s*\(" % "|".join(sorted(DEPENDENCIES)).encode())


def hands(source: bytes) -> bool:
    """Whether a file may use anything as a dependency."""
    return _MENTION.search(source) is not None


def handed(source: bytes, path: str) -> Handed:
    """What this file imports and hands on as a dependency. What cannot be read hands nothing on: checking will tell."""
    if not hands(source):
        return NOBODY
    try:
        _, module = read(source, path)
        tree = Tree(module)
        names = Names(tree)
        calls = [call for call in tree.calls if last_word(call.func) in DEPENDENCIES and call.args]
        meanings = (meaning for call in calls for meaning in names.meaning(call.args[0]))
        pairs = (meaning.rpartition(".") for meaning in meanings)
        return frozenset((module.rpartition(".")[2], name) for module, _, name in pairs)
    except (UncheckedError, RecursionError):
        return NOBODY


def names_of(path: str, everybody: Handed) -> frozenset[str]:
    """The names in this file that others use as dependencies; a package goes by its folder's name."""
    where = PurePath(path)
    module = where.parent.name if where.stem == "__init__" else where.stem
    return frozenset(name for home, name in everybody if home == module)
