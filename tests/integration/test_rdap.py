"""RDAP against a local server: which domain is asked for, where, and what its answers come to."""

import json

import pytest

from milkrun.client import Client
from milkrun.probes.rdap import Rdap, RdapError, Registration
from tests.support.scripted import Peer, Script, scripted

EXPIRES = {"events": [{"eventAction": "registration", "eventDate": "x"},
                      {"eventAction": "expiration", "eventDate": "2027-01-01T00:00:00Z"}]}  # fmt: skip
ENDS = 1_798_761_600_000


def registry(answers: dict[str, object], heard: list[str]) -> Script:
    """Answer GET requests by their path: a status, or what is JSON; 404 for the rest."""

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            path = request.split()[1].decode()
            heard.append(path)
            answer = answers.get(path, 404)
            body = b"" if isinstance(answer, int) else json.dumps(answer).encode()
            status = answer if isinstance(answer, int) else 200
            await peer.say(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return script


async def test_the_shortest_name_that_has_an_end_is_the_registered_domain() -> None:
    heard: list[str] = []
    answers: dict[str, object] = {"/rdap/domain/co.uk": {"events": []}, "/rdap/domain/example.co.uk": EXPIRES}
    async with scripted(registry(answers, heard)) as server, Client() as client:
        found = await Rdap(client, f"{server.url}rdap/").registration("www.example.co.uk")
    assert found == Registration("example.co.uk", ENDS)
    assert heard == ["/rdap/domain/co.uk", "/rdap/domain/example.co.uk"]


async def test_without_a_server_of_ones_own_ianas_list_says_where_and_is_read_once() -> None:
    heard: list[str] = []
    answers: dict[str, object] = {"/domain/example.com": EXPIRES}
    async with scripted(registry(answers, heard)) as server, Client() as client:
        answers["/dns.json"] = {"services": [[["com", "net"], [server.url, "http://other.test/"]], [["org"], []]]}
        rdap = Rdap(client, bootstrap=f"{server.url}dns.json")
        assert await rdap.registration("example.com") == Registration("example.com", ENDS)
        assert await rdap.registration("gone.com") is None
        assert await rdap.registration("example.org") is None
    assert heard == ["/dns.json", "/domain/example.com", "/domain/gone.com"]


async def test_a_time_without_a_zone_is_utc_wherever_milkrun_runs() -> None:
    answers = {"/domain/example.com": {"events": [{"eventAction": "expiration", "eventDate": "2027-01-01T00:00:00"}]}}
    async with scripted(registry(dict(answers), [])) as server, Client() as client:
        assert await Rdap(client, server.url).registration("example.com") == Registration("example.com", ENDS)


@pytest.mark.parametrize(
    "answer", [500, 429, {"events": 5}, {"events": [{"eventAction": "expiration", "eventDate": "soon"}]}]
)
async def test_trouble_is_an_error_of_one_line(answer: object) -> None:
    async with scripted(registry({"/domain/example.com": answer}, [])) as server, Client() as client:
        with pytest.raises(RdapError) as raised:
            await Rdap(client, server.url).registration("example.com")
    assert "\n" not in str(raised.value)


async def test_a_registry_that_is_not_there_is_an_error() -> None:
    async with Client() as client:
        with pytest.raises(RdapError, match="connect/refused"):
            await Rdap(client, "http://127.0.0.1:1").registration("example.com")
