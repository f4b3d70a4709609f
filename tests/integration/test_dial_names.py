"""Dialling by name through c-ares and a name server of the test's own, on both event loops."""

from collections.abc import AsyncIterator

import pytest

from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.tls import Contexts
from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError
from milkrun.client.resolve.ares import AresLookup
from milkrun.client.resolve.resolver import CachingResolver
from milkrun.client.timings import Timings
from tests.support.descriptors import none_left, open_sockets, settled
from tests.support.dialling import dial
from tests.support.dns import NOERROR, SERVFAIL, Nameserver, Record, nameserver
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import mute

__all__ = ["anyio_backend"]

ZONE = {
    "one.test": Record(("127.0.0.1",)),
    "empty.test": Record(rcode=NOERROR),
    "broken.test": Record(rcode=SERVFAIL),
}
NEVER = 60.0


@pytest.fixture
async def zone() -> AsyncIterator[Nameserver]:
    async with nameserver(ZONE) as answering:
        yield answering


@pytest.fixture
async def dialer(zone: Nameserver) -> AsyncIterator[Dialer]:
    resolver = CachingResolver(AresLookup([zone.address], tries=1))
    yield Dialer(resolver=resolver, contexts=Contexts())
    await resolver.close()


async def test_a_name_server_is_asked_again_only_for_a_fresh_answer(dialer: Dialer, zone: Nameserver) -> None:
    with mute() as port:
        for fresh in (False, False, True):
            dialled = await dial(dialer, f"http://one.test:{port}", fresh_dns=fresh)
            dialled.transport.abort()

    assert zone.asked["one.test"] == 2


@pytest.mark.parametrize(
    ("host", "kind"), [("gone.test", "not-found"), ("empty.test", "no-address"), ("broken.test", "server-failure")]
)
async def test_a_name_that_does_not_resolve_says_why(dialer: Dialer, host: str, kind: str) -> None:
    timings = Timings()

    with pytest.raises(RequestError) as caught:
        await dial(dialer, f"http://{host}", timings=timings)

    assert (caught.value.layer, caught.value.kind, caught.value.phase) == ("dns", kind, "dns")
    assert timings.dns > 0
    assert timings.connect == 0


async def test_a_silent_resolver_is_a_timeout_of_the_dns_phase_and_leaves_nothing_open() -> None:
    before = open_sockets()
    async with nameserver(ZONE, silent=True) as silent:
        resolver = CachingResolver(AresLookup([silent.address], timeout=NEVER, tries=1))
        with pytest.raises(RequestTimeoutError, match="dns/timeout"):
            await dial(Dialer(resolver=resolver, contexts=Contexts()), "http://one.test", patience=0.3)
        assert silent.asked["one.test"] == 1
        await resolver.close()

    assert await settled(before)


async def test_a_resolver_that_gives_up_before_the_deadline_is_a_timeout_as_well() -> None:
    async with nameserver(ZONE, silent=True) as silent:
        resolver = CachingResolver(AresLookup([silent.address], timeout=0.2, tries=1))
        with pytest.raises(RequestTimeoutError, match="dns/timeout: one"):
            await dial(Dialer(resolver=resolver, contexts=Contexts()), "http://one.test", patience=NEVER)
        await resolver.close()


async def test_a_name_server_that_cannot_be_asked_is_a_failure_of_the_dns_phase() -> None:
    resolver = CachingResolver(AresLookup(["no address"]))
    with pytest.raises(RequestError, match="dns/server-failure"):
        await dial(Dialer(resolver=resolver, contexts=Contexts()), "http://one.test")
    await resolver.close()


async def test_a_process_out_of_descriptors_does_not_blame_the_name(dialer: Dialer) -> None:
    with none_left(), pytest.raises(OwnError, match="self/descriptors") as caught:
        await dial(dialer, "http://one.test")

    assert caught.value.phase == "dns"
