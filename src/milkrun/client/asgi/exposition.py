"""The clients' figures in Prometheus' text format, version 0.0.4."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from milkrun.client.stats import Stats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[Labels, int]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Family(NamedTuple):
    """One metric: `read` gives its samples from one client's figures."""

    name: str
    kind: str
    said: str
    read: Callable[[Stats], Iterator[Sample]]


def _counts(key: str) -> Callable[[Stats], Iterator[Sample]]:
    def read(stats: Stats) -> Iterator[Sample]:
        value = stats[key]  # type: ignore[literal-required]  # the keys are those of the table below
        if value is not None:
            yield {}, value

    return read


def _counts_by(key: str, label: str) -> Callable[[Stats], Iterator[Sample]]:
    def read(stats: Stats) -> Iterator[Sample]:
        for kind, value in stats[key].items():  # type: ignore[literal-required]  # the keys are those of the table below
            yield {label: kind}, value

    return read


FAMILIES = (
    Family("requests_total", "counter", "Requests sent.", _counts("requests_total")),
    Family("warm_total", "counter", "Requests that went over an open connection.", _counts("warm_total")),
    Family("cold_total", "counter", "Requests that opened a connection.", _counts("cold_total")),
    Family(
        "stale_retries_total",
        "counter",
        "Requests repeated once because a reused connection had been closed by the other side.",
        _counts("stale_retries_total"),
    ),
    Family("opened_total", "counter", "Connections opened.", _counts("opened_total")),
    Family("closed_total", "counter", "Connections closed, by reason.", _counts_by("closed_total", "reason")),
    Family("connections", "gauge", "Connections now.", _counts_by("connections", "state")),
    Family("queue", "gauge", "Requests that wait for a limit.", _counts("queue")),
    Family("origins", "gauge", "Origins that are known.", _counts("origins")),
    Family("descriptors", "gauge", "File descriptors.", _counts_by("descriptors", "kind")),
    Family("time_wait", "gauge", "Sockets in TIME_WAIT in this network namespace.", _counts("time_wait")),
)


def exposition(clients: Mapping[str, Stats], pid: int) -> str:
    """The page.

    Args:
        clients: figures by client's name.
        pid: of this process. Worker processes answer scrapes in turn: without it counters would seem to fall.
    """
    return "".join(f"{line}\n" for family in FAMILIES for line in _lines(family, clients, pid))


def _lines(family: Family, clients: Mapping[str, Stats], pid: int) -> Iterator[str]:
    name = f"milkrun_client_{family.name}"
    yield f"# HELP {name} {family.said}"
    yield f"# TYPE {name} {family.kind}"
    for client, stats in clients.items():
        for labels, value in family.read(stats):
            yield f"{name}{{{_written({'client': client, **labels, 'pid': str(pid)})}}} {value}"


def _written(labels: Labels) -> str:
    return ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in labels.items())
