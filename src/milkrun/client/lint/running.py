"""What a call runs: the function that it names, or the one that it is handed, for each of many or on a thread."""

import ast

from milkrun.client.lint.names import last_word

# Calls that run a function on a thread, with the place that it has among their arguments.
_THREADS = {"to_thread": 0, "run_in_threadpool": 0, "run_sync": 0, "submit": 0, "run_in_executor": 1}
_PLACES = {"map": 0, **_THREADS}


def run_by(call: ast.Call) -> ast.expr:
    """The function itself: `httpx.get` of `httpx.get(url)`, `map(httpx.get, urls)`, `to_thread(httpx.get, url)`."""
    place = _PLACES.get(last_word(call.func))
    return call.func if place is None or len(call.args) <= place else call.args[place]


def is_for_each(call: ast.Call) -> bool:
    """Whether this is a loop by itself: `map(httpx.get, urls)`."""
    return last_word(call.func) == "map"


def is_on_thread(call: ast.Call) -> bool:
    """Whether the function is run on a thread, where it blocks no event loop; `map` of an executor has them, too."""
    return last_word(call.func) in _THREADS or (is_for_each(call) and isinstance(call.func, ast.Attribute))
