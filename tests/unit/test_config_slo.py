"""Objectives in a configuration: an endpoint's own, and those of groups and tags."""

from pathlib import Path
from textwrap import indent

import pytest
from msgspec.structs import replace

from milkrun.alerting.kinds import CHANNELS
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.core.objectives import SharedObjective, objective_of
from milkrun.core.slo import DAY, Objective
from milkrun.probes.kinds import KINDS
from tests.support.configuring import Configured

ENDPOINTS = """\
endpoints:
  - {name: a, group: core, url: "http://h/"}
  - {name: b, group: shop, url: "http://h/", slo: {target: 99%}}
  - {name: c, group: else, url: "http://h/"}
"""


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path)


def with_slos(*items: str) -> str:
    return ENDPOINTS + "slos:\n" + "".join(f"  - {item}\n" for item in items)


@pytest.mark.parametrize(
    ("written", "objective"),
    [
        ("{target: 99.9%, window: 7d}", Objective(target=0.999, window=7 * DAY)),
        ("{target: 99.95}", Objective(target=0.9995, window=30 * DAY)),
        ("{target: '50 %'}", Objective(target=0.5, window=30 * DAY)),
    ],
)
def test_an_endpoint_has_its_own(configured: Configured, written: str, objective: Objective) -> None:
    endpoint = configured.endpoint(f"name: a\nurl: http://h/\nslo: {written}")
    assert endpoint.slo is not None
    assert endpoint.slo.target == pytest.approx(objective.target)
    assert endpoint.slo.window == objective.window


def test_an_endpoint_without_its_own_is_held_to_the_first_shared_one(configured: Configured) -> None:
    slos = ["{groups: core, target: 99.5%}", "{groups: ['*o*'], target: 98%, name: shops, window: 90d}"]
    settings = configured.load(with_slos(*slos))
    found = [objective_of(endpoint, settings.slos) for endpoint in settings.endpoints]
    assert [each and each.target for each in found] == [pytest.approx(0.995), pytest.approx(0.99), None]
    assert [each.name for each in settings.slos] == ["core", "shops"]


@pytest.mark.parametrize(("tags", "is_about"), [((), False), (("prod",), True), (("test", "prod-eu"), True)])
def test_a_shared_one_asks_for_group_and_tag(configured: Configured, tags: tuple[str, ...], is_about: bool) -> None:
    shared = SharedObjective(name="x", objective=Objective(target=0.9), groups=("core",), tags=("prod*",))
    (core, shop, _) = configured.load(ENDPOINTS).endpoints
    assert shared.is_about(replace(core, tags=tags)) == is_about
    assert not shared.is_about(replace(shop, tags=tags))


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("{groups: core}", "6: slos[0].target: expected a target such as 99.9%"),
        ("{groups: core, target: 0.999}", "expected a percentage of at least 50% and below 100%, such as 99.9%"),
        ("{groups: core, target: 100%}", "expected a percentage of at least 50% and below 100%, such as 99.9%"),
        ("{groups: core, target: most}", "expected a percentage of at least 50% and below 100%, such as 99.9%"),
        ("{groups: core, target: 99%, window: 1m}", "slos[0].window: expected a duration of at least 3600s"),
        ("{target: 99%}", "slos[0]: expected groups or tags that the objective is about"),
        ("{group: core, target: 99%}", "slos[0].group: unknown key, perhaps 'groups'"),
        ("core", "slos[0]: expected keys and values"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(configured: Configured, item: str, problem: str) -> None:
    assert any(problem in each for each in configured.problems(with_slos(item)))


def test_what_is_no_list_is_told(configured: Configured) -> None:
    assert configured.problems(ENDPOINTS + "slos: 99%") == ["5: slos: expected a list"]


def test_an_objective_about_nobody_is_a_warning(configured: Configured) -> None:
    settings = configured.load(with_slos("{groups: cores, target: 99%}", "{tags: prod, target: 99%}"))
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        "slos[0].groups: no endpoint belongs to cores",
        "slos[1].tags: no endpoint belongs to prod",
    ]


def test_the_list_stands_in_one_file_only(configured: Configured) -> None:
    (configured.folder / "other.yaml").write_text("slos:\n" + indent("- {groups: core, target: 99%}\n", "  "))
    configured.file.write_text(with_slos("{groups: core, target: 99%}"))
    with pytest.raises(ConfigError) as told:
        load([configured.folder], KINDS, CHANNELS, {})
    assert [problem.message for problem in told.value.problems] == ["expected this list in one file only"]
