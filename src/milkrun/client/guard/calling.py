"""Whose line of code it was: the nearest frame that is the application's own, with no traceback built for it."""

import inspect
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

_CLIENT = Path(__file__).parents[1]
_STANDARD = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")})
_INSTALLED = tuple({f"{sysconfig.get_path(name)}/" for name in ("purelib", "platlib", "scripts")})
_FOREIGN = (f"{_CLIENT}/", "<frozen ", *_STANDARD, *_INSTALLED)
_FOLDERS = ("/site-packages/", "/dist-packages/")
# Whoever builds clients or connects on behalf of somebody else: never the one to be told.
_BETWEEN = frozenset(
    {
        *("httpx2", "httpcore2", "httpx", "httpcore", "aiohttp", "aiohappyeyeballs", "niquests", "urllib3_future"),
        *("urllib3", "requests", "anyio", "uvloop", "openai", "anthropic"),
    }
)
_REMEMBERED = 20_000  # file names; notebooks and templates make them up as they go
_DEEPEST = 40  # frames of a trail
_IN_TASK = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

Place = tuple[str, int, str]  # file, line, function
Trail = tuple[Place, ...]  # outermost first


class _Foreign(dict[str, bool]):
    """Whether a file is installed or Python's own; asked for each client, so judged once a file."""

    def __missing__(self, name: str) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[name] = name.startswith(_FOREIGN) or any(folder in name for folder in _FOLDERS)
        return self[name]


foreign = _Foreign()


def caller(frame: FrameType, client: object = None) -> FrameType:
    """The nearest frame, from `frame` outwards, of code that is neither installed nor Python's own.

    An application that is installed itself has no such frame: then the nearest one that belongs to no HTTP client. Nor
    has a task that consists of a client's call: then that call, and not what runs the event loop. Else it is `frame`.
    The constructors of the client's own subclasses are passed over.
    """
    found: FrameType | None = frame
    while found is not None:
        code = found.f_code
        if not foreign[code.co_filename] and (code.co_name != "__init__" or not _is_constructor(code, client)):
            return found
        found = found.f_back
    task = _of_task(frame)
    return next(filter(_is_anybodys, task or _outwards(frame)), task[-1] if task else frame)


def trail(frame: FrameType) -> Trail:
    """The application's frames from `frame`, which is the last of them, outwards: file, line and function of each."""
    frames = [frame, *(found for found in _outwards(frame.f_back) if not foreign[found.f_code.co_filename])][:_DEEPEST]
    return tuple(place_of(found) for found in reversed(frames))


def place_of(frame: FrameType) -> Place:
    """Where a frame is now."""
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _of_task(frame: FrameType) -> list[FrameType]:
    """The frames from this one outwards to where its task begins; empty where it is in none."""
    frames = list(_outwards(frame))
    ends = [at for at, found in enumerate(frames) if found.f_code.co_flags & _IN_TASK]
    return frames[: ends[-1] + 1] if ends else []


def _is_anybodys(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    if any(folder in name for folder in _FOLDERS):
        return frame.f_globals.get("__name__", "").partition(".")[0] not in _BETWEEN
    return not name.startswith(_FOREIGN)


def _is_constructor(code: CodeType, client: object) -> bool:
    return any(getattr(vars(cls).get("__init__"), "__code__", None) is code for cls in type(client).__mro__)
