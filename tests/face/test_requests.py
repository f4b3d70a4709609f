"""What a request says when it arrives: its method, its URL, its fields."""

import pytest

from tests.face.cells import Wire, by_face, everywhere, on
from tests.face.heard import heard
from tests.face.visit import Visit
from tests.support.scripted import OK, Peer, answers, scripted

VERBS = ["get", "options", "post", "put", "patch", "delete"]
RULER = [("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("x-c", "4"), ("x-b", "5")]


@everywhere()
@pytest.mark.parametrize("verb", VERBS)
async def test_each_verb_goes_out_as_it_is(visit: Visit, verb: str) -> None:
    response = await getattr(visit.client, verb)("/echo")
    assert response.status_code == 200
    assert heard(response).method == verb.upper()


@everywhere()
async def test_head_has_the_fields_of_get_and_no_body(visit: Visit) -> None:
    response = await visit.client.head("/bytes?count=100")
    assert response.status_code == 200
    assert response.headers["content-length"] == "100"
    assert response.content == b""
    assert heard(await visit.client.get("/echo")).method == "GET"  # and the connection is in order


@everywhere()
async def test_a_method_of_ones_own_goes_out_as_it_is(visit: Visit) -> None:
    assert heard(await visit.client.request("PROPFIND", "/echo")).method == "PROPFIND"


@everywhere()
async def test_the_scheme_and_the_version_are_the_wires(visit: Visit) -> None:
    said = heard(await visit.client.get("/echo"))
    assert said.scheme == ("https" if visit.wire.secure else "http")
    assert said.version == ("2" if visit.wire is Wire.HTTP2 else "1.1")


@by_face()
@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a": "1", "b": "two words"}, ("a=1&b=two%20words", "a=1&b=two+words")),
        ([("a", "1"), ("a", "2")], ("a=1&a=2",)),
        ({"a": ["1", "2"]}, ("a=1&a=2",)),
        ({"on": True, "off": False, "none": None, "n": 3}, ("on=true&off=false&none=&n=3",)),
        ({"milk": "crème"}, ("milk=cr%C3%A8me",)),
        ({}, ("",)),
    ],
    ids=["pairs", "repeated", "list", "values", "unicode", "none"],
)
async def test_params_become_the_query(visit: Visit, params: dict[str, str], query: tuple[str, ...]) -> None:
    assert heard(await visit.client.get("/echo", params=params)).query in query


@by_face()
async def test_params_of_the_client_come_before_those_of_the_request(visit: Visit) -> None:
    client = visit.made(params={"round": "7"})
    assert heard(await client.get("/echo", params={"stop": "2"})).query == "round=7&stop=2"


@by_face()
async def test_a_query_in_the_url_goes_out_untouched(visit: Visit) -> None:
    assert heard(await visit.client.get("/echo?a=%2F&b=c%20d&e")).query == "a=%2F&b=c%20d&e"


@on(Wire.PLAIN)
@pytest.mark.parametrize("path", ["/crème brûlée?q=é#part", "/a%2Fb/../c", "/{}|^", "", "?", "/%e4%20"])
async def test_the_request_target_is_the_urls_as_the_face_encodes_it(visit: Visit, path: str) -> None:
    async with scripted(answers(OK)) as server:
        url = visit.api.URL(f"http://127.0.0.1:{server.port}{path}")
        await visit.client.get(url)
    assert server.peers[0].heard[0].split()[1] == url.raw_path


@by_face()
async def test_the_clients_own_fields_go_out_once_each(visit: Visit) -> None:
    said = heard(await visit.client.get("/echo"))
    assert said.one("accept") == "*/*"
    assert said.one("user-agent") == f"python-{visit.api.__name__}/{visit.api.__version__}"
    assert {"gzip", "deflate", "br"} <= set(said.one("accept-encoding").split(", "))
    assert said.all("content-length") == said.all("transfer-encoding") == []


