"""Whose line it was, told from code that is made up under the names of files."""

import json
import sys
import sysconfig
from collections.abc import Callable
from types import FrameType

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


def test_the_names_of_files_that_are_known_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_REMEMBERED", 10)
    for number in range(50):
        assert not calling.foreign[f"<cell {number}>"]
    assert len(calling.foreign) <= 10
