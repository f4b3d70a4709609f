"""What a function is for, as far as its file tells: which decides how often it runs."""

import ast
from collections import defaultdict
from enum import StrEnum

from milkrun.client.lint import frameworks as known
from milkrun.client.lint.loops import loop_around
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.scopes import FUNCTIONS, Definition, Function, Scope, Tree

Callable = Function | ast.Lambda


class Role(StrEnum):
    """In the order in which they count where a function has several."""

    TEST = "test"
    CACHED = "cached"
    """Runs once, and its answer is kept."""
    HANDLER = "handler"
    """Runs for each request: routes, dependencies, middleware, background tasks."""
    STARTUP = "startup"
    SCRIPT = "script"
    """Runs once in a process: main(), a command."""
    CONTEXT = "context"
    """A context manager: its caller says how long it lives."""
    IMPORT = "import"
    """No function: the module itself, or a class's body."""
    HELPER = "helper"


_ORDER = tuple(Role)
_ONCE = frozenset({Role.TEST, Role.STARTUP, Role.SCRIPT})


class Roles:
    """The roles of one file's functions. `dependencies` are the names that other files use as such."""

    def __init__(self, tree: Tree, names: Names, dependencies: frozenset[str]) -> None:
        self._tree = tree
        self._names = names
        self._said: dict[Definition | ast.Lambda, set[Role]] = defaultdict(set)
        self._found: dict[Function, Role] = {}
        self._dependencies = dependencies
        self._has_commands = self._imports("click", "typer")
        for function in tree.functions:
            self._said[function].update(self._by_itself(function), *map(self._by_decorator, function.decorator_list))
        for call in tree.calls:
            self._by_registration(call)
        self._by_constructor()
        for call in tree.calls:
            if last_word(call.func) in known.RUNNERS and self._is_program(call):
                self._hand_to_runner(call)
        self._found.clear()  # what was found on the way was found before all was said

    def _imports(self, *modules: str) -> bool:
        bound = (binding for bindings in self._tree.module.bindings.values() for binding in bindings)
        return any(isinstance(each, str) and each.partition(".")[0] in modules for each in bound)

    def at(self, node: ast.AST) -> Role:
        """The role of the code that a node is in: of the innermost function that has one, else a helper's."""
        functions = self.around(node)
        if not functions:
            return Role.SCRIPT if self.is_main_block(node) else Role.IMPORT
        for function in functions:
            if (role := self._of(function)) is not Role.HELPER:
                return role
        return Role.HELPER

    def around(self, node: ast.AST) -> list[Callable]:
        """The functions that a node is in, from the inside out."""
        found: list[Callable] = []
        scope: Scope | None = self._tree.scopes[node]
        while scope:
            if isinstance(scope.node, (*FUNCTIONS, ast.Lambda)):
                found.append(scope.node)
            scope = scope.outer
        return found

    def is_property(self, node: ast.AST) -> bool:
        """Whether the innermost function around is run by reading an attribute, each time."""
        around = self.around(node)
        decorators = around[0].decorator_list if around and isinstance(around[0], FUNCTIONS) else ()
        return any(last_word(decorator) == "property" for decorator in decorators)

    def is_main_block(self, node: ast.AST) -> bool:
        """Whether this stands under `if __name__ == "__main__":`."""
        return any(
            isinstance(above, ast.If) and field == "body" and "__main__" in ast.unparse(above.test)
            for above, field in self._tree.climb(node)
        )

    def _of(self, function: Callable) -> Role:
        if said := self._said[function]:
            return min(said, key=_ORDER.index)
        return Role.HELPER if isinstance(function, ast.Lambda) else self._by_callers(function)

    def _by_callers(self, function: Function) -> Role:
        """What only a main() or a lifespan calls is a part of it, as long as all its callers are in this file."""
        if function not in self._found:
            self._found[function] = Role.HELPER  # what it is found to be where it calls itself: it may run often
            calls = self._names.callers.get(function, ())
            roles = {self.at(call) for call in calls}
            if roles and roles <= _ONCE and not any(loop_around(self._tree, call) for call in calls):
                self._found[function] = min(roles, key=_ORDER.index)
        return self._found[function]

    def _by_itself(self, function: Function) -> set[Role]:
        found = set()
        if function.name.startswith("test_"):
            found.add(Role.TEST)
        if function.name in known.STARTUP_NAMES:
            found.add(Role.STARTUP)
        if function.name in known.SCRIPT_NAMES and not self._tree.class_of(function):
            found.add(Role.SCRIPT)
        if function.name in self._dependencies and self._tree.scopes[function] is self._tree.module:
            found.add(Role.HANDLER)
        if self._is_view(function) or self._takes_request(function) or _is_asgi(function):
            found.add(Role.HANDLER)
        return found

    def _is_view(self, function: Function) -> bool:
        view = self._tree.class_of(function)
        if not view or function.name not in known.VIEW_METHODS:
            return False
        return any(last_word(base) in known.VIEW_BASES for base in view.bases)

    def _takes_request(self, function: Function) -> bool:
        hints = (arg.annotation for arg in function.args.args if arg.annotation)
        kinds = (kind for hint in hints if last_word(hint) in known.REQUEST_TYPES for kind in self._names.meaning(hint))
        return any(kind.startswith(known.REQUEST_PACKAGES) for kind in kinds)

    def _by_decorator(self, decorator: ast.expr) -> set[Role]:
        word = last_word(decorator)
        if word in known.EVENT_DECORATORS and isinstance(decorator, ast.Call):
            return {Role.STARTUP} if _says_start(decorator) else set()
        return {role for words, role in _DECORATORS if word in words} | self._by_route(decorator, word)

    def _by_route(self, decorator: ast.expr, word: str) -> set[Role]:
        if isinstance(decorator, ast.Attribute):
            return {Role.HANDLER} if word in known.AROUND_REQUESTS else self._by_command(word)
        if not isinstance(decorator, ast.Call):
            return set()
        if isinstance(decorator.func, ast.Attribute):
            return {Role.HANDLER} if word in known.ROUTE_DECORATORS else self._by_command(word)
        named = {f"{known.DECORATOR_PACKAGE}{each}" for each in known.LITESTAR_DECORATORS}
        return {Role.HANDLER} if self._names.meaning(decorator.func) & named else self._by_command(word)

    def _by_command(self, word: str) -> set[Role]:
        return {Role.SCRIPT} if self._has_commands and word in known.COMMAND_DECORATORS else set()

    def _by_registration(self, call: ast.Call) -> None:
        role = self._handed_to(call)
        if last_word(call.func) in known.DEPENDENCIES and not call.args and (meant := self._annotation(call)):
            self._say(meant, role)
        for given in call.args if role else ():
            self._say(given, role)
        for keyword in call.keywords:
            if keyword.arg in known.STARTUP_ARGUMENTS:
                self._say(keyword.value, Role.STARTUP)
            else:
                self._say(keyword.value, role)

    def _annotation(self, call: ast.Call) -> ast.expr | None:
        """What is depended on in `Annotated[Prices, Depends()]` and in `prices: Prices = Depends()`."""
        match self._tree.parents[call][0]:
            case ast.Tuple(elts=[meant, *_]):
                return meant
            case ast.arguments() as given:
                last = zip(reversed((*given.posonlyargs, *given.args)), reversed(given.defaults), strict=False)
                pairs = (*last, *zip(given.kwonlyargs, given.kw_defaults, strict=True))
                return next(arg.annotation for arg, default in pairs if default is call)
        return None

    def _handed_to(self, call: ast.Call) -> Role | None:
        word = last_word(call.func)
        if word in known.STARTUP_CALLS and _says_start(call):
            return Role.STARTUP
        if (
            word == "append"
            and isinstance(call.func, ast.Attribute)
            and last_word(call.func.value) in known.STARTUP_LISTS
        ):
            return Role.STARTUP
        is_registered = word in known.REGISTRATIONS or self._names.meaning(call.func) & known.AIOHTTP_ROUTES
        return Role.HANDLER if is_registered else None

    def _is_program(self, call: ast.Call) -> bool:
        """Whether a runner's call is where a process begins, and no bridge that blocking code calls with what to do."""
        if loop_around(self._tree, call):
            return False
        if (role := self.at(call)) is not Role.HELPER:
            return role in {Role.IMPORT, Role.SCRIPT}
        return not any(ast.unparse(function.args) for function in self.around(call))

    def _hand_to_runner(self, call: ast.Call) -> None:
        for given in call.args:
            self._say(given.func if isinstance(given, ast.Call) else given, Role.SCRIPT)

    def _say(self, given: ast.expr, role: Role | None) -> None:
        """Note a role of what is handed over: a function, or several in a list."""
        if role is None:
            return
        if isinstance(given, ast.List | ast.Tuple):
            for each in given.elts:
                self._say(each, role)
        elif isinstance(given, ast.Lambda):
            self._said[given].add(role)
        for definition in self._names.definitions(given):
            self._said[definition].add(role)

    def _by_constructor(self) -> None:
        """A class that is a dependency is built for each request: its __init__ is the handler."""
        for definition in [each for each in self._said if isinstance(each, ast.ClassDef)]:
            for method in definition.body:
                if isinstance(method, FUNCTIONS) and method.name == "__init__":
                    self._said[method].update(self._said[definition])


_DECORATORS = (
    (known.TEST_DECORATORS, Role.TEST),
    (known.CACHE_DECORATORS, Role.CACHED),
    (known.CONTEXT_DECORATORS, Role.CONTEXT),
    (known.STARTUP_DECORATORS, Role.STARTUP),
)


def _says_start(call: ast.Call) -> bool:
    """Whether the event that is named is one of the start: "startup", "before_server_start"."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(isinstance(each, ast.Constant) and "start" in str(each.value) for each in given)


def _is_asgi(function: Function) -> bool:
    parameters = [arg.arg for arg in function.args.args]
    return parameters[-3:] == known.ASGI_PARAMETERS
