"""Every fault in every phase, and what the client makes of it; afterwards nothing is left, and the next request works.

A cell is the layer and kind of the failure, or of a request that succeeded:

    fine     the answer came whole; with a phase, that phase's time shows what the fault took
    changed  it came, but not as it was sent, and nothing on the wire could tell
    retried  the request was sent once more, on a fresh connection, and the response says so
    cold     the connection had left the pool, and the request went over a new one
    -        there is nothing to be done wrong

The columns: HTTP/1.1 in the clear and over TLS, HTTP/2 in the clear (by prior knowledge) and over TLS.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from milkrun.client import Client, RequestError, Response
from tests.support.accounts import at_rest, balanced
from tests.support.authority import Authority
from tests.support.descriptors import open_sockets, settled
from tests.support.fault_proxy import Fault, FaultProxy, Kind, Phase, fault_proxy
from tests.support.http2_origin import Served, http2_origin
from tests.support.loops import both_loops as anyio_backend
from tests.support.plain_origin import BODY, CHUNKED, plain_origin
from tests.support.turns import until

__all__ = ["anyio_backend"]

SOON = 0.15  # seconds: a deadline that is to strike
LATE = 5.0  # one that is not
SHOWN = 0.9  # of a fault's length: timers are a little early
LARGE = bytes(6_000_000)  # more than the kernel's buffers take
FRAMED = {"h2c", "h2"}
HTTP2: dict[str, bool | Literal["prior-knowledge"]] = {
    "plain": False,
    "tls": False,
    "h2c": "prior-knowledge",
    "h2": True,
}
REUSING = {Phase.AGAIN, Phase.IDLE}  # that strike a connection which has served a request

MATRIX = """
phase      fault       plain                     tls                h2c                       h2
connect    delay       -                         -                  -                         -
connect    stall       connect/timeout           connect/timeout    connect/timeout           connect/timeout
connect    reset       connect/refused           connect/refused    connect/refused           connect/refused
connect    half-close  -                         -                  -                         -
connect    truncate    -                         -                  -                         -
connect    corrupt     -                         -                  -                         -
connect    throttle    -                         -                  -                         -

accept     delay       fine:wait                 fine:tls           fine:wait                 fine:tls
accept     stall       wait/timeout              tls/timeout        wait/timeout              tls/timeout
accept     reset       wait/reset                tls/closed         wait/reset                tls/closed
accept     half-close  wait/closed               tls/closed         wait/closed               tls/closed
accept     truncate    wait/reset                tls/closed         wait/reset                tls/closed
accept     corrupt     protocol/bad-status-line  tls/not-tls        protocol/bad-status-line  tls/not-tls
accept     throttle    -                         -                  -                         -

handshake  delay       -                         fine:tls           -                         fine:tls
handshake  stall       -                         tls/timeout        -                         tls/timeout
handshake  reset       -                         tls/closed         -                         tls/closed
handshake  half-close  -                         tls/closed         -                         tls/closed
handshake  truncate    -                         tls/closed         -                         tls/closed
handshake  corrupt     -                         tls/alert          -                         tls/alert
handshake  throttle    -                         fine:tls           -                         fine:tls

request    delay       fine:send                 fine:send          fine:send                 fine:send
request    stall       send/timeout              send/timeout       send/timeout              send/timeout
request    reset       send/reset                send/reset         send/reset                send/reset
request    half-close  send/closed               send/closed        send/closed               send/closed
request    truncate    send/reset                send/reset         send/reset                send/reset
request    corrupt     fine                      send/closed        fine                      send/closed
request    throttle    fine                      fine               fine                      fine

answer     delay       fine:wait                 fine:wait          fine:wait                 fine:wait
answer     stall       wait/timeout              wait/timeout       wait/timeout              wait/timeout
answer     reset       wait/reset                wait/reset         wait/reset                wait/reset
answer     half-close  wait/closed               wait/closed        wait/closed               wait/closed
answer     truncate    wait/closed               wait/closed        wait/closed               wait/closed
answer     corrupt     protocol/bad-status-line  wait/closed        protocol/bad-framing      wait/closed
answer     throttle    fine:receive              fine:receive       fine:receive              fine:receive

head       delay       fine:receive              fine:receive       fine:wait                 fine:wait
head       stall       wait/timeout              wait/timeout       wait/timeout              wait/timeout
head       reset       wait/reset                wait/reset         wait/reset                wait/reset
head       half-close  wait/closed               wait/closed        wait/closed               wait/closed
head       truncate    wait/closed               wait/closed        wait/closed               wait/closed
head       corrupt     protocol/bad-header       wait/closed        protocol/bad-framing      wait/closed
head       throttle    fine:receive              fine:receive       fine:receive              fine:receive

body       delay       fine:receive              fine:receive       fine:receive              fine:receive
body       stall       receive/timeout           receive/timeout    receive/timeout           receive/timeout
body       reset       receive/reset             receive/reset      receive/reset             receive/reset
body       half-close  receive/truncated         receive/truncated  receive/truncated         receive/truncated
body       truncate    receive/truncated         receive/truncated  receive/truncated         receive/truncated
body       corrupt     changed                   receive/truncated  changed                   receive/truncated
body       throttle    fine:receive              fine:receive       fine:receive              fine:receive

chunk      delay       fine:receive              fine:receive       fine:receive              fine:receive
chunk      stall       receive/timeout           receive/timeout    receive/timeout           receive/timeout
chunk      reset       receive/reset             receive/reset      receive/reset             receive/reset
chunk      half-close  receive/truncated         receive/truncated  receive/truncated         receive/truncated
chunk      truncate    receive/truncated         receive/truncated  receive/truncated         receive/truncated
chunk      corrupt     protocol/bad-framing      receive/truncated  protocol/bad-framing      receive/truncated
chunk      throttle    fine:receive              fine:receive       fine:receive              fine:receive

