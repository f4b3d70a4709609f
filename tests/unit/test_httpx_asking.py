"""From the face's request to ours: what cannot be sent, what is remembered, how long an upload may be."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from milkrun.client import Client, PreparedRequest
from milkrun.client.httpx import asking
from milkrun.client.httpx.asking import Asker
from milkrun.client.httpx.faces import face_of
from tests.support.httpx_faces import face

__all__ = ["face"]


def ask(request: Any, asker: Asker | None = None) -> PreparedRequest:
    return (asker or Asker(Client())).ask(face_of(request), request, None)


async def pieces() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


@pytest.mark.parametrize("url", ["ftp://a.test/", "//a.test/", "/only"])
def test_a_scheme_that_is_not_ours_is_unsupported(face: Any, url: str) -> None:
    with pytest.raises(face.UnsupportedProtocol, match="expected http or https") as caught:
        ask(face.Request("GET", url))
    assert caught.value.request.method == "GET"


@pytest.mark.parametrize(("url", "origin"), [("ws://a.test/", "http://a.test"), ("wss://a.test/", "https://a.test")])
def test_websockets_go_over_http(face: Any, url: str, origin: str) -> None:
    assert ask(face.Request("GET", url)).url.text == f"{origin}/"


@pytest.mark.parametrize(
    ("url", "host"), [("http://[::1]:8/", "::1"), ("http://bücher.test/", "xn--bcher-kva.test"), ("http://A.B/", "a.b")]
)
def test_hosts_are_read_as_the_face_reads_them(face: Any, url: str, host: str) -> None:
    assert ask(face.Request("GET", url)).url.origin.host == host


@pytest.mark.parametrize(
    "options",
    [
        {"method": "BAD METHOD"},
        {"headers": {"X": "a\nb"}},
        {"headers": {"bad name": "x"}},
        {"extensions": {"target": b"/with space"}},
        {"headers": {"content-length": "5"}, "content": b"abc"},
        {"stream": True},
    ],
)
def test_what_cannot_be_sent_is_a_local_error_with_ours_as_its_cause(face: Any, options: dict[str, Any]) -> None:
    if "stream" in options:  # by hand, which names no host
        options = {"stream": face.ByteStream(b"")}
    request = face.Request(**{"method": "POST", "url": "http://a.test/", **options})
    with pytest.raises(face.LocalProtocolError) as caught:
        ask(request)
    assert type(caught.value.__cause__).__name__ == "UsageError"
    assert caught.value.request is request


def test_equal_requests_without_content_are_built_once(face: Any) -> None:
    asker = Asker(Client())

    def asked(**options: Any) -> PreparedRequest:
        return ask(face.Request(**{"method": "GET", "url": "http://a.test/x", **options}), asker)

    first = asked()
    assert asked() is first
    others = [
        asked(method="HEAD"),
        asked(url="http://a.test/y"),
        asked(url="https://a.test/x"),
        asked(headers={"X": "1"}),
        asked(extensions={"target": b"*"}),
        asked(extensions={"sni_hostname": "b.test"}),
    ]
    assert len({id(each) for each in (first, *others)}) == 7
    assert asked(method="POST", content=b"a") is not asked(method="POST", content=b"a")


def test_only_so_many_are_remembered_the_latest_used(face: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_REMEMBERED", 2)
    asker = Asker(Client())
    one, two = (face.Request("GET", f"http://a.test/{number}") for number in (1, 2))
    first, second = ask(one, asker), ask(two, asker)
    assert ask(one, asker) is first
    ask(face.Request("GET", "http://a.test/3"), asker)
    assert ask(one, asker) is first
    assert ask(two, asker) is not second


@pytest.mark.parametrize("promised", [3, 5])
async def test_an_upload_of_another_length_than_promised_is_a_local_error(face: Any, promised: int) -> None:
    request = face.Request("POST", "http://a.test/", content=pieces(), headers={"content-length": str(promised)})
    content: Any = ask(request).content
    with pytest.raises(face.LocalProtocolError, match=f"says {promised}"):
        async for _ in content:
            pass


async def test_an_upload_that_is_broken_off_closes_its_source(face: Any) -> None:
    closed = False

    async def source() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield b"a"
            yield b"b"
        finally:
            closed = True

    content: Any = ask(face.Request("POST", "http://a.test/", content=source())).content
    assert await anext(content) == b"a"
    await content.aclose()
    assert closed or face.__name__ == "httpx"  # which leaves a generator that it is given to the collector


async def test_a_stream_without_a_close_is_pulled_as_any(face: Any) -> None:
    class Twice(face.AsyncByteStream):  # type: ignore[misc]  # whichever face it is
        def __init__(self) -> None:
            self.left = [b"a", b"b"]

        def __aiter__(self) -> "Twice":
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    request = face.Request("POST", "http://a.test/", stream=Twice(), headers={"Host": "a.test", "Content-Length": "2"})
    content: Any = ask(request).content
    assert [piece async for piece in content] == [b"a", b"b"]


def test_content_that_was_put_in_the_place_of_another_is_what_goes_out(face: Any) -> None:
    request = face.Request("POST", "http://a.test/", content=b"plain")
    request.stream = face.ByteStream(b"coded")
    assert ask(request).content == b"coded"


@pytest.mark.parametrize(("target", "name"), [("*", "b.test"), (b"*", b"b.test")])
def test_a_target_and_a_server_name_may_be_text_or_bytes(face: Any, target: object, name: object) -> None:
    prepared = ask(face.Request("GET", "https://a.test/", extensions={"target": target, "sni_hostname": name}))
    assert (prepared.target, prepared.options.tls.server_name) == ("*", "b.test")
