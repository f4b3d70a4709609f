"""What every Store tells a report: which endpoints there ever were, which incidents fell into a stretch of time."""

import pytest
from msgspec.structs import replace

from milkrun.store.protocol import Batch, Known, Store
from tests.support.database import registered
from tests.support.history import START, an_endpoint, an_incident


async def test_all_endpoints_there_ever_were_are_known_as_they_were_last(store: Store) -> None:
    [late, first] = await store.register([an_endpoint("late"), an_endpoint("first")])
    await store.register([replace(an_endpoint("first", fingerprint="second"), interval=60_000)])
    assert await store.known() == [
        Known(
            id=one.id,
            key=f"core_{name}",
            name=name,
            group="core",
            target=f"https://shop.example/{name}",
            interval=interval,
        )
        for one, name, interval in ((first, "first", 60_000), (late, "late", 10_000))
    ]


async def test_nothing_is_known_of_an_empty_store(store: Store) -> None:
    assert await store.known() == []


@pytest.mark.parametrize(
    ("opened", "closed", "found"),
    [
        (0, 10, False),
        (0, 11, True),
        (10, 12, True),
        (19, None, True),
        (20, None, False),
        (0, None, True),
        (0, 99, True),
    ],
)
async def test_incidents_are_found_that_were_open_in_a_stretch_of_time(
    store: Store, opened: int, closed: int | None, found: bool
) -> None:
    [endpoint] = await registered(store)
    incident = replace(an_incident(endpoint), opened=START + opened, closed=None if closed is None else START + closed)
    await store.write(Batch(incidents=[incident]))
    page = await store.incidents(during=(START + 10, START + 20))
    assert (page.items, page.total) == (((incident,), 1) if found else ((), 0))
