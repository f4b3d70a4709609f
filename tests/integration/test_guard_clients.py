"""The guard counts clients by the line that constructs them, warns once, and leaves them as they were."""

import functools
import gc
import inspect
import itertools
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import openai
import pytest
from httpx2 import AsyncClient as NamedBefore

from milkrun.client import Client, guard
from milkrun.client.guard.switch import switch
from milkrun.client.guard.watch import Watch

PATCHED = [
    (httpx2.AsyncClient, ("__init__", "aclose", "__aexit__")),
    (httpx2.Client, ("__init__", "close", "__exit__")),
    (httpx.AsyncClient, ("__init__", "aclose", "__aexit__")),
    (httpx.Client, ("__init__", "close", "__exit__")),
    (aiohttp.ClientSession, ("__init__", "close")),
    (Client, ("__init__", "aclose")),
]
CLASSES = [cls for cls, _ in PATCHED]
QUIET = guard.Limits(clients=1_000_000)


@pytest.fixture
def watch() -> Iterator[Watch]:
    with guard.watching(QUIET) as watch:
        yield watch


def made(cls: Callable[..., Any]) -> Any:
    if cls is Client or cls is aiohttp.ClientSession:
        return cls()
    return cls(verify=False)  # reading all certificates takes longer than the test


def shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def line_of(function: Callable[..., object], text: str) -> int:
    lines, first = inspect.getsourcelines(function)
    return first + next(at for at, line in enumerate(lines) if text in line)


async def close(client: Any) -> None:
    if hasattr(client, "aclose"):
        await client.aclose()
    elif inspect.iscoroutinefunction(client.close):
        await client.close()
    else:
        client.close()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
async def test_clients_are_counted_by_the_line_that_constructs_them(cls: type, watch: Watch) -> None:
    first, second = made(cls), made(cls)
    await close(first)
    await close(first)
    (site,) = watch.report().sites
    assert site.what.rpartition(".")[2] == cls.__name__
    assert (
        site.site
        == f"{shown(Path(__file__))}:{line_of(made, 'verify=False' if 'httpx' in site.what else '()')} in made"
    )
    assert (site.constructed, site.closed, site.alive, site.dropped) == (2, 1, 1, 0)
    await close(second)


@pytest.mark.parametrize("cls", [httpx2.AsyncClient, httpx.AsyncClient, Client, aiohttp.ClientSession])
async def test_a_client_whose_block_ends_is_closed(cls: type, watch: Watch) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(made(cls))
        assert watch.report().sites[0].closed == 0
    assert watch.report().sites[0].closed == 1


@pytest.mark.parametrize("cls", [httpx2.Client, httpx.Client])
def test_a_client_without_a_loop_whose_block_ends_is_closed(cls: type, watch: Watch) -> None:
    with made(cls):
        assert watch.report().sites[0].closed == 0
    assert watch.report().sites[0].closed == 1


def test_a_client_that_nobody_closed_and_nobody_has_is_dropped_and_not_kept_alive(watch: Watch) -> None:
    made(httpx2.Client)
    gc.collect()
    (site,) = watch.report().sites
    assert (site.constructed, site.alive, site.dropped) == (1, 0, 1)


def test_a_client_that_could_not_be_constructed_does_not_count(watch: Watch) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        httpx2.Client(nonsense=True)  # type: ignore[call-arg]  # the mistake to be made
    assert watch.report().sites == ()


class Own(httpx2.Client):
    def __init__(self) -> None:
        super().__init__(verify=False)


def test_the_line_of_a_subclass_is_the_one_that_calls_it_and_not_its_constructor(watch: Watch) -> None:
    with Own():
        (site,) = watch.report().sites
    assert " in test_the_line_of_a_subclass" in site.site


async def test_a_client_that_a_published_sdk_builds_is_its_callers(watch: Watch) -> None:
    async with openai.AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:1"):
        (site,) = watch.report().sites
    assert " in test_a_client_that_a_published_sdk" in site.site
    assert watch.report().sites[0].closed == 1


