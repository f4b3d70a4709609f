"""Routes in real sockets: unix sockets, local addresses, families, overrides and name servers, on both event loops."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from milkrun.client.dial.dialer import Dialer
from milkrun.client.dial.route import route
from milkrun.client.dial.tls import Contexts, TlsOptions
from milkrun.client.errors import OwnError, RequestError
from milkrun.client.resolve.resolver import Answer
from milkrun.client.timings import Timings
from milkrun.client.url import parse_url
from tests.support.authority import Authority
from tests.support.descriptors import none_left, open_sockets, settled
from tests.support.dialling import NAMES, Directory, dial, direct, failure
from tests.support.dns import Record, nameserver
from tests.support.loops import both_loops as anyio_backend
from tests.support.peers import Says, closed_port, mute, server
from tests.support.turns import until

__all__ = ["anyio_backend"]

NOT_OURS = "192.0.2.1"  # TEST-NET-1 (RFC 5737): no machine has it


class Silent(Directory):
    """Must not be asked."""

    async def resolve(self, host: str, *, fresh: bool = False) -> Answer:
        raise AssertionError(f"asked for {host}, fresh={fresh}")


@asynccontextmanager
async def unix_server(path: str, *, text: bytes = b"hello") -> AsyncIterator[None]:
    """Says hello to whoever speaks to it."""
    serving = await asyncio.get_running_loop().create_unix_server(lambda: Says(text), path)
    try:
        yield
    finally:
        serving.close()


@contextmanager
def full_socket(path: str) -> Iterator[None]:
    """A unix socket whose queue of connections is full."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as filler:
        listener.bind(path)
        listener.listen(0)
        filler.connect(path)
        yield


@pytest.mark.parametrize("abstract", [False, True])
async def test_a_unix_socket_is_reached_without_asking_for_the_name(tmp_path: Path, *, abstract: bool) -> None:
    path = f"\0{tmp_path.name}" if abstract else str(tmp_path / "d.sock")
    dialer = Dialer(resolver=Silent(), contexts=Contexts())
    timings = Timings()
    async with unix_server(path):
        dialled = await dial(dialer, "http://docker.test/", route=route(unix_socket=path), timings=timings)
        dialled.transport.write(b"anybody there?")

        assert await until(lambda: dialled.protocol.data == b"hello")
        dialled.transport.abort()
    assert dialled.peer == f"unix:{path}".replace("\0", "@")
    assert (dialled.address, dialled.tls, dialled.alpn) == (None, None, None)
    assert timings.connect > 0
    assert timings.dns == 0


async def test_tls_over_a_unix_socket_holds_the_certificate_against_the_name(tmp_path: Path) -> None:
    authority, path = Authority(tmp_path), str(tmp_path / "t.sock")
    loop = asyncio.get_running_loop()
    serving = await loop.create_unix_server(Says, path, ssl=authority.good("inside.test"))
    tls, over = TlsOptions(ca_file=authority.ca_file), route(unix_socket=path)
    refused = await failure(direct(), "https://other.test/", tls=tls, route=over)
    dialled = await dial(direct(), "https://inside.test/", tls=tls, route=over)
    dialled.transport.abort()
    serving.close()

    assert dialled.tls is not None
    assert dialled.alpn == "http/1.1"
    assert (refused.layer, refused.kind) == ("tls", "hostname")
    assert refused.connection is not None
    assert refused.connection.peer == f"unix:{path}"


async def test_a_unix_socket_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    error = await failure(direct(), "http://docker.test/", route=route(unix_socket=str(tmp_path / "no.sock")))

    assert (error.layer, error.kind) == ("connect", "unreachable")
    assert "no such file" in error.message


async def test_a_unix_socket_that_nobody_listens_at_refuses(tmp_path: Path) -> None:
    path = str(tmp_path / "left.sock")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(path)
    error = await failure(direct(), "http://docker.test/", route=route(unix_socket=path))

    assert (error.layer, error.kind) == ("connect", "refused")


async def test_a_unix_socket_whose_queue_is_full_refuses(tmp_path: Path) -> None:
    path = str(tmp_path / "full.sock")
    with full_socket(path):
        error = await failure(direct(), "http://docker.test/", route=route(unix_socket=path))

    assert (error.layer, error.kind) == ("connect", "refused")


async def test_a_process_out_of_descriptors_does_not_blame_a_unix_socket(tmp_path: Path) -> None:
    path, dialer = str(tmp_path / "d.sock"), direct()
    async with unix_server(path):
        with none_left(), pytest.raises(OwnError, match="self/descriptors"):
            await dial(dialer, "http://docker.test/", route=route(unix_socket=path))


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_a_connection_comes_from_the_local_address_and_shares_its_ports(host: str) -> None:
    with mute() as port:
        dialled = await dial(direct(), f"http://{host}:{port}", route=route(local_address="127.0.0.9"))

        connection = dialled.transport.get_extra_info("socket")
        assert connection.getsockname()[0] == "127.0.0.9"
        assert connection.getsockopt(socket.SOL_IP, 24)  # IP_BIND_ADDRESS_NO_PORT
        dialled.transport.abort()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_a_local_address_chooses_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "six.test", ("127.0.0.1", "::1"))
    with mute("::1") as port:
        dialled = await dial(direct(), f"http://six.test:{port}", route=route(local_address="::1"))

        assert dialled.address == "::1"
        assert dialled.transport.get_extra_info("sockname")[0] == "::1"
        dialled.transport.abort()


