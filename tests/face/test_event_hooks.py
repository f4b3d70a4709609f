"""The face's hooks: called for each request and each response, and what they raise ends the call in good order."""

from typing import Any

import pytest

from tests.face.cells import by_face
from tests.face.heard import heard
from tests.face.visit import Visit


@by_face()
async def test_hooks_are_called_for_each_request_and_each_response(visit: Visit) -> None:
    called: list[str] = []

    async def asked(request: Any) -> None:
        called.append(f"> {request.method} {request.url.query.decode()}")

    async def told(response: Any) -> None:
        called.append(f"< {response.status_code}")

    client = visit.made(event_hooks={"request": [asked], "response": [told]}, follow_redirects=True)
    await client.get("/redirects?left=1")
    assert called == ["> GET left=1", "< 302", "> GET left=0", "< 200"]


@by_face()
async def test_a_hook_may_change_the_request(visit: Visit) -> None:
    async def sign(request: Any) -> None:
        request.headers["X-Signed"] = "yes"

    client = visit.made(event_hooks={"request": [sign]})
    assert heard(await client.get("/echo")).one("x-signed") == "yes"


@by_face()
async def test_a_hook_may_read_the_response(visit: Visit) -> None:
    bodies = []

    async def read(response: Any) -> None:
        bodies.append(await response.aread())

    client = visit.made(event_hooks={"response": [read]})
    async with client.stream("GET", "/pieces?count=2") as response:
        assert response.content == bodies[0] == b"line 0\nline 1\n"


@by_face()
@pytest.mark.parametrize("when", ["request", "response"])
async def test_what_a_hook_raises_ends_the_call_and_closes_the_response(visit: Visit, when: str) -> None:
    async def spill(_: Any) -> None:
        raise ZeroDivisionError("spilt")

    client = visit.made(connections=1, event_hooks={when: [spill]})
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="spilt"):
            await client.get("/stalled")
    client.event_hooks = {}
    assert heard(await client.get("/echo")).method == "GET"
