"""The origin servers: one listen on every loopback address is thousands of origins, and counts what it accepts.

nginx where it can be had, so that the other side of every measurement is one nobody tuned for us; else a small
server of our own in a process of its own.
"""

import contextlib
import http.client
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.certificate import write_certificate

BODY = '{"status":"ok","service":"origin","region":"eu-north1"}'
TLS_ADDRESSES = 5
TLS_PORTS = 400
HTTP2_PORTS = 10

_NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile {files}; pid {folder}/nginx.pid; error_log stderr crit; {user}
events {{ worker_connections {connections}; }}
http {{
  access_log off; default_type application/json; tcp_nodelay on;
  keepalive_timeout 1h; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 0.0.0.0:{plain} backlog=4096;
    listen 0.0.0.0:{tls}-{tls_last} ssl backlog=4096;
    listen 0.0.0.0:{http2}-{http2_last} ssl http2 backlog=4096;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_session_cache off; ssl_session_tickets off;
    allow 127.0.0.0/8; deny all;
    location / {{ return 200 '{body}'; }}
  }}
  server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""


def address(index: int) -> str:
    """The loopback address of origin `index`, up to some 60,000."""
    return f"127.1.{index // 250}.{1 + index % 250}"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What an origin server has seen."""

    accepts: int
    requests: int


class Origins:
    """A running origin server. `ca` is the authority that its certificate is to be verified with."""

    def __init__(self, *, plain: int, tls: int, status: int, ca: Path, kind: str, process: subprocess.Popen[bytes]):
        self._plain, self._tls, self._status, self._process = plain, tls, status, process
        self._asked = 0
        self.ca = str(ca)
        self.kind = kind

    def plain(self, count: int, *, first: int = 0) -> list[str]:
        """URLs of `count` origins."""
        return [f"http://{address(index)}:{self._plain}/" for index in range(first, first + count)]

    def tls(self, count: int) -> list[str]:
        """URLs of `count` origins over TLS: five addresses, as many names as certificates have, on many ports."""
        if count > TLS_ADDRESSES * TLS_PORTS:
            raise ValueError(f"there are {TLS_ADDRESSES * TLS_PORTS} origins over TLS")
        return [f"https://{address(i % TLS_ADDRESSES)}:{self._tls + i // TLS_ADDRESSES}/" for i in range(count)]

    def http2(self, count: int) -> list[str]:
        """URLs of `count` origins that speak HTTP/2 over TLS: on each address and port one."""
        if count > TLS_ADDRESSES * HTTP2_PORTS:
            raise ValueError(f"there are {TLS_ADDRESSES * HTTP2_PORTS} origins with HTTP/2")
        first = self._tls + TLS_PORTS
        return [f"https://{address(i % TLS_ADDRESSES)}:{first + i // TLS_ADDRESSES}/" for i in range(count)]

    @property
    def has_http2(self) -> bool:
        """Whether it speaks HTTP/2: our own small one does not."""
        return self.kind == "nginx"

    def port(self) -> int:
        """The plain origins' port."""
        return self._plain

    def counts(self) -> Counts:
        """Connections accepted and requests answered since the start, without those that asked this."""
        self._asked += 1
        connection = http.client.HTTPConnection("127.0.0.1", self._status, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/")
            found = re.search(rb"requests\s*\n\s*(\d+) \d+ (\d+)", connection.getresponse().read())
        assert found, "the origin's status page has no counts"
        return Counts(accepts=int(found[1]) - self._asked - 1, requests=int(found[2]) - self._asked)

    def wait(self) -> None:
        """Return once the server answers; it has five seconds for it."""
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._plain), 1):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"the origin server ({self.kind}) did not start")

    def stop(self) -> None:
        """End the server's process."""
        self._process.terminate()
        self._process.wait(10)


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below those that outgoing connections take."""
    for _ in range(200):
        base = random.randrange(20_000, 32_000)  # noqa: S311 - a port, no secret
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + count):
                stack.enter_context(socket.socket()).bind(("0.0.0.0", port))  # noqa: S104 - only to see that it is free
            return base
    raise SystemExit("no free ports for the origin server")


def _find_nginx() -> str | None:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    print("installing nginx with apt-get …", file=sys.stderr)
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "nginx-light"]):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return shutil.which("nginx", path="/usr/sbin:/usr/bin")


def _nginx_command(nginx: str, folder: Path, base: int, certificate: Path, key: Path) -> list[str]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    text = _NGINX.format(
        folder=folder,
        files=files,
        connections=files - 500,
        user="user root;" if os.geteuid() == 0 else "",
        plain=base,
        status=base + 1,
        tls=base + 2,
        tls_last=base + 1 + TLS_PORTS,
        http2=base + 2 + TLS_PORTS,
        http2_last=base + 1 + TLS_PORTS + HTTP2_PORTS,
        certificate=certificate,
        key=key,
        body=BODY,
    )
    (folder / "nginx.conf").write_text(text)
    return [nginx, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


@contextlib.contextmanager
def origins(*, own: bool = False) -> Iterator[Origins]:
    """Start an origin server, and stop it at the end. `own`: Milkrun's small one, even where nginx is there."""
    nginx = None if own else _find_nginx()
    with tempfile.TemporaryDirectory(prefix="milkrun-origins-") as name:
        folder = Path(name)
        base = free_ports(TLS_PORTS + HTTP2_PORTS + 2)
        ca, certificate, key = write_certificate(folder, [address(index) for index in range(TLS_ADDRESSES)])
        if nginx:
            command = _nginx_command(nginx, folder, base, certificate, key)
        else:
            if not own:
                print("nginx is not there: the benchmark's own origin server takes its place", file=sys.stderr)
            command = [sys.executable, "-m", "benchmarks.small_origin", str(base), str(certificate), str(key)]
        process = subprocess.Popen(command)
        server = Origins(
            plain=base, status=base + 1, tls=base + 2, ca=ca, kind="nginx" if nginx else "own", process=process
        )
        try:
            server.wait()
            yield server
        finally:
            server.stop()
