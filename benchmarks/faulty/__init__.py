"""Origins that misbehave at random, in a process of their own: HTTP/1.1 in the clear, over TLS, and HTTP/2 over TLS."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.certificate import write_certificate
from benchmarks.measure import open_sockets
from benchmarks.origins import TLS_ADDRESSES, address, free_ports

_OVER_TLS = 4  # one origin in so many speaks HTTP/1.1 over TLS
_OVER_HTTP2 = 5  # and one in so many HTTP/2


class FaultyOrigins(msgspec.Struct, frozen=True, kw_only=True):
    """Running origins: their URLs, the authority to verify them with, and their process."""

    urls: list[str]
    ca: str
    process: subprocess.Popen[bytes]
    listening: int

    def connections(self) -> int:
        """How many connections they have open."""
        return open_sockets(self.process.pid) - self.listening


@contextlib.contextmanager
def faulty_origins(count: int, seed: int) -> Iterator[FaultyOrigins]:
    """Start so many origins, whose mischief the seed decides, and stop them at the end."""
    tls, framed = count // _OVER_TLS, count // _OVER_HTTP2
    ports = [-(-many // TLS_ADDRESSES) for many in (tls, framed)]
    base = free_ports(1 + sum(ports))
    with tempfile.TemporaryDirectory(prefix="milkrun-faulty-") as name:
        ca, certificate, key = write_certificate(Path(name), [address(index) for index in range(TLS_ADDRESSES)])
        arguments = map(str, (base, *ports, certificate, key, seed))
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.faulty", *arguments], stdout=subprocess.PIPE)
        try:
            _wait(process)
            yield FaultyOrigins(
                urls=_plain(base, count - tls - framed) + _secure(base + 1, tls) + _secure(base + 1 + ports[0], framed),
                ca=str(ca),
                process=process,
                listening=open_sockets(process.pid),
            )
        finally:
            process.terminate()
            process.communicate(timeout=10)


def _wait(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    if not process.stdout.readline():  # its only line says that it listens; at its end it says nothing
        raise SystemExit("the faulty origins did not start; their own words are above")


def _plain(port: int, count: int) -> list[str]:
    return [f"http://{address(index)}:{port}/" for index in range(count)]


def _secure(port: int, count: int) -> list[str]:
    return [f"https://{address(index % TLS_ADDRESSES)}:{port + index // TLS_ADDRESSES}/" for index in range(count)]
