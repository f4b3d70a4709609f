"""What is made of the client's books for each origin, and what the kernel says of TIME_WAIT."""

import asyncio
import math
import time
from pathlib import Path

import pytest

from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.exchange.link import Closed, Link
from milkrun.client.http1.connection import Connection
from milkrun.client.http2.connection import Http2Connection
from milkrun.client.pool.learnt import Learnt, Memory
from milkrun.client.stats import OriginStats, by_origin, time_wait

HERE = "https://here.test"
NOTHING: OriginStats = {
    "connections": {"open": 0, "idle": 0, "in_use": 0},
    "opened_total": 0,
    "requests_total": 0,
    "warm_total": 0,
    "cold_total": 0,
    "version": None,
    "survival": None,
}


def link(kind: type[Link] = Connection, *, key: str = HERE, uses: int = 1, idle: bool = False) -> Link:
    loop = asyncio.get_running_loop()
    made: Link = kind(  # type: ignore[call-arg]  # both kinds take it
        loop=loop, deadlines=Deadlines(loop, time.monotonic), clock=time.monotonic, patience=60, jitter=1, max_head=1000
    )
    made.key, made.uses, made.is_idle = key, uses, idle
    return made


def test_an_origin_that_was_never_reached_has_nothing() -> None:
    assert by_origin({HERE: Learnt()}, [], 0.0) == {HERE: NOTHING}


async def test_connections_count_by_what_they_do_and_what_they_have_carried() -> None:
    closing = link(uses=2)
    closing.ended = Closed.MAX_AGE
    links = [link(uses=5, idle=True), link(uses=1), link(uses=0), closing]
    origins = by_origin({HERE: Learnt(opened=4)}, links, 0.0)
    assert origins[HERE] == NOTHING | {
        "connections": {"open": 4, "idle": 1, "in_use": 2},
        "opened_total": 4,
        "requests_total": 8,
        "warm_total": 5,
        "cold_total": 3,
        "version": "1.1",
    }


def test_connections_that_are_no_more_are_remembered() -> None:
    learnt = Memory().of(HERE)
    learnt.opened = 3
    for uses in (4, 1, 0):
        learnt.lost(uses)
    figures = by_origin({HERE: learnt}, [], 0.0)[HERE]
    assert (figures["opened_total"], figures["requests_total"]) == (3, 5)
    assert (figures["cold_total"], figures["warm_total"]) == (2, 3)


async def test_an_origin_is_one_whatever_the_options_it_is_asked_with() -> None:
    other = f"{HERE} insecure"
    learnt = {HERE: Learnt(opened=1, survival=9, until=math.inf), other: Learnt(opened=1, survival=4, until=math.inf)}
    figures = by_origin(learnt, [link(), link(key=other)], 0.0)[HERE]
    assert (figures["opened_total"], figures["connections"]["open"], figures["survival"]) == (2, 2, 4)


def test_how_long_idle_connections_live_is_told_while_it_is_believed() -> None:
    learnt = {HERE: Learnt(survival=4.0, until=100.0)}
    assert by_origin(learnt, [], 99.0)[HERE]["survival"] == 4.0
    assert by_origin(learnt, [], 100.0)[HERE]["survival"] is None


@pytest.mark.parametrize(
    ("single", "kinds", "version"),
    [
        (False, [], None),
        (True, [], "1.1"),
        (False, [Connection], "1.1"),
        (False, [Http2Connection], "2"),
        (True, [Connection, Http2Connection], "2"),
        (False, [Http2Connection, Connection], "2"),
    ],
)
async def test_the_version_is_what_the_connections_speak(
    single: bool, kinds: list[type[Link]], version: str | None
) -> None:
    assert by_origin({HERE: Learnt(single=single)}, map(link, kinds), 0.0)[HERE]["version"] == version


async def test_a_connection_made_while_the_books_were_read_does_no_harm() -> None:
    assert by_origin({}, [link()], 0.0)[HERE]["connections"]["open"] == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("sockets: used 5\nTCP: inuse 6 orphan 0 tw 42 alloc 8 mem 1\nUDP: inuse 1\n", 42),
        ("sockets: used 5\n", None),
        ("TCP: inuse 6\n", None),
    ],
)
def test_time_wait_is_read_from_the_kernels_table(tmp_path: Path, text: str, count: int | None) -> None:
    table = tmp_path / "sockstat"
    table.write_text(text)
    assert time_wait(table) == count


def test_where_there_is_no_table_it_is_not_known(tmp_path: Path) -> None:
    assert time_wait(tmp_path / "absent") is None
