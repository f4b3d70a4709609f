"""Cookies and redirects, which are the face's: the transport keeps none and follows none."""

from collections.abc import AsyncIterator

import pytest

from tests.face.cells import by_face
from tests.face.heard import answer, heard
from tests.face.visit import Visit


@by_face()
async def test_a_cookie_is_kept_by_the_face_that_was_given_it(visit: Visit) -> None:
    response = await visit.client.get(
        answer(200, b"", ("set-cookie", "round=7; Path=/"), ("set-cookie", "stop=2; Path=/"))
    )
    assert dict(response.cookies) == dict(visit.client.cookies) == {"round": "7", "stop": "2"}
    said = heard(await visit.client.get("/echo"))
    assert sorted("; ".join(said.all("cookie")).split("; ")) == ["round=7", "stop=2"]


@by_face()
async def test_faces_on_one_transport_share_no_cookies(visit: Visit) -> None:
    transport = visit.transport()
    one, other = visit.made(transport=transport), visit.made(transport=transport)
    await one.get(answer(200, b"", ("set-cookie", "round=7; Path=/")))
    assert heard(await one.get("/echo")).one("cookie") == "round=7"
    assert heard(await other.get("/echo")).all("cookie") == []
    assert not other.cookies


@by_face()
async def test_cookies_of_the_client_are_sent_and_those_that_expire_go(visit: Visit) -> None:
    client = visit.made(cookies={"round": "7"})
    assert heard(await client.get("/echo")).one("cookie") == "round=7"
    client.cookies.set("stop", "2", domain="127.0.0.1")
    await client.get(answer(200, b"", ("set-cookie", "stop=; Path=/; Max-Age=0")))
    assert heard(await client.get("/echo")).one("cookie") == "round=7"


@by_face()
async def test_redirects_are_answers_unless_they_are_followed(visit: Visit) -> None:
    response = await visit.client.get("/redirects?left=1")
    assert (response.status_code, response.history) == (302, [])
    assert response.has_redirect_location
    assert response.next_request is not None
    assert heard(await visit.client.send(response.next_request)).query == "left=0"


@by_face()
async def test_redirects_are_followed_and_remembered(visit: Visit) -> None:
    response = await visit.client.get("/redirects?left=3", follow_redirects=True)
    assert [str(hop.url.query, "ascii") for hop in response.history] == ["left=3", "left=2", "left=1"]
    assert str(response.url) == f"{visit.door}/redirects?left=0"
    assert heard(response).method == "GET"


@by_face()
async def test_too_many_redirects_are_an_error(visit: Visit) -> None:
    client = visit.made(max_redirects=3, follow_redirects=True)
    with pytest.raises(visit.api.TooManyRedirects) as caught:
        await client.get("/redirects?left=4")
    assert str(caught.value.request.url.query, "ascii") == "left=0"


@by_face()
@pytest.mark.parametrize(
    ("status", "method", "content"),
    [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "milk"), (308, "POST", "milk")],
)
async def test_a_redirected_post_becomes_what_its_status_says(
    visit: Visit, status: int, method: str, content: str
) -> None:
    path = answer(status, b"", ("location", "/echo"))
    said = heard(await visit.client.post(path, content=b"milk", follow_redirects=True))
    assert (said.method, said.content) == (method, content)


@by_face()
async def test_a_generator_cannot_follow_a_redirect(visit: Visit) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"milk"

    with pytest.raises(visit.api.StreamConsumed):
        await visit.client.post(answer(307, b"", ("location", "/echo")), content=content(), follow_redirects=True)


@by_face()
async def test_credentials_stay_behind_when_a_redirect_leads_elsewhere(visit: Visit) -> None:
    elsewhere = f"{visit.door}/echo".replace("127.0.0.1", "localhost")
    client = visit.made(auth=("ann", "milk"), follow_redirects=True)
    assert heard(await client.get(answer(302, b"", ("location", "/echo")))).all("authorization") != []
    assert heard(await client.get(answer(302, b"", ("location", elsewhere)))).all("authorization") == []


@by_face()
async def test_a_redirect_to_what_is_not_http_is_an_error(visit: Visit) -> None:
    with pytest.raises(visit.api.UnsupportedProtocol):
        await visit.client.get(answer(302, b"", ("location", "ftp://dairy.test/")), follow_redirects=True)


@by_face()
async def test_the_body_of_a_redirect_is_read_so_the_connection_stays(visit: Visit) -> None:
    response = await visit.client.get(answer(302, b"moved", ("location", "/echo")), follow_redirects=True)
    assert response.history[0].content == b"moved"
    assert heard(response).peer == heard(await visit.client.get("/echo")).peer
