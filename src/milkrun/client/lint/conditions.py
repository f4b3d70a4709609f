"""What decides whether a client is built: that there is none yet, or that the caller gave none."""

import ast
from collections.abc import Iterator
from itertools import takewhile

from milkrun.client.lint.libraries import REQUESTS
from milkrun.client.lint.names import Names
from milkrun.client.lint.scopes import FUNCTIONS, Tree


def is_conditional(tree: Tree, node: ast.AST) -> bool:
    """Whether an `if` or an `or` in the same function decides if this is run."""
    return any(True for _ in _conditions(tree, node))


def is_spare(tree: Tree, names: Names, node: ast.AST) -> bool:
    """Whether this is run only where the caller gave no client: `client or AsyncClient()`, `if client is None:`."""
    if any(_is_given(tree, other) for other in _alternatives(tree, node)):
        return True
    asked = (name for test in _conditions(tree, node) for name in ast.walk(test) if isinstance(name, ast.Name))
    return any(_is_given(tree, name) and _is_client(tree, names, name) for name in asked)


def _alternatives(tree: Tree, node: ast.AST) -> Iterator[ast.expr]:
    """What else the expression around may come to: `given` in `given or AsyncClient()`."""
    for above, _ in takewhile(lambda step: isinstance(step[0], ast.BoolOp | ast.IfExp), tree.climb(node)):
        match above:
            case ast.BoolOp(op=ast.Or(), values=values):
                yield from values
            case ast.IfExp(body=one, orelse=other):
                yield from (one, other)


def _conditions(tree: Tree, node: ast.AST) -> Iterator[ast.AST]:
    inside = takewhile(lambda step: not isinstance(step[0], FUNCTIONS), tree.climb(node))
    for above, field in inside:
        if isinstance(above, ast.If | ast.IfExp) and field != "test":
            yield above.test
        elif isinstance(above, ast.BoolOp | ast.ExceptHandler):
            yield above


def _is_given(tree: Tree, value: ast.expr) -> bool:
    """Whether this is a parameter, or kept on an object."""
    if not isinstance(value, ast.Name):
        return isinstance(value, ast.Attribute)
    owner = tree.scopes[value].owner(value.id)
    return owner is not None and isinstance(owner.node, FUNCTIONS) and owner.bindings[value.id][0] is None


def _is_client(tree: Tree, names: Names, name: ast.Name) -> bool:
    """Whether this is asked for requests."""
    users = (tree.parents[use][0] for use in names.uses(name))
    return any(isinstance(user, ast.Attribute) and user.attr in REQUESTS for user in users)