def test_a_function_that_builds_a_client_for_one_request_counts(watch: Watch) -> None:
    with pytest.raises(httpx2.ConnectError):
        httpx2.get("http://127.0.0.1:1/", verify=False)
    (site,) = watch.report().sites
    assert " in test_a_function_that_builds" in site.site
    assert (site.constructed, site.closed) == (1, 1)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application."""


@pytest.mark.parametrize(
    "options",
    [
        {"transport": httpx2.ASGITransport(nothing)},
        {"transport": httpx2.MockTransport(lambda _: httpx2.Response(200))},
        {"transport": type("Recorded", (httpx2.MockTransport,), {})(lambda _: httpx2.Response(200))},
    ],
)
async def test_a_client_without_connections_does_not_count(options: dict[str, Any], watch: Watch) -> None:
    async with httpx2.AsyncClient(**options):
        pass
    assert watch.report().sites == ()


async def test_a_session_on_a_connector_that_others_share_does_not_count(watch: Watch) -> None:
    async with aiohttp.TCPConnector() as connector:
        async with aiohttp.ClientSession(connector=connector, connector_owner=False):
            assert watch.report().sites == ()
        async with aiohttp.ClientSession(connector=connector, connector_owner=True):
            assert len(watch.report().sites) == 1


async def test_a_client_on_a_transport_of_its_own_counts(watch: Watch) -> None:
    async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(verify=False)):
        assert watch.report().sites[0].constructed == 1


def per_call() -> None:
    with httpx2.Client(verify=False):
        pass


def handler(times: int) -> None:
    for _ in range(times):
        per_call()


def test_a_site_that_churns_is_warned_of_once_with_the_stack_the_cost_and_the_fix() -> None:
    with warnings.catch_warnings(record=True) as caught, guard.watching(guard.Limits(clients=3)) as watch:
        warnings.simplefilter("always")
        handler(3)
        assert caught == []
        handler(9)
    (warning,) = caught
    assert warning.category is guard.ClientChurnWarning
    assert (warning.filename, warning.lineno) == (__file__, line_of(per_call, "with httpx2"))
    said = str(warning.message)
    assert said.startswith("4 httpx2.Client were constructed within 10 s at ")
    assert " in handler\n    per_call()\n" in said
    assert " in per_call\n    with httpx2.Client(verify=False):\n" in said
    assert "Too many open files" in said
    assert "Make one client when the application starts" in said
    assert "site-packages" not in said
    assert watch.report().sites[0].churned


def test_two_lines_are_two_sites_and_each_is_quiet() -> None:
    with guard.watching(guard.Limits(clients=3)) as watch:
        handler(3)
        for _ in range(3):
            with httpx2.Client(verify=False):
                pass
    assert [site.constructed for site in watch.report().sites] == [3, 3]


def test_a_slow_site_is_quiet() -> None:
    hours = itertools.count(step=3600.0)
    watch = Watch(guard.Limits(clients=3), lambda: next(hours))
    switch.add(watch)
    try:
        handler(9)
    finally:
        switch.remove(watch)
    (site,) = watch.report().sites
    assert (site.constructed, site.churned) == (9, False)


def test_of_many_sites_only_some_are_remembered() -> None:
    with guard.watching(guard.Limits(remembered=10)) as watch:
        for number in range(50):
            function = compile("client = Client(verify=False); client.close()", f"<{number}>", "exec")
            exec(function, {"Client": httpx2.Client})  # noqa: S102  # as many lines of code as it takes
    sites = watch.report().sites
    assert 5 <= len(sites) <= 10
    assert "<49>:1 in <module>" in {site.site for site in sites}


def test_clients_of_all_threads_are_counted(watch: Watch) -> None:
    threads = [threading.Thread(target=handler, args=(50,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [(site.constructed, site.closed) for site in watch.report().sites] == [(200, 200)]


def test_a_forked_child_counts_on_although_a_thread_held_the_lock(watch: Watch) -> None:
    with watch._lock:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            per_call_in_thread(writing, watch)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        assert told.read() == b"1"
    assert os.waitpid(child, 0)[1] == 0


def per_call_in_thread(writing: int, watch: Watch) -> None:
    """Another thread of the child: the parent's lock is not this one's."""
    thread = threading.Thread(target=per_call, daemon=True)
    thread.start()
    thread.join(10)
    os.write(writing, str(watch.report().sites[0].constructed).encode())
    os._exit(0)


def test_watches_nest_and_each_counts_for_itself() -> None:
    with guard.watching(QUIET) as outer:
        handler(1)
        with guard.watching(QUIET) as inner:
            handler(2)
        handler(4)
    handler(8)
    assert inner.report().sites[0].constructed == 2
    assert outer.report().sites[0].constructed == 7


def test_installed_twice_it_is_one_and_uninstalled_it_is_none() -> None:
    before = {cls: dict(vars(cls)) for cls in CLASSES}
    finders = list(sys.meta_path)
    with pytest.raises(RuntimeError, match="guard\\.install"):
        guard.report()
    try:
        assert guard.install(QUIET) is guard.install()
        handler(2)
        assert guard.report().sites[0].constructed == 2
    finally:
        guard.uninstall()
    guard.uninstall()
    assert {cls: dict(vars(cls)) for cls in CLASSES} == before
    assert sys.meta_path == finders


@pytest.mark.parametrize(("cls", "names"), PATCHED, ids=lambda value: getattr(value, "__name__", ""))
def test_signatures_stay_as_they_are(cls: type, names: tuple[str, ...]) -> None:
    before = [
        (inspect.signature(getattr(cls, name)), inspect.iscoroutinefunction(getattr(cls, name))) for name in names
    ]
    whole = inspect.signature(cls)
    with guard.watching():
        during = [
            (inspect.signature(getattr(cls, name)), inspect.iscoroutinefunction(getattr(cls, name))) for name in names
        ]
        assert during == before
        assert inspect.signature(cls) == whole
        assert [getattr(cls, name).__qualname__ for name in names] == [f"{cls.__name__}.{name}" for name in names]


async def test_a_class_that_was_named_before_is_the_same_class_and_counts(watch: Watch) -> None:
    from httpx2 import AsyncClient as NamedAfter

    assert NamedAfter is NamedBefore
    assert b"AsyncClient" in pickle.dumps(NamedBefore)  # by its name, as any class
    async with NamedBefore(verify=False) as client:
        assert isinstance(client, NamedAfter)
        assert watch.report().sites[0].constructed == 1


STAND_IN = """
class Session:
    def __init__(self, name="one"):
        if name == "bad":
            raise ValueError(name)
    def close(self): pass
    def __exit__(self, *args): self.close()
