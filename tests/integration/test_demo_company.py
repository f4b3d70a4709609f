"""The demo's sample services: each behaves as the roster says, and none outlives the process that started it."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from milkrun.demo.company import Company, company
from milkrun.demo.roster import ROSTER


@pytest.fixture(scope="module")
def running() -> Iterator[Company]:
    with company() as files:
        yield files


@pytest.fixture
def urls(running: Company) -> dict[str, str]:
    return urls_of(running.configuration)


def urls_of(configuration: Path) -> dict[str, str]:
    endpoints = yaml.safe_load(configuration.read_text())["endpoints"]
    return {f"{each['group']}/{each['name']}": each["url"] for each in endpoints}


async def ask(url: str, times: int = 1, ca: Path | None = None) -> bytes:
    """Ask on one connection; what came until the server closed it or all was answered."""
    address = urlsplit(url)
    context = ssl.create_default_context(cafile=ca) if address.scheme == "https" else None
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port, ssl=context)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nhost: demo\r\n\r\n" * times)
        received = b""
        async with asyncio.timeout(10):
            while received.count(b"HTTP/1.1") < times or not received.endswith(b"}"):
                if not (piece := await reader.read(65_536)):
                    break
                received += piece
        return received
    finally:
        writer.transport.abort()


def test_there_are_fifty_services_in_eight_groups_with_names_of_their_own() -> None:
    assert len({sample.key for sample in ROSTER}) == 50
    assert len({sample.group for sample in ROSTER}) == 8


def test_every_service_has_an_endpoint_every_ten_seconds(running: Company) -> None:
    endpoints = yaml.safe_load(running.configuration.read_text())["endpoints"]
    assert Counter(each["interval"] for each in endpoints) == {"10s": 50}


async def test_a_good_service_answers_again_and_again_on_one_connection(urls: dict[str, str]) -> None:
    assert (await ask(urls["storefront/cart"], times=3)).count(b'{"status": "ok"}') == 3


async def test_a_broken_service_answers_with_an_error(urls: dict[str, str]) -> None:
    assert b"HTTP/1.1 500 " in await ask(urls["payments/refunds"])


async def test_a_redirecting_service_says_where_to_go(urls: dict[str, str]) -> None:
    address = urlsplit(urls["identity/avatars"])
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    writer.write(b"GET /health HTTP/1.1\r\nhost: demo\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert b"HTTP/1.1 301 " in head
    assert b"location: /v2/health" in head


async def test_a_service_that_is_gone_refuses(urls: dict[str, str]) -> None:
    with pytest.raises(ConnectionRefusedError):
        await ask(urls["logistics/labels"])


async def test_a_truncating_service_sends_less_than_it_promised(urls: dict[str, str]) -> None:
    head, _, body = (await ask(urls["data/exports"])).partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) < promised


async def test_a_service_that_hates_idle_connections_closes_them(urls: dict[str, str]) -> None:
    address = urlsplit(urls["identity/directory"])
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_a_tls_service_is_trusted_by_who_trusts_the_demos_authority(
    running: Company, urls: dict[str, str]
) -> None:
    assert b'"ok"' in await ask(urls["payments/api"], ca=running.authority)


async def test_a_self_signed_service_is_not(running: Company, urls: dict[str, str]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        await ask(urls["partners/currencies"], ca=running.authority)


def test_the_services_and_their_files_end_with_the_context() -> None:
    with company() as files:
        url = urls_of(files.configuration)["storefront/cart"]
        folder = files.configuration.parent
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(ask(url))


async def test_the_services_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import time; from milkrun.demo.company import company\n"
        "with company() as files: print(files.configuration, flush=True); time.sleep(60)",
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert parent.stdout
    async with asyncio.timeout(30):
        configuration = Path((await parent.stdout.readline()).decode().strip())
    url = urls_of(configuration)["storefront/cart"]
    try:
        assert b"200 OK" in await ask(url)
    finally:
        parent.send_signal(signal.SIGKILL)
        await parent.communicate()
    async with asyncio.timeout(10):
        while await still_answers(url):
            pass


async def still_answers(url: str) -> bool:
    try:
        await ask(url)
    except OSError:
        return False
    return True