again      delay       fine:wait                 fine:wait          fine:wait                 fine:wait
again      stall       wait/timeout              wait/timeout       wait/timeout              wait/timeout
again      reset       retried                   retried            retried                   retried
again      half-close  retried                   retried            retried                   retried
again      truncate    retried                   retried            retried                   retried
again      corrupt     protocol/bad-status-line  retried            protocol/bad-framing      retried
again      throttle    fine:receive              fine:receive       fine:receive              fine:receive

idle       delay       -                         -                  -                         -
idle       stall       wait/timeout              wait/timeout       wait/timeout              wait/timeout
idle       reset       cold                      cold               cold                      cold
idle       half-close  cold                      cold               cold                      cold
idle       truncate    cold                      cold               cold                      cold
idle       corrupt     cold                      cold               cold                      cold
idle       throttle    -                         -                  -                         -
"""


def cells() -> Iterator[tuple[str, Fault, str]]:
    """Protocol, fault and expectation of each cell with something in it."""
    (_, _, *protocols), *rows = (line.split() for line in MATRIX.splitlines() if line)
    for phase, kind, *expectations in rows:
        fault = Fault(phase=Phase(phase), kind=Kind(kind))
        for protocol, expected in zip(protocols, expectations, strict=True):
            if expected != "-":
                yield protocol, fault, expected


def test_the_matrix_has_a_row_for_each_fault_in_each_phase() -> None:
    rows = [tuple(line.split()[:2]) for line in MATRIX.splitlines()[2:] if line]
    assert rows == [(phase.value, kind.value) for phase in Phase for kind in Kind]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def contexts(authority: Authority) -> dict[str, ssl.SSLContext | None]:
    """What the proxy needs of TLS, by protocol."""
    tls, h2 = authority.good(), authority.good()
    h2.set_alpn_protocols(["h2"])
    return {"plain": None, "tls": tls, "h2c": None, "h2": h2}


@asynccontextmanager
async def origin(protocol: str) -> AsyncIterator[int]:
    """The port of an origin that answers rightly whatever comes."""
    if protocol in FRAMED:
        async with http2_origin(answer_in_frames) as framed:
            yield framed.port
    else:
        async with plain_origin() as port:
            yield port


async def answer_in_frames(stream: Served) -> None:
    await stream.content()
    stream.head(200)
    if stream.path == CHUNKED.encode():
        await stream.say(BODY[:1024])
        await stream.say(BODY[1024:], end=True)
    else:
        await stream.say(BODY, end=True)


@pytest.mark.parametrize(
    ("protocol", "fault", "expected"),
    [pytest.param(*cell, id=f"{cell[0]}-{cell[1].phase}-{cell[1].kind}") for cell in cells()],
)
async def test_a_fault_has_one_name_and_leaves_nothing_behind(
    protocol: str, fault: Fault, expected: str, authority: Authority, contexts: dict[str, ssl.SSLContext | None]
) -> None:
    before = open_sockets()
    async with (
        origin(protocol) as port,
        Client(ca_file=authority.ca_file, http2=HTTP2[protocol]) as client,
        fault_proxy(port, context=contexts[protocol], http2=protocol in FRAMED) as proxy,
    ):
        await lead_up(client, proxy, fault, expected)
        outcome, _, slow = expected.partition(":")
        answer = await attempt(client, proxy, fault, SOON if outcome.endswith("/timeout") else LATE)
        assert described(answer, fault) == outcome
        assert not slow or took(answer, slow) >= SHOWN * fault.seconds
        assert proxy.struck.is_set()
        assert await until(lambda: quiet(client))
        await proxy.heal()
        after = await client.get(proxy.url, timeout=LATE)
        assert (after.body, after.connection.reused) == (BODY, isinstance(answer, Response))
        assert balanced(client)
    assert at_rest(client, idle=0)
    assert await settled(before)


def quiet(client: Client) -> bool:
    """Nothing is under way, and the books say so."""
    return balanced(client) and client.stats()["connections"]["in_use"] == client.stats()["queue"] == 0


async def lead_up(client: Client, proxy: FaultProxy, fault: Fault, expected: str) -> None:
    """All that comes before the request that meets the fault."""
    if fault.phase is Phase.IDLE:
        await client.get(proxy.url)
    await proxy.impose(fault)
    if fault.phase is Phase.AGAIN:
        await client.get(proxy.url)
    if fault.phase is Phase.IDLE:
        await proxy.struck.wait()
        if expected == "cold":
            assert await until(lambda: at_rest(client, idle=0))


async def attempt(client: Client, proxy: FaultProxy, fault: Fault, timeout: float) -> Response | RequestError:
    try:
        if fault.phase is Phase.REQUEST:
            return await client.post(proxy.url, content=LARGE, timeout=timeout)
        path = CHUNKED if fault.phase is Phase.CHUNK else "/"
        return await client.get(proxy.url.rstrip("/") + path, timeout=timeout)
    except RequestError as error:
        return error


def described(answer: Response | RequestError, fault: Fault) -> str:
    """What came of the request, in the matrix's words."""
    if isinstance(answer, RequestError):
        return f"{answer.layer}/{answer.kind}"
    if answer.stale_retry:
        return "retried"
    if fault.phase in REUSING and not answer.connection.reused:
        return "cold"
    return "fine" if answer.body == BODY else "changed"


def took(answer: Response | RequestError, phase: str) -> float:
    """Seconds of one phase of the request."""
    return float(getattr(answer.timings, phase))
