"""`depends-on`, judged once all endpoints are known: every key is an endpoint's, and nobody depends on itself."""

from difflib import get_close_matches

from milkrun.config.section import Section
from milkrun.core.dependencies import cycle
from milkrun.core.endpoint import Endpoint

DEPENDS_ON = "depends-on"


class DependencyChecks:
    """Gathers who depends on whom, and where that is written."""

    def __init__(self) -> None:
        self._depends_on: dict[str, tuple[str, ...]] = {}
        self._sections: dict[str, Section] = {}
        self._left_out: set[str] = set()

    def leave_out(self, key: str) -> None:
        """An endpoint that is disabled, not built yet, or wrong: naming it is no mistake, and it explains nothing."""
        self._left_out.add(key)

    def add(self, endpoint: Endpoint, section: Section) -> None:
        """Take up an endpoint; `section` is where it is configured."""
        self._depends_on[endpoint.key] = endpoint.depends_on
        self._sections[endpoint.key] = section

    def check(self) -> None:
        """Report every key that is nobody's, and every circle."""
        for key, parents in self._depends_on.items():
            for parent in parents:
                if parent not in self._depends_on and parent not in self._left_out:
                    self._sections[key].problem(DEPENDS_ON, f"expected keys of endpoints; {self._unknown(parent)}")
        links = dict(self._depends_on)
        while circle := cycle(links):
            way = " -> ".join([*circle, circle[0]])
            self._sections[circle[0]].problem(DEPENDS_ON, f"expected no circle of endpoints; this is one: {way}")
            links[circle[0]] = ()

    def _unknown(self, key: str) -> str:
        near = get_close_matches(key, self._depends_on, n=1)
        return f"no endpoint has the key {key!r}" + (f", perhaps {near[0]!r}" if near else "")
