"""Who depends on whom, and whose outage is open: so which outage is explained by another. No I/O."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


class Dependencies:
    """Endpoints by id, what they depend on by key, as the configuration has it. Distance is by links."""

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._parents: dict[int, tuple[str, ...]] = {}
        self._children: dict[str, dict[int, None]] = {}
        self._out: set[int] = set()

    def watch(self, endpoint: int, key: str, depends_on: Sequence[str], *, out: bool) -> None:
        """Take an endpoint up, or in another form; `out`: it has an open outage."""
        self.forget(endpoint)
        self._keys[endpoint], self._ids[key] = key, endpoint
        if depends_on:
            self._parents[endpoint] = tuple(depends_on)
        for parent in depends_on:
            self._children.setdefault(parent, {})[endpoint] = None
        self.mark(endpoint, out=out)

    def forget(self, endpoint: int) -> None:
        """It is there no more; what depends on it waits for one of the same key."""
        key = self._keys.pop(endpoint, None)
        if key is not None:
            del self._ids[key]
        for parent in self._parents.pop(endpoint, ()):
            self._children[parent].pop(endpoint, None)
        self._out.discard(endpoint)

    def mark(self, endpoint: int, *, out: bool) -> None:
        """Its outage opened, or closed."""
        if out:
            self._out.add(endpoint)
        else:
            self._out.discard(endpoint)

    def key(self, endpoint: int | None) -> str:
        """An endpoint's key; "" for one that is not there."""
        return "" if endpoint is None else self._keys.get(endpoint, "")

    def cause(self, endpoint: int) -> int | None:
        """The nearest endpoint with an open outage that it depends on; None where there is none."""
        if endpoint not in self._parents:
            return None
        return next((each for each in self._nearest(endpoint, self._above) if each in self._out), None)

    def dependents(self, endpoint: int) -> list[int]:
        """All that depend on it, the nearest first."""
        return list(self._nearest(endpoint, self._below)) if endpoint in self._keys else []

    def _above(self, endpoint: int) -> Iterable[int]:
        parents = self._parents.get(endpoint, ())
        return [self._ids[key] for key in parents if key in self._ids]

    def _below(self, endpoint: int) -> Iterable[int]:
        return self._children.get(self._keys[endpoint], ())

    def _nearest(self, endpoint: int, links: Callable[[int], Iterable[int]]) -> Iterator[int]:
        seen, waiting = {endpoint}, deque([endpoint])
        while waiting:
            for each in links(waiting.popleft()):
                if each not in seen:
                    seen.add(each)
                    waiting.append(each)
                    yield each


def cycle(depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """The keys of one circle, each depending on the next and the last on the first; [] where there is none."""
    done: set[str] = set()
    for start in depends_on:
        path = [start]
        ways = [iter(depends_on.get(start, ()))]
        while ways:
            key = next(ways[-1], None)
            if key is None:
                done.add(path.pop())
                ways.pop()
            elif key in path:
                return path[path.index(key) :]
            elif key not in done:
                path.append(key)
                ways.append(iter(depends_on.get(key, ())))
    return []