@pytest.mark.parametrize("host", ["127.0.0.1", "two.test"])
async def test_a_local_address_that_is_not_ours_is_our_own_trouble(host: str) -> None:
    with mute() as port:
        error = await failure(direct(), f"http://{host}:{port}", route=route(local_address=NOT_OURS))

    assert isinstance(error, OwnError)
    assert (error.layer, error.kind, error.phase) == ("self", "network", "connect")
    assert NOT_OURS in error.message


async def test_a_refusal_from_a_local_address_is_the_peers() -> None:
    error = await failure(direct(), f"http://127.0.0.1:{closed_port()}", route=route(local_address="127.0.0.9"))

    assert (error.layer, error.kind) == ("connect", "refused")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("zone", ["lo", str(socket.if_nametoindex("lo"))])
@pytest.mark.parametrize("beside", [(), ("127.0.0.1",)])
async def test_an_address_may_name_its_interface(
    monkeypatch: pytest.MonkeyPatch, zone: str, beside: tuple[str, ...]
) -> None:
    monkeypatch.setitem(NAMES, "zoned.test", (f"::1%{zone}", *beside))
    with mute("::1") as port:
        dialled = await dial(direct(), f"http://zoned.test:{port}")
        dialled.transport.abort()

    assert dialled.peer == f"[::1%{zone}]:{port}"


@pytest.mark.parametrize("beside", [(), ("::1%none",)])
async def test_an_interface_that_is_not_there_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, beside: tuple[str, ...]
) -> None:
    monkeypatch.setitem(NAMES, "zoned.test", ("::1%none", *beside))
    error = await failure(direct(), "http://zoned.test/")

    assert (error.layer, error.kind) == ("connect", "unreachable")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("family", "address"), [("ipv4", "127.0.0.1"), ("ipv6", "::1")])
async def test_one_family_alone_is_tried(family: str, address: str) -> None:
    with mute(address) as port:
        dialled = await dial(direct(), f"http://six.test:{port}", route=route(family=family))  # type: ignore[arg-type]  # from the table

        assert dialled.address == address
        dialled.transport.abort()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_host_without_an_address_of_the_family_has_no_address(host: str) -> None:
    error = await failure(direct(), f"http://{host}:80/", route=route(family="ipv6"))

    assert (error.layer, error.kind, error.phase) == ("dns", "no-address", "dns")
    assert f"{host} has no IPv6 address" in error.message


async def test_an_override_is_used_instead_of_asking() -> None:
    dialer = Dialer(resolver=Silent(), contexts=Contexts())
    with mute() as port:
        for name in ("somewhere.test", f"somewhere.test:{port}"):
            chosen = route(resolve={name: ["127.0.0.1"], "elsewhere.test": "192.0.2.1"})
            dialled = await dial(dialer, f"http://somewhere.test:{port}", route=chosen, fresh_dns=True)

            assert dialled.peer == f"127.0.0.1:{port}"
            dialled.transport.abort()


async def test_an_override_keeps_the_name_that_the_certificate_is_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with server(Says, context=authority.good("somewhere.test")) as port:
        dialled = await dial(
            direct(),
            f"https://somewhere.test:{port}",
            tls=TlsOptions(ca_file=authority.ca_file),
            route=route(resolve={"somewhere.test": "127.0.0.1"}),
        )
        dialled.transport.abort()

    assert dialled.tls is not None


async def test_an_override_is_filtered_by_family_like_an_answer() -> None:
    chosen = route(resolve={"a.test": "127.0.0.1"}, family="ipv6")

    with pytest.raises(RequestError, match="dns/no-address"):
        await dial(direct(), "http://a.test/", route=chosen)


async def test_name_servers_of_a_route_are_asked_instead_once_for_equal_routes_and_closed_with_the_dialer() -> None:
    before = open_sockets()
    zone = {"one.test": Record(("127.0.0.1",))}
    dialer = Dialer(resolver=Silent(), contexts=Contexts())
    async with nameserver(zone) as one, nameserver({"one.test": Record(("127.0.0.2",))}) as other:
        with mute("0.0.0.0") as port:  # noqa: S104  # two loopback addresses
            reached = []
            for servers in (one, one, other):
                chosen = route(nameservers=[servers.address])
                dialled = await dial(dialer, f"http://one.test:{port}", route=chosen)
                dialled.transport.abort()
                reached.append(dialled.address)
        answer = await dialer.resolve(parse_url("http://one.test").origin, route(nameservers=[one.address]))
        assert (one.asked["one.test"], other.asked["one.test"]) == (1, 1)
        await dialer.close()

    assert reached == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]
    assert answer.cached
    assert await settled(before)


async def test_a_fresh_dial_asks_the_routes_own_name_servers_anew() -> None:
    dialer = Dialer(resolver=Silent(), contexts=Contexts())
    async with nameserver({"one.test": Record(("127.0.0.1",))}) as own:
        with mute() as port:
            for _ in range(2):
                chosen = route(nameservers=[own.address])
                dialled = await dial(dialer, f"http://one.test:{port}", route=chosen, fresh_dns=True)
                dialled.transport.abort()
        await dialer.close()

    assert own.asked["one.test"] == 2


async def test_a_default_route_resolves_as_the_client_does() -> None:
    answer = await direct().resolve(parse_url("http://two.test").origin, fresh=True)

    assert [address for _, address in answer.addresses] == ["127.0.0.2", "127.0.0.1"]
    assert not answer.cached
