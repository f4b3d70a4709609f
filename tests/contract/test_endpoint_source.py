"""What every source of endpoints does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from milkrun.alerting.kinds import CHANNELS
from milkrun.clock import settle
from milkrun.config.load import load
from milkrun.config.problems import ConfigError
from milkrun.config.source import EndpointChanges, EndpointSource, FileSource, MemorySource
from milkrun.core.endpoint import Endpoint
from milkrun.probes.kinds import KINDS

Describe = Callable[[dict[str, str]], Awaitable[None]]


def written(endpoints: dict[str, str]) -> str:
    items = "".join(f"\n  - {{name: {name}, url: 'http://h/{path}'}}" for name, path in endpoints.items())
    return f"endpoints:{items}\n"


def read(folder: Path, endpoints: dict[str, str]) -> tuple[Endpoint, ...]:
    (folder / "endpoints.yaml").write_text(written(endpoints))
    return load([folder / "endpoints.yaml"], KINDS, CHANNELS, {}).endpoints


@pytest.fixture(params=["memory", "file"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[EndpointSource, Describe]:
    """A source that begins with a and b, and a way to describe its endpoints anew."""
    begin = {"a": "1", "b": "1"}
    if request.param == "memory":
        memory = MemorySource(read(tmp_path, begin))

        async def replace(endpoints: dict[str, str]) -> None:
            memory.replace(read(tmp_path, endpoints))

        return memory, replace
    file = tmp_path / "config.yaml"
    file.write_text(written(begin))
    files = FileSource(load([file], KINDS, CHANNELS, {}), [file], KINDS, CHANNELS, {})

    async def rewrite(endpoints: dict[str, str]) -> None:
        file.write_text(written(endpoints))
        await files.reload()

    return files, rewrite


def keys(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [endpoint.key for endpoint in endpoints]


async def begun(source: EndpointSource) -> tuple[AsyncIterator[EndpointChanges], EndpointChanges]:
    changes = source.changes()
    return changes, await anext(changes)


async def test_the_first_changes_are_all_endpoints(source: tuple[EndpointSource, Describe]) -> None:
    _, first = await begun(source[0])
    assert (keys(first.added), first.changed, first.removed) == (["_a", "_b"], (), ())


async def test_later_changes_name_only_what_came_changed_or_went(source: tuple[EndpointSource, Describe]) -> None:
    changes, first = await begun(source[0])
    await source[1]({"b": "2", "c": "1"})
    later = await anext(changes)
    assert (keys(later.added), keys(later.changed), later.removed) == (["_c"], ["_b"], ("_a",))
    assert later.changed[0].fingerprint != first.added[1].fingerprint


async def test_describing_the_same_endpoints_again_tells_nothing(source: tuple[EndpointSource, Describe]) -> None:
    changes, _ = await begun(source[0])
    await source[1]({"a": "1", "b": "1"})
    source[0].close()
    assert [more async for more in changes] == []


async def test_a_waiting_consumer_is_not_woken_for_nothing(source: tuple[EndpointSource, Describe]) -> None:
    changes, _ = await begun(source[0])
    waiting = asyncio.ensure_future(anext(changes))
    await settle()
    await source[1]({"a": "1", "b": "1"})
    await settle()
    assert not waiting.done()
    await source[1]({"a": "1"})
    assert (await waiting).removed == ("_b",)


async def test_changes_that_follow_one_another_reach_a_busy_consumer_as_one(
    source: tuple[EndpointSource, Describe],
) -> None:
    changes, _ = await begun(source[0])
    await source[1]({"a": "1", "b": "1", "c": "1"})
    await source[1]({"a": "1", "d": "1"})
    later = await anext(changes)
    assert (keys(later.added), later.changed, later.removed) == (["_d"], (), ("_b",))


async def test_changes_end_when_the_source_closes(source: tuple[EndpointSource, Describe]) -> None:
    changes, _ = await begun(source[0])
    source[0].close()
    with pytest.raises(StopAsyncIteration):
        await anext(changes)


async def test_files_that_cannot_be_used_leave_everything_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(written({"a": "1"}))
    source = FileSource(load([file], KINDS, CHANNELS, {}), [file], KINDS, CHANNELS, {})
    changes, _ = await begun(source)
    file.write_text("endpoints: [{name: b}]")
    with pytest.raises(ConfigError):
        await source.reload()
    assert keys(source.settings.endpoints) == ["_a"]
    source.close()
    assert [more async for more in changes] == []


async def test_a_source_may_begin_empty() -> None:
    _, first = await begun(MemorySource())
    assert first == EndpointChanges()
