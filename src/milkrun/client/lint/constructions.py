"""Where a file builds clients: by a library's class, by one derived from it, by what returns a client or keeps one."""

import ast
from collections.abc import Iterator

import msgspec

from milkrun.client.lint.conditions import is_conditional
from milkrun.client.lint.fates import ENDED, Fate, Fates
from milkrun.client.lint.keepers import is_built_by_init, is_of_self, methods_of
from milkrun.client.lint.libraries import CLIENTS, ENTERING, OWN_TRANSPORTS, ClientClass
from milkrun.client.lint.names import Names, last_word
from milkrun.client.lint.roles import Role, Roles
from milkrun.client.lint.scopes import FUNCTIONS, Definition, Function, Tree

# What only main() or a lifespan calls has the role of its caller, and may be a factory all the same.
_FACTORIES = frozenset({Role.CONTEXT, Role.HELPER, Role.SCRIPT, Role.STARTUP})


class Construction(msgspec.Struct, frozen=True, kw_only=True):
    """A call that makes a client with connections of its own."""

    call: ast.Call
    client: str
    """The class, by its library's name."""
    role: Role
    fate: Fate
    maker: Definition | None = None
    """What makes it where the call does not: a function of this file, or a class whose objects have one each."""

    @property
    def kind(self) -> ClientClass:
        """How its class is entered and closed."""
        return CLIENTS[self.client]

    @property
    def is_own(self) -> bool:
        """Whether an object was built that has the client for itself."""
        return isinstance(self.maker, ast.ClassDef)

    @property
    def shown(self) -> str:
        """What was built, for a sentence."""
        return f"the client of {self.maker.name}()" if self.maker else self.annotation

    @property
    def annotation(self) -> str:
        """Its class, as this file writes it."""
        return self.client if self.maker and not self.is_own else ast.unparse(self.call.func)

    @property
    def code(self) -> str:
        """How to build one like it, to be entered."""
        built = f"{ast.unparse(self.call.func)}()"
        if not isinstance(self.maker, ast.ClassDef) or methods_of(self.maker) & ENTERING:
            return built
        return f"aclosing({built})" if self.kind.entered == "async with" else f"closing({built})"


class Constructions:
    """Finds those of one file. What has a transport of the caller's opens no connections of its own, and is none."""

    def __init__(self, tree: Tree, names: Names, roles: Roles, fates: Fates) -> None:
        self._tree = tree
        self._names = names
        self._roles = roles
        self._fates = fates

    def all(self) -> list[Construction]:
        """Every construction; to call what always builds a client and returns or keeps it is one, too."""
        found = list(self._direct())
        makers: set[Definition] = set()
        for construction in found:  # which grows: a factory may be made of another
            maker = self._factory(construction) or self._keeper(construction)
            if maker and maker not in makers:
                makers.add(maker)
                found.extend(self._by_maker(maker, construction))
        return found

    def _direct(self) -> Iterator[Construction]:
        for call in self._tree.calls:
            client = self._names.client(call.func)
            if client and self._is_run(call) and not self._is_borrowed(call) and not self._is_of_borrowing_class(call):
                yield Construction(call=call, client=client, role=self._roles.at(call), fate=self._fates.of(call))

    def _by_maker(self, maker: Definition, made: Construction) -> Iterator[Construction]:
        for call in self._names.callers.get(maker, ()):
            role, fate = self._roles.at(call), self._fates.of(call)
            yield Construction(call=call, client=made.client, role=role, fate=fate, maker=maker)

    def _factory(self, made: Construction) -> Function | None:
        """The function around, if each of its calls builds this client and gives it to the caller."""
        function = next(iter(self._roles.around(made.call)), None)
        given = Fate.YIELDED if made.role is Role.CONTEXT else Fate.RETURNED
        if not isinstance(function, FUNCTIONS) or made.role not in _FACTORIES:
            return None
        is_kept = Fate.STORED in made.fate or given not in made.fate
        return None if is_kept or is_conditional(self._tree, made.call) else function

    def _keeper(self, made: Construction) -> ast.ClassDef | None:
        """The class around, if each of its objects builds this client when it is built itself, and keeps it."""
        function = next(iter(self._roles.around(made.call)), None)
        if not isinstance(function, FUNCTIONS) or function.name != "__init__" or made.role not in _FACTORIES:
            return None
        is_kept = not made.fate & ENDED and any(is_of_self(kept) for kept in self._fates.keepers(made.call))
        keeper = self._tree.class_of(function)
        is_plain = keeper is not None and is_built_by_init(keeper)
        return keeper if is_plain and is_kept and not is_conditional(self._tree, made.call) else None

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
