"""Where a file builds clients: by a class of a library, by a class derived from one, by a function that returns one."""

import ast
from collections.abc import Iterator

import msgspec

from milkrun.client.lint.conditions import is_conditional
from milkrun.client.lint.fates import Fate, Fates
from milkrun.client.lint.libraries import CLIENTS, OWN_TRANSPORTS, ClientClass
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.roles import Role, Roles
from milkrun.client.lint.scopes import FUNCTIONS, Function, Tree

# What only main() or a lifespan calls has the role of its caller, and may be a factory all the same.
_FACTORIES = frozenset({Role.CONTEXT, Role.HELPER, Role.SCRIPT, Role.STARTUP})


class Construction(msgspec.Struct, frozen=True, kw_only=True):
    """A call that makes a client with connections of its own."""

    call: ast.Call
    client: str
    """The class, by its library's name."""
    role: Role
    fate: Fate
    factory: str | None = None
    """The function of this file that makes it."""

    @property
    def kind(self) -> ClientClass:
        """How its class is entered and closed."""
        return CLIENTS[self.client]

    @property
    def shown(self) -> str:
        """What was built, for a sentence."""
        return f"the client of {self.factory}()" if self.factory else self.annotation

    @property
    def annotation(self) -> str:
        """Its class, as this file writes it."""
        return self.client if self.factory else ast.unparse(self.call.func)

    @property
    def code(self) -> str:
        """How to build one like it."""
        return f"{ast.unparse(self.call.func)}()"


class Constructions:
    """Finds those of one file. What has a transport of the caller's opens no connections of its own, and is none."""

    def __init__(self, tree: Tree, names: Names, roles: Roles, fates: Fates) -> None:
        self._tree = tree
        self._names = names
        self._roles = roles
        self._fates = fates

    def all(self) -> list[Construction]:
        """Every construction; calls of a function that always builds a client and returns it are some, too."""
        found = list(self._direct())
        factories: set[Function] = set()
        for construction in found:  # which grows: a factory may be made of another
            function = self._factory(construction)
            if function and function not in factories:
                factories.add(function)
                found.extend(self._by_factory(function, construction))
        return found

    def _direct(self) -> Iterator[Construction]:
        for call in self._tree.calls:
            client = self._names.client(call.func)
            if client and self._is_run(call) and not self._is_borrowed(call) and not self._is_of_borrowing_class(call):
                yield Construction(call=call, client=client, role=self._roles.at(call), fate=self._fates.of(call))

    def _by_factory(self, function: Function, made: Construction) -> Iterator[Construction]:
        for call in self._names.callers.get(function, ()):
            role, fate = self._roles.at(call), self._fates.of(call)
            yield Construction(call=call, client=made.client, role=role, fate=fate, factory=function.name)

    def _factory(self, made: Construction) -> Function | None:
        """The function around, if each of its calls builds this client and gives it to the caller."""
        function = next(iter(self._roles.around(made.call)), None)
        given = Fate.YIELDED if made.role is Role.CONTEXT else Fate.RETURNED
        if not isinstance(function, FUNCTIONS) or made.role not in _FACTORIES:
            return None
        is_kept = Fate.STORED in made.fate or given not in made.fate
        return None if is_kept or is_conditional(self._tree, made.call) else function

    def _is_run(self, call: ast.Call) -> bool:
        return not any(
            isinstance(above, ast.If) and field == "body" and last_word(above.test) == "TYPE_CHECKING"
            for above, field in self._tree.climb(call)
        )

    def _is_borrowed(self, call: ast.Call) -> bool:
        """Whether the connections are another's: of a transport that was handed in, an application's, a connector's."""
        for keyword in call.keywords:
            if keyword.arg == "transport" and not self._is_own_transport(keyword.value):
                return True
            if keyword.arg == "app" or (keyword.arg == "connector_owner" and _is(keyword.value, False)):
                return True
        return False

    def _is_own_transport(self, value: ast.expr) -> bool:
        made = [value, *self._assigned(value)]
        return _is(value, None) or any(
            isinstance(each, ast.Call) and last_word(each) in OWN_TRANSPORTS for each in made
        )

    def _assigned(self, value: ast.expr) -> list[ast.expr]:
        if not isinstance(value, ast.Name) or not (owner := self._tree.scopes[value].owner(value.id)):
            return []
        return [each for each in owner.bindings.get(value.id, ()) if isinstance(each, ast.expr)]

    def _is_of_borrowing_class(self, call: ast.Call) -> bool:
        """Whether the class is one of this file that hands a transport to its base."""
        classes = [each for each in self._names.definitions(call.func) if isinstance(each, ast.ClassDef)]
        inside = (each for one in classes for each in ast.walk(one) if isinstance(each, ast.Call))
        return any(last_word(each.func) == "__init__" and self._is_borrowed(each) for each in inside)


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
