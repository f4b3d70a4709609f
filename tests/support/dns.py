"""A tiny DNS server on loopback: a zone of canned answers, and a count of what it was asked."""

import asyncio
import ipaddress
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

TYPES = {1: "A", 28: "AAAA"}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class Record(NamedTuple):
    """A name's addresses, their TTL, and the response code that goes with them."""

    addresses: tuple[str, ...] = ()
    ttl: int = 60
    rcode: int = NOERROR


class Nameserver(asyncio.DatagramProtocol):
    """Answers A and AAAA questions from `zone`; unknown names do not exist. A silent one answers nothing."""

    def __init__(self, zone: Mapping[str, Record], *, silent: bool = False) -> None:
        self.zone = dict(zone)
        self.asked: Counter[str] = Counter()
        self.hears = asyncio.Event()
        self.address = ""
        self._silent = silent
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's own class is no subclass of it
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, question, kind = _question(data)
        self.asked[name] += kind == "A"  # once a resolution, which asks for AAAA as well
        self.hears.set()
        if not self._silent and self._transport is not None:
            self._transport.sendto(_reply(data[:2], question, kind, self.zone.get(name, Record(rcode=NXDOMAIN))), addr)


@asynccontextmanager
async def nameserver(zone: Mapping[str, Record], *, silent: bool = False) -> AsyncIterator[Nameserver]:
    """A name server at `server.address` for as long as the block lasts."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Nameserver(zone, silent=silent), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()


def _question(data: bytes) -> tuple[str, bytes, str]:
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    kind = struct.unpack_from("!H", data, at + 1)[0]
    return ".".join(labels).lower(), data[12 : at + 5], TYPES.get(kind, "other")


def _reply(number: bytes, question: bytes, kind: str, record: Record) -> bytes:
    version = {"A": 4, "AAAA": 6}.get(kind)
    addresses = [ip for ip in map(ipaddress.ip_address, record.addresses) if ip.version == version]
    head = struct.pack("!HHHHH", 0x8180 | record.rcode, 1, len(addresses), 0, 0)
    return number + head + question + b"".join(_answer(ip, record.ttl) for ip in addresses)


def _answer(address: ipaddress.IPv4Address | ipaddress.IPv6Address, ttl: int) -> bytes:
    kind = 1 if address.version == 4 else 28
    return struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(address.packed)) + address.packed
