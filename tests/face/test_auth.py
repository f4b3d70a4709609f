"""Authentication, which is the face's: the transport carries each request of its flow."""

from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from tests.face.cells import Wire, by_face, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.digest_server import DigestServer
from tests.support.scripted import scripted


@by_face()
async def test_basic_credentials_are_sent_at_once(visit: Visit) -> None:
    assert (await visit.client.get("/basic")).status_code == 401
    for auth in (("ann", "milk"), visit.api.BasicAuth("ann", "milk")):
        response = await visit.client.get("/basic", auth=auth)
        assert (response.status_code, response.text, response.history) == (200, "welcome", [])


@by_face()
async def test_credentials_may_be_the_clients_or_in_its_url(visit: Visit) -> None:
    assert (await visit.made(auth=("ann", "milk")).get("/basic")).status_code == 200
    door = visit.door.replace("://", "://ann:milk@")
    assert (await visit.client.get(f"{door}/basic")).status_code == 200
    assert heard(await visit.client.get("/echo")).all("authorization") == []


@by_face()
async def test_a_request_can_do_without_the_clients_credentials(visit: Visit) -> None:
    client = visit.made(auth=("ann", "milk"))
    assert heard(await client.get("/echo", auth=None)).all("authorization") == []


@by_face()
async def test_a_function_may_sign_a_request(visit: Visit) -> None:
    def sign(request: Any) -> Any:
        request.headers["X-Signature"] = request.method
        return request

    assert heard(await visit.client.get("/echo", auth=sign)).one("x-signature") == "GET"


class Vault(DigestServer):
    """One that httpx2 can open: its challenge is of one scheme, and its realm's name holds no quotation marks."""

    def __init__(self, user: str, password: str, *, algorithm: str = "MD5") -> None:
        super().__init__(user, password, algorithm=algorithm)
        self.realm = "vault"

    def _challenge(self, *, stale: bool = False) -> bytes:
        said = super()._challenge(stale=stale)
        return said.replace(b"Basic realm=x, ", b"").replace(rb"the \"vault\"", b"vault")


@on(Wire.PLAIN)
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess"])
async def test_a_digest_challenge_is_answered(visit: Visit, algorithm: str) -> None:
    dairy = Vault("ann", "milk", algorithm=algorithm)
    async with scripted(dairy.script) as server:
        auth = visit.api.DigestAuth("ann", "milk")
        responses = [await visit.client.get(server.url, auth=auth) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert [[hop.status_code for hop in response.history] for response in responses] == [[401], [], []]
    assert len(server.peers) == 1


@on(Wire.PLAIN)
async def test_a_digest_challenge_for_a_wrong_password_ends_in_its_refusal(visit: Visit) -> None:
    async with scripted(Vault("ann", "milk").script) as server:
        response = await visit.client.get(server.url, auth=visit.api.DigestAuth("ann", "water"))
    assert response.status_code == 401
    assert [hop.status_code for hop in response.history] == [401]


@by_face()
async def test_a_flow_may_read_a_response_and_send_requests_of_its_own(visit: Visit) -> None:
    class Token(visit.api.Auth):  # type: ignore[name-defined, misc]  # one class for each package
        requires_response_body = True

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            refused = yield request
            granted = yield visit.api.Request("POST", request.url.copy_with(path="/token"), content=refused.content)
            request.headers["Authorization"] = f"Bearer {granted.text}"
            yield request

    response = await visit.client.get("/token", auth=Token())
    assert (response.status_code, response.text) == (200, "welcome")
    assert [(hop.request.method, hop.status_code) for hop in response.history] == [("GET", 401), ("POST", 200)]


@by_face()
async def test_a_flow_may_read_what_is_to_be_sent(visit: Visit) -> None:
    class Measured(visit.api.Auth):  # type: ignore[name-defined, misc]  # one class for each package
        requires_request_body = True

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            request.headers["X-Sum"] = str(len(request.content))
            yield request

    async def content() -> AsyncIterator[bytes]:
        yield b"two "
        yield b"bottles"

    said = heard(await visit.client.post("/echo", content=content(), auth=Measured()))
    assert (said.one("x-sum"), said.content) == ("11", "two bottles")


@by_face()
async def test_a_generator_cannot_go_out_again_with_credentials(visit: Visit) -> None:
    class Twice(visit.api.Auth):  # type: ignore[name-defined, misc]  # one class for each package
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            yield request
            yield request

    async def content() -> AsyncIterator[bytes]:
        yield b"milk"

    with pytest.raises(visit.api.StreamConsumed):
        await visit.client.post("/echo", content=content(), auth=Twice())
    assert heard(await visit.client.post("/echo", content=b"milk", auth=Twice())).content == "milk"


@by_face()
async def test_an_error_in_a_flow_closes_the_response(visit: Visit) -> None:
    class Spilling(visit.api.Auth):  # type: ignore[name-defined, misc]  # one class for each package
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            yield request
            raise ZeroDivisionError("spilt")

    client = visit.made(connections=1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="spilt"):
            await client.get("/stalled", auth=Spilling())
    assert heard(await client.get("/echo")).method == "GET"