class AsyncSession(Session):
    def __init__(self, name="one"):
        super().__init__(name)
    async def close(self): pass
"""


@pytest.fixture
def niquests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of that name to be imported, with the shape of the real one, whose classes also share constructors."""
    (tmp_path / "niquests.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("niquests", None)


@pytest.mark.usefixtures("niquests")
async def test_a_library_that_is_imported_later_is_watched_from_then_on(watch: Watch) -> None:
    import niquests  # type: ignore[import-not-found]

    assert type(niquests.__loader__).__name__ == "SourceFileLoader"
    assert "exec_module" not in vars(niquests.__loader__)
    session, sessions = niquests.Session(), niquests.AsyncSession()
    with pytest.raises(ValueError, match="bad"):
        niquests.AsyncSession("bad")
    session.close()
    await sessions.close()
    report = watch.report()
    assert sorted((site.what, site.constructed, site.closed) for site in report.sites) == [
        ("niquests.Session", 1, 1),
        ("niquests.Session", 1, 1),
    ]


@pytest.mark.usefixtures("niquests")
def test_a_library_that_is_imported_when_nobody_watches_any_more_stays_as_it_is() -> None:
    import importlib.util

    with guard.watching():
        spec = importlib.util.find_spec("niquests")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Session.__init__.__module__ == "niquests"


def test_a_library_that_is_not_there_is_not_found_as_before(watch: Watch) -> None:
    with pytest.raises(ModuleNotFoundError, match="niquests"):
        import niquests  # noqa: F401
    assert watch.report().sites == ()


APPLICATION = """
import httpx2
def helper():
    return httpx2.Client(verify=False)
"""


def test_an_application_that_is_installed_itself_is_told_by_its_own_lines(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "installed_application.py").write_text(APPLICATION)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from milkrun.client import guard; guard.install()\n"
        "import threading, installed_application\n"
        "thread = threading.Thread(target=lambda: None); thread.run = installed_application.helper\n"
        "thread.start(); thread.join()\n"
        "print(guard.report().sites[0].site)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(packages)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{packages}/installed_application.py:4 in helper\n"


def test_where_warnings_are_errors_the_line_that_churns_raises_once() -> None:
    with warnings.catch_warnings(), guard.watching(guard.Limits(clients=1)):
        warnings.simplefilter("error")
        per_call()
        with pytest.raises(guard.ClientChurnWarning):
            per_call()
        per_call()


def test_a_client_that_no_line_of_ours_constructed_is_told_by_the_nearest_there_is(watch: Watch) -> None:
    thread = threading.Thread(target=functools.partial(httpx2.Client, verify=False))
    thread.start()
    thread.join(10)
    (site,) = watch.report().sites
    assert "threading.py:" in site.site


def test_a_constructor_kept_from_a_watch_that_is_over_constructs_and_counts_nothing() -> None:
    with guard.watching() as watch:
        construct, close = httpx2.Client.__init__, httpx2.Client.close
    client = httpx2.Client.__new__(httpx2.Client)
    construct(client, verify=False)
    close(client)
    assert client.is_closed
    assert watch.report().sites == ()