@by_face()
async def test_fields_of_the_request_take_the_place_of_the_clients(visit: Visit) -> None:
    client = visit.made(headers={"User-Agent": "float", "X-Round": "7"})
    said = heard(await client.get("/echo", headers={"X-Round": "8", "Accept": "text/plain"}))
    assert (said.one("user-agent"), said.one("x-round"), said.one("accept")) == ("float", "8", "text/plain")


@everywhere()
async def test_fields_arrive_in_their_order_the_repeated_ones_too(visit: Visit) -> None:
    said = heard(await visit.client.get("/echo", headers=RULER))
    assert [pair for pair in said.headers if pair[0].startswith("x-")] == RULER


@on(Wire.PLAIN)
async def test_fields_go_out_as_they_are_written(visit: Visit) -> None:
    async with scripted(answers(OK)) as server:
        await visit.client.get(server.url, headers=[("X-UPPER", "A"), ("x-lower", "b"), ("X-Mixed", "c  d")])
    assert b"X-UPPER: A\r\nx-lower: b\r\nX-Mixed: c  d\r\n" in server.peers[0].heard[0]


@everywhere()
async def test_a_field_may_hold_any_latin_letter(visit: Visit) -> None:
    response = await visit.client.get("/echo", headers=[(b"X-Milk", "crème".encode("latin-1"))])
    assert heard(response).one("x-milk") == "crème"


@on(Wire.PLAIN)
async def test_an_ipv6_host_stands_in_brackets(visit: Visit) -> None:
    async with scripted(answers(OK), host="::1") as server:
        assert (await visit.client.get(f"http://[::1]:{server.port}/")).text == "hi"
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.peers[0].heard[0]


@everywhere()
async def test_the_host_is_the_urls_unless_it_is_given(visit: Visit) -> None:
    name = "host" if visit.wire is not Wire.HTTP2 else ":authority"
    said = heard(await visit.client.get("/echo"))
    told = heard(await visit.client.get("/echo", headers={"Host": "dairy.test"}))
    assert (said.all("host") or said.all(name)) == [f"127.0.0.1:{visit.port}"]
    assert (told.all("host") or told.all(name)) == ["dairy.test"]


@by_face()
async def test_a_request_built_by_hand_is_sent_as_it_is(visit: Visit) -> None:
    request = visit.client.build_request("POST", "/echo", content=b"milk", headers={"X-Stop": "2"})
    del request.headers["user-agent"]
    response = await visit.client.send(request)
    said = heard(response)
    assert (said.method, said.content, said.one("x-stop"), said.all("user-agent")) == ("POST", "milk", "2", [])
    assert response.request is request


@by_face()
async def test_a_request_may_be_sent_again_and_again(visit: Visit) -> None:
    request = visit.client.build_request("POST", "/echo", content=b"milk")
    assert [heard(await visit.client.send(request)).content for _ in range(3)] == ["milk"] * 3


@by_face()
@pytest.mark.parametrize("base", ["", "/"])
async def test_paths_are_joined_to_the_base_url(visit: Visit, base: str) -> None:
    client = visit.made(base_url=visit.door + base)
    for path in ("echo", "/echo"):
        response = await client.get(path)
        assert str(response.url) == f"{visit.door}/echo"


@by_face()
async def test_a_whole_url_passes_the_base_url_by(visit: Visit) -> None:
    client = visit.made(base_url="http://elsewhere.invalid")
    assert heard(await client.get(f"{visit.door}/echo")).target == "/echo"


@on(Wire.PLAIN)
async def test_no_more_is_sent_than_the_request(visit: Visit) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()

    async with scripted(script) as server:
        client = visit.made(headers={"Accept": "a", "Accept-Encoding": "b", "User-Agent": "c", "Connection": "d"})
        await client.get(server.url)
        head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: a\r\nAccept-Encoding: b\r\n"
        tail = "User-Agent: c\r\nConnection: d\r\n\r\n"
        assert sorted(server.peers[0].heard[0].splitlines()) == sorted((head + tail).encode().splitlines())
