"""The view that closes nothing."""

from typing import Any

import pytest

from milkrun.client import Client, UsageError
from milkrun.client.httpx import Transport, unclosable
from tests.support.httpx_faces import face

__all__ = ["face"]


async def test_a_view_is_the_client_to_whoever_looks(face: Any) -> None:
    async with face.AsyncClient(headers={"X-Mine": "1"}, base_url="http://a.test/") as http:
        view: Any = unclosable(http)
        assert isinstance(view, face.AsyncClient)
        assert type(view).__name__ == "UnclosableAsyncClient"
        assert unclosable(view) is view
        assert (view._transport, view.cookies, view.headers) == (http._transport, http.cookies, http.headers)
        view.headers["X-More"] = "2"
        assert http.headers["X-More"] == "2"
        http.event_hooks = {"request": [print]}
        assert view.event_hooks == http.event_hooks


async def test_closing_a_view_closes_nothing_and_closing_the_client_closes_the_view(face: Any) -> None:
    closed = []

    class Noting(face.AsyncBaseTransport):  # type: ignore[misc]  # whichever face it is
        async def aclose(self) -> None:
            closed.append(self)

    http = face.AsyncClient(transport=Noting())
    view = unclosable(http)
    await view.aclose()
    for _ in range(2):
        async with view as same:
            assert same is view
    assert not closed
    assert not http.is_closed
    await http.aclose()
    assert view.is_closed
    assert len(closed) == 1
    with pytest.raises(RuntimeError, match="closed"):
        await view.get("http://a.test/")


async def test_a_view_of_a_class_of_ones_own_is_of_that_class(face: Any) -> None:
    class Own(face.AsyncClient):  # type: ignore[misc]  # whichever face it is
        def greet(self) -> str:
            return f"hello from {self.base_url}"

    async with Own(base_url="http://a.test") as http:
        view = unclosable(http)
        assert isinstance(view, Own)
        assert view.greet() == "hello from http://a.test"


def test_what_is_no_asynchronous_client_of_a_face_gets_no_view(face: Any) -> None:
    with face.Client() as synchronous:
        for other in (synchronous, Client(), "a client"):
            with pytest.raises(UsageError, match="takes an AsyncClient of httpx2 or httpx, not"):
                unclosable(other)


def test_a_transport_of_something_else_than_a_client_is_refused(face: Any) -> None:
    others: list[Any] = ["a client", face.AsyncHTTPTransport]
    for other in others:
        with pytest.raises(UsageError, match=r"a Transport goes over a milkrun\.client\.Client, not"):
            Transport(other)
