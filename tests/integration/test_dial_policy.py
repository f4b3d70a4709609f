"""The address policy where it counts: as the socket is about to connect, on both event loops."""

import pytest

from milkrun.client.dial.policy import AddressPolicy
from milkrun.client.dial.route import route
from milkrun.client.resolve.resolver import Answer
from tests.support.descriptors import open_sockets
from tests.support.dialling import Directory, dial, direct, failure
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import mute

__all__ = ["anyio_backend"]

LOOPBACK = AddressPolicy(deny=["127.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "two.test", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]", "[::]"],  # noqa: S104  # dialled
)
async def test_a_denied_address_is_never_connected_to(host: str) -> None:
    with mute() as port:
        error = await failure(direct(policy=LOOPBACK), f"http://{host}:{port}")
        untouched = error.connection is None

    assert (error.layer, error.kind, error.phase) == ("connect", "denied", "connect")
    assert "is denied" in error.message
    assert untouched


async def test_of_several_addresses_only_those_allowed_are_tried() -> None:
    policy = AddressPolicy(deny=["127.0.0.2"])
    with mute("0.0.0.0") as port:  # noqa: S104  # both loopback addresses
        dialled = await dial(direct(policy=policy), f"http://two.test:{port}")
        dialled.transport.abort()

    assert dialled.address == "127.0.0.1"


async def test_an_override_does_not_get_around_the_policy() -> None:
    error = await failure(direct(policy=LOOPBACK), "http://a.test/", route=route(resolve={"a.test": "127.0.0.1"}))

    assert (error.layer, error.kind) == ("connect", "denied")


async def test_a_name_that_leads_elsewhere_the_second_time_is_judged_the_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([("127.0.0.3",), ("127.0.0.1",)])

    async def rebinding(_: Directory, host: str, *, fresh: bool = False) -> Answer:
        return Answer(addresses=tuple((2, address) for address in next(answers)), ttl=0, cached=not fresh and not host)

    monkeypatch.setattr(Directory, "resolve", rebinding)
    dialer = direct(policy=AddressPolicy(allow=["127.0.0.3"]))
    with mute("0.0.0.0") as port:  # noqa: S104  # both loopback addresses
        dialled = await dial(dialer, f"http://rebound.test:{port}")
        dialled.transport.abort()
        before = open_sockets()
        error = await failure(dialer, f"http://rebound.test:{port}")
        assert open_sockets() <= before

    assert (error.layer, error.kind) == ("connect", "denied")
