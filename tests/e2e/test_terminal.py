"""`milkrun check` on a real terminal: colour where it is wanted, progress over many, readable when narrow."""

import re

import anyio.to_thread
import pytest

from milkrun.demo.behaviours import answers
from tests.support.samples import targets
from tests.support.terminal import on_terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


async def checked(count: int, columns: int = 80, **extra: str) -> str:
    async with targets(**{f"t{number}": answers(ms=1) for number in range(count)}, gone=None) as urls:
        return await anyio.to_thread.run_sync(lambda: on_terminal("check", *urls.values(), columns=columns, **extra))


async def test_a_terminal_gets_colour() -> None:
    assert COLOUR.search(await checked(1))


async def test_a_terminal_with_no_color_gets_none_and_the_same_words() -> None:
    shown = await checked(1, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    assert "▲ down" in shown


@pytest.mark.parametrize(("count", "seen"), [(3, False), (30, True)])
async def test_progress_is_shown_over_many_checks_and_not_over_few(count: int, seen: bool) -> None:
    assert ("checking" in await checked(count)) is seen


@pytest.mark.parametrize("columns", [40, 80])
async def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = CONTROL.sub("", await checked(3, columns)).splitlines()
    assert max(map(len, lines)) <= columns
    assert any("refused" in line for line in lines)
