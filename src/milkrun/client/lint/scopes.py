"""Which name is bound where and to what, by Python's scoping rules; and what encloses each node of a file.

The walk keeps a stack of its own, so that deep nesting cannot exhaust the interpreter's.
"""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
# A dotted name for an import, a definition, the value that was assigned, or None for what only running would tell.
Binding = str | Definition | ast.expr | None

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_OPENING = (*FUNCTIONS, ast.Lambda, ast.ClassDef, *COMPREHENSIONS)
# Contexts and operators are one object for all of a file's nodes, and have no place in it.
_SHARED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
# What binds names, or is looked for.
_NOTED = frozenset(
    {
        ast.AsyncFunctionDef,
        ast.Call,
        ast.ClassDef,
        ast.ExceptHandler,
        ast.FunctionDef,
        ast.Global,
        ast.Import,
        ast.ImportFrom,
        ast.MatchAs,
        ast.MatchMapping,
        ast.MatchStar,
        ast.Name,
        ast.Nonlocal,
    }
)
_NOT_FOUND = frozenset({"ImportError", "ModuleNotFoundError"})


class Scope:
    """The names of a module, class, function or comprehension."""

    __slots__ = ("bindings", "elsewhere", "node", "outer", "stars")

    def __init__(self, node: ast.AST, outer: "Scope | None") -> None:
        self.node = node
        self.outer = outer
        self.bindings: dict[str, list[Binding]] = {}
        self.elsewhere: dict[str, Scope] = {}  # names that `global` or `nonlocal` says are another's
        self.stars: list[str] = []

    def bind(self, name: str, binding: Binding) -> None:
        """Note one of the things that a name is bound to."""
        self.elsewhere.get(name, self).bindings.setdefault(name, []).append(binding)

    def enclosing(self) -> "Iterator[Scope]":
        """This scope and those around it, without classes: their names are not seen from inside."""
        scope: Scope | None = self
        while scope:
            if scope is self or not isinstance(scope.node, ast.ClassDef):
                yield scope
            scope = scope.outer

    def owner(self, name: str) -> "Scope | None":
        """The scope that a name used here belongs to; None for what is bound nowhere in the file."""
        for scope in self.enclosing():
            if name in scope.elsewhere:
                return scope.elsewhere[name]
            if name in scope.bindings:
                return scope
        return None

    def function_scope(self) -> "Scope":
        """The nearest function's, class's or module's: where a comprehension's walrus binds."""
        scope = self
        while scope.outer and isinstance(scope.node, COMPREHENSIONS):
            scope = scope.outer
        return scope


class Tree:
    """A parsed file: for each node its parent, the parent's field that it is in, and its scope."""

    def __init__(self, module: ast.Module) -> None:
        self.module = Scope(module, None)
        self.parents: dict[ast.AST, tuple[ast.AST, str]] = {}
        self.scopes: dict[ast.AST, Scope] = {module: self.module}
        self.calls: list[ast.Call] = []
        self.functions: list[Function] = []
        self.names: list[ast.Name] = []
        self._walk(module)

    def _walk(self, module: ast.Module) -> None:
        stack: list[tuple[ast.AST, Scope]] = [(module, self.module)]
        while stack:
            node, scope = stack.pop()
            self.scopes[node] = scope
            if type(node) in _NOTED:
                self._note(node)
                _bind(node, scope, self)
            inner = _opened(node, scope) if isinstance(node, _OPENING) else scope
            children = []
            for field, child in _children(node):
                self.parents[child] = (node, field)
                children.append((child, inner if inner is scope or _is_inside(node, field) else scope))
            stack.extend(reversed(children))

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Name():
                self.names.append(node)
            case ast.Call():
                self.calls.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.functions.append(node)

    def climb(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        """Each enclosing node, from the inside out, with the field of it that leads here."""
        while step := self.parents.get(node):
            yield step
            node = step[0]

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that an expression is part of."""
        return next(above for above, _ in self.climb(node) if isinstance(above, ast.stmt))

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """The class that a function is a method of."""
        above, _ = self.parents.get(function, (None, ""))
        return above if isinstance(above, ast.ClassDef) else None


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            for child in value:
                if isinstance(child, ast.AST) and not isinstance(child, _SHARED):
                    yield field, child
        elif isinstance(value, ast.AST) and not isinstance(value, _SHARED):
            yield field, value


def _is_inside(node: ast.AST, field: str) -> bool:
    """Whether this field is run in the scope that the node opens; decorators, defaults and bases are run outside."""
    return isinstance(node, COMPREHENSIONS) or field == "body"


def _opened(node: ast.AST, scope: Scope) -> Scope:
    inner = Scope(node, scope)
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        given = node.args
        for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            if arg:
                inner.bind(arg.arg, None)
    return inner


def _bind(node: ast.AST, scope: Scope, tree: Tree) -> None:
    match node:
        case ast.Import() | ast.ImportFrom():
            _bind_import(node, scope)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            if not _is_stand_in(node, tree):
                scope.bind(name, node)
        case ast.Name(id=name, ctx=ast.Store()):
            if not _is_stand_in(node, tree):
                where = scope.function_scope() if _is_walrus(node, tree) else scope
                where.bind(name, _assigned(node, tree))
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            scope.bind(name, None)
        case ast.MatchMapping(rest=str(name)):
            scope.bind(name, None)
        case ast.Global(names=names):
            scope.elsewhere.update(dict.fromkeys(names, tree.module))
        case ast.Nonlocal(names=names):
            scope.elsewhere.update((name, _nonlocal(name, scope)) for name in names)


def _bind_import(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    """Bind what an import names. A relative one leads into the project itself, where no library is."""
    origin = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        if alias.name == "*":
            scope.stars.append(origin)
        elif alias.asname or origin:
            scope.bind(alias.asname or alias.name, origin + alias.name)
        else:
            top = alias.name.partition(".")[0]
            scope.bind(top, top)


def _nonlocal(name: str, scope: Scope) -> Scope:
    outer = scope.outer or scope
    return outer.owner(name) or outer


def _is_walrus(node: ast.Name, tree: Tree) -> bool:
    return isinstance(tree.parents[node][0], ast.NamedExpr)


def _assigned(node: ast.Name, tree: Tree) -> ast.expr | None:
    match tree.parents[node]:
        case (
            (ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.NamedExpr(value=value)),
            "targets" | "target",
        ):
            return value
    return None


def _is_stand_in(node: ast.AST, tree: Tree) -> bool:
    """Whether this binds what is used where a library is not installed: the import still says what the name means."""
    handlers = (above for above, _ in tree.climb(node) if isinstance(above, ast.ExceptHandler))
    return any(_is_missing(handler.type) for handler in handlers)


def _is_missing(caught: ast.expr | None) -> bool:
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(each, ast.Name) and each.id in _NOT_FOUND for each in types)
