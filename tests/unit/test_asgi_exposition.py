"""The clients' figures as Prometheus reads them: judged by prometheus_client's own parser."""

import os

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from milkrun.client import Client, Stats
from milkrun.client.asgi.exposition import exposition

STATS: Stats = {
    "origins": 2,
    "connections": {"open": 3, "idle": 1, "in_use": 2},
    "opened_total": 7,
    "closed_total": {"max-age": 3, "server": 1},
    "requests_total": 50,
    "warm_total": 43,
    "cold_total": 7,
    "stale_retries_total": 1,
    "descriptors": {"used": 3, "budget": 800, "limit": 1000},
    "time_wait": 9,
    "queue": 4,
}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name.removeprefix("milkrun_client_"), frozenset(sample.labels.items() - {("pid", "77")})): sample.value
        for family in parsed(text)
        for sample in family.samples
    }


def test_every_figure_of_a_client_has_its_sample() -> None:
    default = ("client", "default")
    assert samples(exposition({"default": STATS}, 77)) == {
        ("requests_total", frozenset({default})): 50,
        ("warm_total", frozenset({default})): 43,
        ("cold_total", frozenset({default})): 7,
        ("stale_retries_total", frozenset({default})): 1,
        ("opened_total", frozenset({default})): 7,
        ("closed_total", frozenset({default, ("reason", "max-age")})): 3,
        ("closed_total", frozenset({default, ("reason", "server")})): 1,
        ("connections", frozenset({default, ("state", "open")})): 3,
        ("connections", frozenset({default, ("state", "idle")})): 1,
        ("connections", frozenset({default, ("state", "in_use")})): 2,
        ("queue", frozenset({default})): 4,
        ("origins", frozenset({default})): 2,
        ("descriptors", frozenset({default, ("kind", "used")})): 3,
        ("descriptors", frozenset({default, ("kind", "budget")})): 800,
        ("descriptors", frozenset({default, ("kind", "limit")})): 1000,
        ("time_wait", frozenset({default})): 9,
    }


def test_no_figure_that_a_client_has_is_left_out() -> None:
    shown = {family.name.removeprefix("milkrun_client_") for family in parsed(exposition({"x": STATS}, 1))}
    assert shown == {key.removesuffix("_total") for key in Client().stats()}


def test_counters_are_counters_and_the_rest_are_gauges() -> None:
    for family in parsed(exposition({"default": STATS}, 77)):
        names = {sample.name for sample in family.samples}
        assert family.type == ("counter" if all(name.endswith("_total") for name in names) else "gauge")
        assert family.documentation


def test_what_cannot_be_known_has_no_sample() -> None:
    unknown: Stats = {**STATS, "time_wait": None}
    assert all(name != "time_wait" for name, _ in samples(exposition({"default": unknown}, 77)))


@pytest.mark.parametrize("name", ['say "cheese"', "back\\slash", "two\nlines", "\\n", '\\"\n', "Zürich {1,2} = ✈"])
def test_any_name_of_a_client_comes_through(name: str) -> None:
    found = {sample.labels["client"] for family in parsed(exposition({name: STATS}, 1)) for sample in family.samples}
    assert found == {name}


def test_each_family_is_told_once_with_the_samples_of_all_clients() -> None:
    text = exposition({"one": STATS, "two": STATS}, os.getpid())
    lines = text.splitlines()
    assert text.endswith("\n")
    assert len([line for line in lines if line.startswith("# TYPE")]) == len(list(parsed(text)))
    assert {sample.labels["pid"] for family in parsed(text) for sample in family.samples} == {str(os.getpid())}


def test_without_clients_there_are_no_samples() -> None:
    assert [family for family in parsed(exposition({}, 1)) if family.samples] == []
