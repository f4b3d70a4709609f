"""A result as one flat row: its columns, what kind of value each has, and where that comes from."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from milkrun.core.result import Result
from milkrun.store.protocol import Known


class Sort(StrEnum):
    """What a column holds. TIME is epoch ms."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"


class Column(msgspec.Struct, frozen=True):
    """A column's name, what it holds, and its value for a result of an endpoint; None is none."""

    name: str
    sort: Sort
    value: Callable[[Known, Result], Any]


def _phase(name: str) -> Column:
    return Column(f"{name}_ms", Sort.NUMBER, lambda _, result: round(getattr(result.timings, name) * 1_000, 3))


COLUMNS = (
    Column("endpoint", Sort.TEXT, lambda endpoint, _: endpoint.key),
    Column("group", Sort.TEXT, lambda endpoint, _: endpoint.group),
    Column("name", Sort.TEXT, lambda endpoint, _: endpoint.name),
    Column("revision", Sort.WHOLE, lambda _, result: result.revision),
    Column("location", Sort.TEXT, lambda _, result: result.location),
    Column("slot", Sort.TIME, lambda _, result: result.slot),
    Column("attempt", Sort.WHOLE, lambda _, result: result.attempt),
    Column("trigger", Sort.TEXT, lambda _, result: result.trigger.value),
    Column("started", Sort.TIME, lambda _, result: round(result.started * 1_000)),
    Column("outcome", Sort.TEXT, lambda _, result: result.outcome.value),
    Column("maintenance", Sort.FLAG, lambda _, result: result.maintenance),
    Column("connection", Sort.TEXT, lambda _, result: result.connection and result.connection.value),
    Column("stale_retry", Sort.FLAG, lambda _, result: result.stale_retry),
    Column("peer", Sort.TEXT, lambda _, result: result.peer),
    Column("lag_ms", Sort.NUMBER, lambda _, result: result.lag_ms),
    *map(_phase, ("queue", "dns", "connect", "tls", "send", "wait", "receive", "total")),
    Column("http_status", Sort.WHOLE, lambda _, result: result.http and result.http.status),
    Column("http_version", Sort.TEXT, lambda _, result: result.http and result.http.version),
    Column("http_bytes", Sort.WHOLE, lambda _, result: result.http and result.http.bytes),
    Column("tls_version", Sort.TEXT, lambda _, result: result.tls and result.tls.version),
    Column("tls_not_after", Sort.TIME, lambda _, result: _not_after(result)),
    Column("failure_layer", Sort.TEXT, lambda _, result: result.failure and result.failure.layer.value),
    Column("failure_kind", Sort.TEXT, lambda _, result: result.failure and result.failure.kind),
    Column("failure_message", Sort.TEXT, lambda _, result: result.failure and result.failure.message),
    Column("failed_conditions", Sort.TEXT, lambda _, result: _failed(result)),
    Column("warnings", Sort.TEXT, lambda _, result: "; ".join(result.warnings) or None),
)


def _not_after(result: Result) -> int | None:
    if result.tls is None or result.tls.not_after is None:
        return None
    return int(result.tls.not_after * 1_000)


def _failed(result: Result) -> str | None:
    """The conditions that failed, with their values."""
    return "; ".join(one.shown for one in result.conditions if not one.passed) or None
