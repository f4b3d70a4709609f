"""Proxies on loopback: HTTP CONNECT, plain and over TLS, and SOCKS5; ones that work, and what bad ones say."""

import asyncio
import base64
import contextlib
import ipaddress
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from milkrun.client.dial.route import Route
from milkrun.client.dial.tls import TlsOptions
from milkrun.client.proxy import Proxy
from tests.support.authority import Authority
from tests.support.dialling import NAMES
from tests.support.scripted import HEAD_END, Peer, Script

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSED, UNREACHABLE = 0x05, 0x04

KINDS = ["http", "https", "socks5", "socks5h"]

_NO_AUTH, _PASSWORD, _NOTHING_FITS = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4


class Serving:
    """A running proxy: its port, what it was asked for ("host:port"), and every head it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.relayed = b""  # what clients sent into the tunnels


class _RefusalError(Exception):
    """The proxy says this instead of connecting, and hangs up."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


_Greet = Callable[[Serving, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[tuple[str, int]]]


@asynccontextmanager
async def http_proxy(
    *, credentials: tuple[str, str] | None = None, context: ssl.SSLContext | None = None, coalesce: bool = False
) -> AsyncIterator[Serving]:
    """A CONNECT proxy, over TLS if there is a context.

    Args:
        credentials: what it demands.
        context: of its own TLS.
        coalesce: its answer waits for the target's first words and carries them along.
    """

    async def greet(proxy: Serving, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> tuple[str, int]:
        head = await reader.readuntil(HEAD_END)
        proxy.heads.append(head)
        host, port = head.split()[1].decode().rsplit(":", 1)
        if credentials is not None and _basic(credentials) not in head:
            raise _RefusalError(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return host.strip("[]"), int(port)

    failed = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    async with _proxy(greet, context, ESTABLISHED, failed, coalesce=coalesce) as proxy:
        yield proxy


@asynccontextmanager
async def socks_proxy(*, credentials: tuple[str, str] | None = None, coalesce: bool = False) -> AsyncIterator[Serving]:
    """A SOCKS5 proxy (RFC 1928, 1929), with the options of `http_proxy`."""

    async def greet(proxy: Serving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
        _, count = await reader.readexactly(2)
        await _let_in(reader, writer, await reader.readexactly(count), credentials)
        _, _, _, kind = await reader.readexactly(4)
        host = await _host(reader, kind)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        proxy.heads.append(bytes([kind]))
        return host, port

    async with _proxy(greet, None, socks_reply(0), socks_reply(REFUSED), coalesce=coalesce) as proxy:
        yield proxy


def socks_reply(code: int) -> bytes:
    """A reply to CONNECT with an IPv4 address in it."""
    return bytes([5, code, 0, _IPV4, 127, 0, 0, 1, 0, 80])


def says(*replies: bytes) -> Script:
    """Hear something and say the next of these, then hang up."""

    async def script(peer: Peer) -> None:
        for reply in replies:
            await peer.hear()
            await peer.say(reply)

    return script


def says_and_waits(*replies: bytes) -> Script:
    """Hear something and say the next of these, then nothing more."""

    async def script(peer: Peer) -> None:
        await says(*replies)(peer)
        await peer.gone()

    return script


def via(scheme: str, port: int, tls: TlsOptions | None = None, user: str = "") -> Route:
    """The route through a proxy on this port."""
    host = "localhost" if scheme == "https" else "127.0.0.1"
    return Route(proxy=Proxy.parse(f"{scheme}://{user}{host}:{port}", tls=tls))


@asynccontextmanager
async def proxied(scheme: str, authority: Authority) -> AsyncIterator[tuple[Serving, Route]]:
    """A proxy of this kind that works, and the route through it."""
    tls = TlsOptions(ca_file=authority.ca_file)
    context = authority.good("localhost") if scheme == "https" else None
    async with socks_proxy() if scheme.startswith("socks") else http_proxy(context=context) as proxy:
        yield proxy, via(scheme, proxy.port, tls)


@asynccontextmanager
async def _proxy(
    greet: _Greet, context: ssl.SSLContext | None, done: bytes, failed: bytes, *, coalesce: bool
) -> AsyncIterator[Serving]:
    proxy = Serving()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # the client went away
            try:
                await _tunnel(proxy, reader, writer, await greet(proxy, reader, writer), (done, failed), coalesce)
            except _RefusalError as refusal:
                writer.write(refusal.answer)
            finally:
                writer.close()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(serve(reader, writer)))

    listener = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=context)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tunnel(
    proxy: Serving,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: tuple[str, int],
    answers: tuple[bytes, bytes],
    coalesce: bool,
) -> None:
    host, port = target
    proxy.asked.append(f"{host}:{port}")
    try:
        far_reader, far_writer = await asyncio.open_connection(NAMES.get(host, (host,))[0], port)
    except OSError as err:
        raise _RefusalError(answers[1]) from err
    try:
        writer.write(answers[0] + (await far_reader.read(65536) if coalesce else b""))
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(far_reader, writer))
            group.create_task(_pump(reader, far_writer, proxy))
    finally:
        far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Serving | None = None) -> None:
    while data := await reader.read(65536):
        if proxy is not None:
            proxy.relayed += data
        writer.write(data)
        await writer.drain()
    writer.close()


async def _let_in(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, methods: bytes, credentials: tuple[str, str] | None
) -> None:
    method = _NO_AUTH if credentials is None else _PASSWORD
    if method not in methods:
        raise _RefusalError(bytes([5, _NOTHING_FITS]))
    writer.write(bytes([5, method]))
    if credentials is None:
        return
    await reader.readexactly(1)
    given = tuple([(await reader.readexactly((await reader.readexactly(1))[0])).decode() for _ in range(2)])
    if given != credentials:
        raise _RefusalError(b"\x01\x01")
    writer.write(b"\x01\x00")


async def _host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == _NAME:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    return str(ipaddress.ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))


def _basic(credentials: tuple[str, str]) -> bytes:
    return b"\r\nProxy-Authorization: Basic " + base64.b64encode(":".join(credentials).encode()) + b"\r\n"
