"""A comparison as a whole: its processes take turns, are bounded, and always end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from milkrun.client.compare import conduct, processes
from milkrun.client.compare.conduct import MOST_BYTES, Wishes, compare, contestants
from milkrun.client.compare.figures import Round
from milkrun.client.compare.plan import WITH_HTTPX2, WITHOUT_HTTPX2, CompareError, Contestant, Load, Plan
from milkrun.client.compare.processes import environment, measured, own_origin
from milkrun.client.compare.target import addresses_of, is_this_machines
from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url
from tests.support.peers import closed_port

LOAD = Load(requests=4, concurrency=2, rounds=2, within=60)
ONE = Load(requests=2, concurrency=2, rounds=1)
EACH_OWN, SHARED = WITHOUT_HTTPX2


def processes_below() -> set[str]:
    """The processes that this one started and that have not ended."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = processes_below()  # servers that live as long as the run of all tests
    yield
    assert processes_below() == before


@asynccontextmanager
async def answering(head: bytes, body: bytes = b"") -> AsyncIterator[str]:
    """A server that says the same to everybody and hangs up; gives its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def nobody(_: Round) -> None:
    """Nobody wants to know of turns."""


async def test_without_a_url_the_contestants_take_turns_on_a_server_of_the_comparisons_own() -> None:
    turns: list[Round] = []
    made = await compare(None, LOAD, Wishes(), on_turn=turns.append, parties=WITHOUT_HTTPX2)
    assert [each.contestant for each in turns] == [EACH_OWN, SHARED, EACH_OWN, SHARED]
    assert (made.url, made.version, made.rounds) == (None, "1.1", 2)
    assert [each.typical.whole.connections for each in made.standings] == [4, 2]
    assert [each.typical.statuses for each in made.standings] == [{"200": 8}, {"200": 8}]


async def test_a_url_of_this_machine_is_compared_on_and_shown_without_its_credentials() -> None:
    async with answering(b"200 OK") as url:
        made = await compare(url.replace("//", "//me:hunter2@"), ONE, Wishes(), on_turn=nobody, parties=[SHARED])
    assert made.url == url


async def test_any_status_is_an_answer_and_a_redirect_is_not_followed() -> None:
    async with answering(b"302 Found\r\nLocation: http://192.0.2.1/") as url:
        parties = [SHARED, Contestant.HTTPX2_SHARED]
        made = await compare(url, ONE, Wishes(), on_turn=nobody, parties=parties)
    assert [each.typical.statuses for each in made.standings] == [{"302": 2}, {"302": 2}]


async def test_a_server_with_roots_of_its_own_is_compared_on_by_their_file() -> None:
    async with own_origin() as (url, roots):
        made = await compare(url, ONE, Wishes(ca_file=roots), on_turn=nobody, parties=[SHARED])
        with pytest.raises(CompareError, match="does not answer: tls: the certificate was rejected"):
            await compare(url, ONE, Wishes(), on_turn=nobody, parties=[SHARED])
    assert made.standings[0].typical.statuses == {"200": 2}
    assert not Path(roots).parent.exists()


async def test_a_target_that_does_not_answer_is_compared_on_by_nobody() -> None:
    turns: list[Round] = []
    with pytest.raises(CompareError, match="does not answer: connect: connection refused"):
        await compare(f"http://127.0.0.1:{closed_port()}/", LOAD, Wishes(), on_turn=turns.append)
    assert not turns


async def test_a_body_that_would_make_it_a_download_is_refused() -> None:
    async with answering(b"200 OK", bytes(MOST_BYTES + 1)) as url:
        with pytest.raises(UsageError, match="more than a megabyte"):
            await compare(url, LOAD, Wishes(), on_turn=nobody)


@pytest.mark.parametrize(
    ("url", "wishes", "says"),
    [
        (None, Wishes(ca_file="roots.pem"), "--ca-file is for a server of yours"),
        (None, Wishes(timeout=0), "--timeout 0"),
        (None, Wishes(timeout=61), "--timeout 61: expected more than 0, and 60 at most"),
        (None, Wishes(timeout=float("nan")), "--timeout nan"),
        (
            "http://127.0.0.1/",
            Wishes(ca_file="missing.pem"),
            "--ca-file missing.pem: there is no such file",
        ),
        ("http://192.0.2.1/", Wishes(), "--yes"),
        ("ftp://127.0.0.1/", Wishes(), "expected http or https"),
    ],
)
async def test_bad_wishes_are_refused_before_anything_is_sent(url: str | None, wishes: Wishes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        await compare(url, LOAD, wishes, on_turn=nobody)


@pytest.mark.parametrize(("after", "rounds"), [(3, 1), (4, 1)])
async def test_when_time_is_up_whole_rounds_count_and_the_one_under_way_does_not(after: int, rounds: int) -> None:
    turns: list[Round] = []

    def time_is_up(turn: Round) -> None:
        turns.append(turn)
        if len(turns) == after:
            raise TimeoutError  # what the deadline does, at a moment that a test can choose

    made = await compare(None, LOAD, Wishes(), on_turn=time_is_up, parties=WITHOUT_HTTPX2)
    assert (made.rounds, made.load.rounds) == (rounds, 2)


async def test_no_time_for_one_round_is_no_comparison() -> None:
    def time_is_up(_: Round) -> None:
        raise TimeoutError

    with pytest.raises(CompareError, match=r"no round ended within 60 s"):
        await compare(None, LOAD, Wishes(), on_turn=time_is_up, parties=[SHARED])


async def test_a_comparison_that_is_cancelled_ends_the_process_that_measures() -> None:
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        plan = Plan(contestant=SHARED, url=url, requests=2, concurrency=2)
        task = asyncio.create_task(measured(plan, environment(None)))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_process_that_does_not_end_by_itself_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PATIENCE", 0.0)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import threading; threading.Event().wait()", stdout=asyncio.subprocess.PIPE
    )
    await processes._ended(process)
    assert process.returncode is not None


async def test_a_process_that_ends_early_is_told_of_without_the_credentials() -> None:
    plan = Plan(contestant=SHARED, url="http://me:hunter2@127.0.0.1/", requests=2, concurrency=2, allow=("nonsense",))
    with pytest.raises(CompareError, match=r"measures Milkrun shared ended early: .*nonsense") as caught:
        await measured(plan, environment(None))
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_does_not_start_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PACKAGE", "milkrun.nowhere")
    with pytest.raises(CompareError, match=r"own server did not start: .*No module named"):
        async with own_origin():
            pass


async def test_a_process_that_cannot_be_started_is_told_of_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(CompareError, match=r"no process could be started \(No such file .*; the limit of desc"):
        async with own_origin():
            pass


async def test_a_process_that_dies_without_a_word_is_told_of_by_its_status() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "raise SystemExit(3)", stderr=asyncio.subprocess.PIPE
    )
    assert await processes.Running(process).last_words() == "exit status 3"


def test_what_is_measured_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert not [name for name in environment(None) if name.lower().endswith("_proxy")]
    assert environment("roots.pem")["SSL_CERT_FILE"] == "roots.pem"


def test_without_httpx2_milkruns_own_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert contestants() == WITH_HTTPX2
    monkeypatch.setattr(conduct, "find_spec", lambda _: None)
    assert contestants() == WITHOUT_HTTPX2


@pytest.mark.parametrize(
    ("address", "own"), [("127.0.0.1", True), ("192.0.2.1", False), ("fe80::1%no-such-interface", False)]
)
def test_an_address_is_this_machines_if_the_kernel_would_send_from_it(address: str, own: bool) -> None:
    assert is_this_machines(address) is own


async def test_every_address_of_a_name_is_judged() -> None:
    assert await addresses_of(parse_url("http://[::1]:8080/")) == ("::1",)
    assert "127.0.0.1" in await addresses_of(parse_url("http://localhost:8080/"))
    with pytest.raises(CompareError, match=r"http://no-such-name\.invalid/ cannot be reached: no-such-name\.invalid: "):
        await addresses_of(parse_url("http://no-such-name.invalid/"))
