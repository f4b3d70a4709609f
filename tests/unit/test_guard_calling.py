"""Whose line it was, told from code that is made up under the names of files."""

import contextlib
import functools
import json
import sys
import sysconfig
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import pytest

from milkrun.client.guard import calling
from milkrun.client.guard.calling import caller, trail

Ask = Callable[[], FrameType]


def code(file: str, text: str) -> Callable[[Ask], FrameType]:
    """A function `call(ask)` whose code is that of a file."""
    names: dict[str, Callable[[Ask], FrameType]] = {}
    exec(compile(f"def call(ask):\n    {text}\n", file, "exec"), names)  # noqa: S102  # the test's own text
    return names["call"]


def here() -> FrameType:
    return sys._getframe(1)


PACKAGES = sysconfig.get_path("purelib")
STANDARD = sysconfig.get_path("stdlib")
SCRIPTS = sysconfig.get_path("scripts")


@pytest.mark.parametrize(
    "foreign",
    [
        f"{PACKAGES}/stripe/http.py",
        f"{STANDARD}/asyncio/events.py",
        f"{SCRIPTS}/uvicorn",
        "/usr/lib/python3/dist-packages/sdk.py",
        "/elsewhere/site-packages/sdk.py",
        "<frozen runpy>",
        json.__file__,
    ],
)
def test_what_is_installed_or_pythons_own_is_passed_over(foreign: str) -> None:
    application = code("/app/prices.py", "return ask()")
    through = code(foreign, "return ask()")
    frame = application(lambda: through(here))
    assert frame.f_code.co_filename == foreign
    assert caller(frame).f_code.co_filename in {"/app/prices.py", __file__}


def test_the_trail_is_the_applications_frames_outermost_first() -> None:
    handler, helper = code("/app/handler.py", "return ask()"), code("/app/helper.py", "return ask()")
    sdk = code(f"{PACKAGES}/sdk.py", "return ask()")
    trails: list[calling.Trail] = []

    def look() -> FrameType:
        trails.append(trail(caller(sys._getframe(1))))
        return sys._getframe()

    handler(lambda: sdk(lambda: helper(look)))
    names = [place for place in trails[0] if place[0].startswith("/app") or "sdk" in place[0]]
    assert names == [("/app/handler.py", 2, "call"), ("/app/helper.py", 2, "call")]


def coroutine(module: str, text: str) -> Callable[[Callable[[], Any]], Coroutine[Any, Any, None]]:
    """A coroutine function `call(ask)` of an installed module."""
    names: dict[str, Any] = {"__name__": module}
    exec(compile(f"async def call(ask):\n    {text}\n", f"{PACKAGES}/{module}.py", "exec"), names)  # noqa: S102  # as above
    return names["call"]  # type: ignore[no-any-return]  # as the line above made it


def run_by_a_server(task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a task where no line is the application's own: a thread of an installed server."""
    with contextlib.closing(task()) as running:
        run = code(f"{PACKAGES}/uvicorn.py", "return ask()")
        thread = threading.Thread(target=run, args=(functools.partial(next, running.__await__(), None),))
        thread.start()
        thread.join()


def test_a_task_that_is_a_clients_call_is_told_by_that_call_and_not_by_what_runs_the_loop() -> None:
    found: list[str] = []

    def look() -> None:
        found.append(caller(sys._getframe(1)).f_globals["__name__"])

    connect = functools.partial(coroutine("httpcore2", "ask()"), look)
    get = functools.partial(coroutine("httpx2", "await ask()"), connect)
    shop = functools.partial(coroutine("shop", "await ask()"), get)
    for task in (get, shop):
        run_by_a_server(task)
    assert found == ["httpx2", "shop"]


def test_the_names_of_files_that_are_known_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_REMEMBERED", 10)
    for number in range(50):
        assert not calling.foreign[f"<cell {number}>"]
    assert len(calling.foreign) <= 10
