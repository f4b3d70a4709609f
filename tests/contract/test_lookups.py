"""Every Lookup, told the same things by the world, says the same things of it."""

import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from milkrun.client.errors import RequestError
from milkrun.client.resolve.ares import AresLookup
from milkrun.client.resolve.resolver import Lookup
from milkrun.client.resolve.system import SystemLookup
from tests.support.dns import NOERROR, NXDOMAIN, SERVFAIL, Record, nameserver

ZONE = {
    "one.test": Record(("192.0.2.1",)),
    "two.test": Record(("192.0.2.1", "2001:db8::1")),
    "gone.test": Record(rcode=NXDOMAIN),
    "empty.test": Record(rcode=NOERROR),
    "broken.test": Record(rcode=SERVFAIL),
}
GAI = {NXDOMAIN: socket.EAI_NONAME, NOERROR: socket.EAI_NODATA, SERVFAIL: socket.EAI_AGAIN}


def libc(host: bytes, port: None, family: int, kind: int) -> list[tuple[Any, ...]]:
    """What glibc's getaddrinfo makes of ZONE: one entry an address, or the code that glibc gives."""
    if host == b"localhost":
        return socket.getaddrinfo(host, port, family, kind)
    record = ZONE[host.decode()]
    if not record.addresses:
        raise socket.gaierror(GAI[record.rcode], "said libc")
    return [_entry(address, kind) for address in record.addresses]


def _entry(address: str, kind: int) -> tuple[Any, ...]:
    if ":" in address:
        return socket.AF_INET6, kind, 6, "", (address, 0, 0, 0)
    return socket.AF_INET, kind, 6, "", (address, 0)


@pytest.fixture(params=["ares", "system"])
async def lookup(request: pytest.FixtureRequest) -> AsyncIterator[Lookup]:
    async with nameserver(ZONE) as server:
        made: Lookup = (
            AresLookup([server.address], tries=1) if request.param == "ares" else SystemLookup(getaddrinfo=libc)
        )
        yield made
        await made.close()


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("one.test", [(socket.AF_INET, "192.0.2.1")]),
        ("two.test", [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]),
    ],
)
async def test_a_name_has_its_addresses_of_both_families(
    lookup: Lookup, host: str, expected: Sequence[tuple[int, str]], *, fresh: bool
) -> None:
    found = await lookup.ask(host, fresh=fresh)

    assert sorted(found.addresses) == sorted(expected)


async def test_localhost_is_this_machine_without_asking_anybody(lookup: Lookup) -> None:
    found = await lookup.ask("localhost", fresh=False)

    assert (socket.AF_INET, "127.0.0.1") in found.addresses


@pytest.mark.parametrize(
    ("host", "kind"), [("gone.test", "not-found"), ("empty.test", "no-address"), ("broken.test", "server-failure")]
)
async def test_a_name_without_addresses_says_why(lookup: Lookup, host: str, kind: str) -> None:
    with pytest.raises(RequestError) as caught:
        await lookup.ask(host, fresh=False)

    assert (caught.value.layer, caught.value.kind) == ("dns", kind)
    assert host in caught.value.message
    assert caught.value.__cause__ is not None


async def test_every_question_is_answered_alike(lookup: Lookup) -> None:
    first = await lookup.ask("two.test", fresh=False)
    second = await lookup.ask("two.test", fresh=False)

    assert sorted(first.addresses) == sorted(second.addresses)


async def test_a_lookup_that_was_never_asked_closes(lookup: Lookup) -> None:
    await lookup.close()
