"""Objectives: `slo` of an endpoint, and the list `slos` of what groups and tags have together."""

import re
from collections.abc import Iterable

from milkrun.config.globs import read_globs
from milkrun.config.section import Section
from milkrun.core.endpoint import Endpoint
from milkrun.core.objectives import SharedObjective
from milkrun.core.slo import DAY, HOUR, Objective

SLOS = "slos"
# Below this a target is a mistake: 0.999 for 99.9%, most likely.
LEAST_TARGET = 50.0

_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%?", re.ASCII)


class SloReader:
    """Reads the list `slos`; a second one, in another file, is a problem."""

    def __init__(self) -> None:
        self.shared: tuple[SharedObjective, ...] = ()
        self._sections: list[Section] = []
        self._seen = False

    def read(self, section: Section) -> None:
        """Read the list from the section that has it."""
        if self._seen:
            section.problem(SLOS, "expected this list in one file only")
            return
        self._seen = True
        self._sections = section.sections(SLOS)
        self.shared = tuple(_shared(each) for each in self._sections)
        section.done({})

    def check(self, endpoints: Iterable[Endpoint]) -> None:
        """Warn of objectives that are about no endpoint, once all endpoints have been read."""
        known = list(endpoints)
        for shared, section in zip(self.shared, self._sections, strict=True):
            if not any(shared.is_about(endpoint) for endpoint in known):
                section.warning("groups" if shared.groups else "tags", f"no endpoint belongs to {shared.name}")


def read_slo(section: Section) -> Objective | None:
    """An endpoint's own objective; None where it has none."""
    return _objective(section.section("slo")) if "slo" in section else None


def _shared(section: Section) -> SharedObjective:
    groups, tags = read_globs(section, "groups"), read_globs(section, "tags")
    if not groups and not tags:
        section.refuse("expected groups or tags that the objective is about")
    name = section.text("name") or ", ".join([*groups, *tags])
    return SharedObjective(name=name, objective=_objective(section), groups=groups, tags=tags)


def _objective(section: Section) -> Objective:
    if "target" not in section:
        section.problem("target", "expected a target such as 99.9%")
    expected = f"a percentage of at least {LEAST_TARGET:g}% and below 100%, such as 99.9%"
    target = section.parsed("target", 0.999, _target, expected)
    return Objective(target=target, window=int(section.milliseconds("window", 30.0 * DAY, least=HOUR)))


def _target(text: str) -> float | None:
    match = _PERCENTAGE.fullmatch(text)
    percentage = float(match[1]) if match else 0.0
    return round(percentage / 100, 11) if LEAST_TARGET <= percentage < 100 else None
