"""What is run in each round of a loop, and whether the rounds differ."""

import ast

from milkrun.client.lint.names import last_word
from milkrun.client.lint.scopes import COMPREHENSIONS, FUNCTIONS, Tree


def is_round(above: ast.AST, field: str) -> bool:
    """Whether this is a loop, and this field of it is run each time; what a loop goes over is asked for once."""
    if isinstance(above, ast.For | ast.AsyncFor | ast.While):
        return field in {"body", "test"}
    if isinstance(above, ast.comprehension):
        return field == "ifs"
    return isinstance(above, COMPREHENSIONS) and field != "generators"


def loop_around(tree: Tree, node: ast.AST) -> ast.AST | None:
    """The innermost loop or comprehension, in the same function, that runs a node in each of its rounds."""
    for above, field in tree.climb(node):
        if isinstance(above, (*FUNCTIONS, ast.Lambda, ast.ClassDef)) and field == "body":
            return None
        if is_round(above, field):
            return above
    return None


def repeats(loop: ast.AST, call: ast.AST) -> bool:
    """Whether a loop makes the same request again and again: nothing in the call is set by the loop or in it."""
    named = {each.id for each in ast.walk(call) if isinstance(each, ast.Name)}
    stored = (each.id for each in ast.walk(loop) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    return named.isdisjoint(stored)


def is_retry(loop: ast.AST, call: ast.AST) -> bool:
    """`for attempt in range(3):` around the same request makes one, if need be again; a `while` may go on for ever."""
    return isinstance(loop, ast.For) and last_word(loop.iter) == "range" and repeats(loop, call)
