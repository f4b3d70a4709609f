"""The 503 of an overloaded application, as plain ASGI."""

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from milkrun.client import LoadShedder, UsageError
from milkrun.client.asgi import SheddingMiddleware
from tests.support.upstreams import Asked, Scene, scene

Message = MutableMapping[str, Any]


@pytest.fixture
def loop() -> Iterator[Scene]:
    with scene() as loop:
        yield loop


class Service:
    """An application behind the middleware: its requests take until they are told, and it says what was answered."""

    def __init__(self, *, limit: int = 1, queue: int = 0, retry_after: float = 1.0, exclude: tuple[str, ...] = ()):
        self.work: Asked[None] = Asked()
        self.sent: list[Message] = []
        shedder = LoadShedder(limit=limit, queue=queue, patience=0.2, retry_after=retry_after)
        self.app = SheddingMiddleware(self._app, shedder=shedder, exclude=exclude)

    async def ask(self, path: str = "/price", *, method: str = "GET", kind: str = "http", **scope: str) -> None:
        await self.app({"type": kind, "path": path, "method": method, **scope}, self._receive, self._send)

    async def _app(self, _: Message, __: Any, send: Any) -> None:
        await self.work()
        await send({"type": "http.response.start", "status": 200})

    async def _receive(self) -> Message:
        raise AssertionError("nobody asks for the body")

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def test_a_request_that_is_one_too_many_is_answered_503_with_the_time_to_come_again(loop: Scene) -> None:
    service = Service(retry_after=1.2)
    first = loop.begin(service.ask())
    loop.finish(service.ask())
    start, body = service.sent
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"2"  # whole seconds, rounded up
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-length"] == b"%d" % len(body["body"])
    assert json.loads(body["body"]) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the service is overloaded: 1 are being served and 0 wait",
        "retry_after": 2,
    }
    assert service.work.begun == 1
    service.work.answer(None)
    loop.settle()
    assert first.done()


def test_an_answer_to_head_has_no_body(loop: Scene) -> None:
    service = Service()
    first = loop.begin(service.ask())
    loop.finish(service.ask(method="HEAD"))
    assert service.sent[1]["body"] == b""
    assert dict(service.sent[0]["headers"])[b"content-length"] != b"0"
    loop.cancel(first)


def test_a_request_in_the_queue_is_served_when_its_turn_comes(loop: Scene) -> None:
    service = Service(queue=1)
    first, second = loop.begin(service.ask()), loop.begin(service.ask())
    assert service.work.begun == 1
    service.work.answer(None)
    loop.settle()
    assert service.work.begun == 2
    service.work.answer(None)
    loop.settle()
    assert first.done()
    assert second.done()
    assert [message["status"] for message in service.sent] == [200, 200]


def test_a_request_that_fails_or_goes_away_gives_its_place_up(loop: Scene) -> None:
    service = Service()
    failing = loop.begin(service.ask())
    service.work.fail(ValueError("a bug"))
    loop.settle()
    assert isinstance(failing.exception(), ValueError)
    loop.cancel(loop.begin(service.ask()))
    served = loop.begin(service.ask())
    assert service.work.begun == 3
    service.work.answer(None)
    loop.settle()
    assert served.done()


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_no_request_goes_through_and_takes_no_place(loop: Scene, kind: str) -> None:
    service = Service()
    tasks = [loop.begin(service.ask(kind=kind)) for _ in range(3)]
    assert service.work.begun == 3
    tasks.append(loop.begin(service.ask()))
    assert service.work.begun == 4
    for task in tasks:
        loop.cancel(task)


@pytest.mark.parametrize(
    ("path", "served"),
    [("/health", True), ("/clients/health", True), ("/clients/", True), ("/healthy", False), ("/", False)],
)
def test_excluded_paths_are_always_served(loop: Scene, path: str, served: bool) -> None:
    service = Service(exclude=("/health", "/clients/"))
    tasks = [loop.begin(service.ask()), loop.begin(service.ask(path))]
    assert service.work.begun == 1 + served
    service.work.answer(None)
    loop.settle()
    assert tasks[served].done()
    loop.cancel(tasks[0])


@pytest.mark.parametrize(("path", "served"), [("/api/health", True), ("/health", True), ("/api/price", False)])
def test_what_is_excluded_is_so_behind_a_root_path_as_well(loop: Scene, path: str, served: bool) -> None:
    service = Service(exclude=("/health",))
    task = loop.begin(service.ask())
    loop.cancel(loop.begin(service.ask(path, root_path="/api")))
    assert service.work.begun == 1 + served
    loop.cancel(task)


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        (("health",), "'health': expected a path"),
        ("/health", r"exclude='/health': expected paths: \['/health'\]"),
        (("/",), "'/' and everything below it is all there is"),
    ],
)
def test_what_names_no_paths_is_refused(exclude: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Service(exclude=exclude)


def test_the_task_of_a_request_is_its_own(loop: Scene) -> None:
    """A request is served in the task it came in: what it sets there, as a context variable, its handler sees."""
    seen = []

    async def app(*_: Any) -> None:
        seen.append(asyncio.current_task())

    service = Service()
    service.app = SheddingMiddleware(app, shedder=LoadShedder(limit=1))
    task = loop.begin(service.ask())
    assert seen == [task]
