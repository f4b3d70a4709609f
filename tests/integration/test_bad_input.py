"""What servers and networks do wrong, from a configuration file to the Result a user is shown."""

import gc
import gzip
import tracemalloc
from contextlib import AsyncExitStack

import pytest

from milkrun.core.observation import Connection
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from tests.support import faults
from tests.support.authority import Authority
from tests.support.checking import SOON, Checks, authority, checks, endpoint, failure
from tests.support.faults import CHUNKED, HEAD, TEN, Large, after_a_good_answer, gzipped, serving
from tests.support.scripted import OK, Peer, Script, answers, once, scripted, silence

__all__ = ["authority", "checks"]

BODY = "[BODY] == hi"


def says(text: bytes) -> Script:
    return answers(text)


BAD: dict[str, tuple[Script, str, str, str]] = {
    "says nothing": (silence, "wait", "timeout", "deadline"),
    "says a byte a while in its head": (faults.drips_its_head, "wait", "timeout", "deadline"),
    "says a byte a while in its body": (faults.drips_its_body, "receive", "timeout", "deadline"),
    "stalls in its body": (faults.stalls_in_its_body, "receive", "timeout", "deadline"),
    "stalls in a chunk": (faults.stalls_in_a_chunk, "receive", "timeout", "deadline"),
    "closes in its head": (once(HEAD), "wait", "closed", "closed the connection"),
    "resets in its body": (faults.resets_in_its_body, "receive", "reset", "reset"),
    "ends its body early": (once(TEN + b"x"), "receive", "truncated", "middle of the body"),
    "ends in a chunk": (once(CHUNKED + b"5\r\nhel"), "receive", "truncated", "middle of the body"),
    "ends between chunks": (once(CHUNKED + b"2\r\nhi\r\n"), "receive", "truncated", "middle of the body"),
    "ends in its trailers": (once(CHUNKED + b"0\r\nX-T: 1\r\n"), "receive", "truncated", "middle of the body"),
    "talks garbage": (says(bytes(range(256))), "protocol", "bad-status-line", "the answer begins b'\\x00"),
    "talks another protocol": (says(b"220 mail ESMTP\r\n"), "protocol", "bad-status-line", "220 mail"),
    "talks HTTP/0.9": (once(b"<html>hi</html>"), "protocol", "bad-status-line", "<html>"),
    "says that it talks HTTP/0.9": (says(b"HTTP/0.9 200 OK\r\n\r\nhi"), "protocol", "bad-status-line", "HTTP/0.9"),
    "has a version of its own": (says(b"HTTP/1.10 200 OK\r\n\r\nhi"), "protocol", "bad-status-line", "HTTP/1.10"),
    "has a status of letters": (says(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol", "bad-status-line", "abc"),
    "has a letter in its status": (says(b"HTTP/1.1 2x0 OK\r\n\r\n"), "protocol", "bad-status-line", "2x0"),
    "has a status of four digits": (says(b"HTTP/1.1 2000 OK\r\n\r\n"), "protocol", "bad-status-line", "2000"),
    "has a status of 000": (says(b"HTTP/1.1 000 OK\r\n\r\n"), "protocol", "bad-status-line", "000"),
    "changes the protocol": (says(b"HTTP/1.1 101 Ok\r\n\r\n"), "protocol", "bad-status-line", "101"),
    "never ends its head": (faults.never_ends_its_head, "protocol", "header-too-large", "65536 bytes"),
    "has a line of 10 MB": (faults.has_a_line_of_10_megabytes, "protocol", "header-too-large", "65536 bytes"),
    "hints without end": (faults.hints_without_end, "protocol", "header-too-large", "65536 bytes"),
    "has both framings": (
        says(HEAD + b"transfer-encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
        "protocol",
        "bad-framing",
        "both Content-Length and Transfer-Encoding",
    ),
    "has unequal lengths": (
        says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"),
        "protocol",
        "bad-framing",
        "differ: b'2, 3'",
    ),
    "has a length with a sign": (says(HEAD + b"Content-Length: +2\r\n\r\nhi"), "protocol", "bad-framing", "+2"),
    "has a negative length": (says(HEAD + b"Content-Length: -2\r\n\r\nhi"), "protocol", "bad-framing", "-2"),
    "has a length of two words": (says(HEAD + b"Content-Length: 2 2\r\n\r\nhi"), "protocol", "bad-framing", "2 2"),
    "has no length after all": (says(HEAD + b"Content-Length:\r\n\r\nhi"), "protocol", "bad-framing", "no number"),
    "has a length beyond 64 bits": (
        says(HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nhi"),
        "protocol",
        "bad-framing",
        "30 digits",
    ),
    "has a length of 5000 digits": (
        says(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhi"),
        "protocol",
        "bad-framing",
        "5000 digits",
    ),
    "has a chunk size of letters": (says(CHUNKED + b"zz\r\nhi\r\n0\r\n\r\n"), "protocol", "bad-framing", "chunk"),
    "has a negative chunk size": (says(CHUNKED + b"-2\r\nhi\r\n0\r\n\r\n"), "protocol", "bad-framing", "chunk"),
    "has a chunk size beyond 64 bits": (says(CHUNKED + b"f" * 17 + b"\r\nhi"), "protocol", "bad-framing", "hunk size"),
    "has a chunk longer than it says": (says(CHUNKED + b"2\r\nhiho\r\n0\r\n\r\n"), "protocol", "bad-framing", "chunk"),
    "has a transfer coding unasked": (
        once(HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\nhi"),
        "protocol",
        "bad-framing",
        "chunked, gzip",
    ),
    "has a NUL in a field": (says(HEAD + b"X: a\0b\r\n\r\n"), "protocol", "bad-header", "malformed"),
    "has a field without a colon": (says(HEAD + b"nonsense\r\n\r\n"), "protocol", "bad-header", "nonsense"),
    "has a space before a colon": (says(HEAD + b"Content-Length : 2\r\n\r\nhi"), "protocol", "bad-header", "Length :"),
    "ends its gzip early": (says(gzipped(gzip.compress(b"hi")[:-6])), "body", "bad-encoding", "before its end"),
    "lies about gzip": (says(gzipped(b"hi")), "body", "bad-encoding", "not the gzip"),
    "lies in its gzip's sum": (
        says(gzipped(gzip.compress(b"hi")[:-8] + bytes(8))),
        "body",
        "bad-encoding",
        "not the gzip",
    ),
    "has a coding nobody asked for": (
        says(HEAD + b"Content-Encoding: lzma\r\nContent-Length: 2\r\n\r\nhi"),
        "body",
        "bad-encoding",
        "'lzma'",
    ),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("fault", BAD)
async def test_a_bad_server_is_down_with_one_result_that_says_why_cold_and_warm(
    fault: str, checks: Checks, authority: Authority, *, tls: bool
) -> None:
    script, layer, kind, why = BAD[fault]
    context = authority.good() if tls else None
    timeout = SOON if kind == "timeout" else "10s"
    async with serving(script, context) as cold, serving(after_a_good_answer(script), context) as warm:
        told = await checks.all(
            endpoint("cold", cold.url, BODY, timeout=timeout),
            endpoint("warm", warm.url, BODY, timeout=timeout),
            rounds=2,
        )
    assert told["warm"][0].outcome is Outcome.UP
    for result, connection in (
        (told["cold"][0], Connection.COLD),
        (told["cold"][1], None),
        (told["warm"][1], Connection.WARM),
    ):
        assert failure(result) == (layer, kind)
        assert result.failure is not None
        assert why in result.failure.message
        assert result.outcome is Outcome.DOWN
        assert connection in {None, result.connection}
        assert result.peer is not None
        assert (result.tls is not None and result.tls.not_after is not None) is tls
        assert not result.stale_retry
        assert result.conditions == ()


READ: dict[str, tuple[bytes, str]] = {
    "folds a field": (HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", "folded"),
    "folds its length": (HEAD + b"Content-Length:\r\n 2\r\n\r\nhi", "folded"),
    "ends lines with LF": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "LF alone"),
    "ends one line with LF": (HEAD + b"X: a\nContent-Length: 2\r\n\r\nhi", "LF alone"),
    "ends lines with LF before chunks": (
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\n\r\n",
        "LF alone",
    ),
    "repeats its length": (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "repeated"),
    "repeats its length with a zero": (HEAD + b"Content-Length: 2\r\nContent-Length: 02\r\n\r\nhi", "repeated"),
    "lists its length": (HEAD + b"Content-Length: 2, 2\r\n\r\nhi", "repeated"),
}
ODD: dict[str, bytes] = {
    "has chunks": CHUNKED + b"2\r\nhi\r\n0\r\n\r\n",
    "has extensions and trailers": CHUNKED + b'1;a="b";c\r\nh\r\n1\r\ni\r\n0;x\r\nX-T: 1\r\n\r\n',
    "has names in lower case": HEAD + b"content-length: 2\r\n\r\nhi",
    "has names in capitals": HEAD + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "has space around its length": HEAD + b"Content-Length:\t 2 \t\r\n\r\nhi",
    "has no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi",
    "has a status of 999": b"HTTP/1.1 999 \r\nContent-Length: 2\r\n\r\nhi",
    "hints first": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 20 + OK,
    "has a name in UTF-8": HEAD + b"X: \xc3\xa9\xff\r\nContent-Length: 2\r\n\r\nhi",
    "has two parts of gzip": gzipped(gzip.compress(b"h") + gzip.compress(b"i")),
}


@pytest.mark.parametrize("trickling", [False, True], ids=["whole", "by bytes"])
@pytest.mark.parametrize("oddity", [*READ, *ODD])
async def test_what_may_be_read_is_up_with_a_warning_where_one_is_due_cold_and_warm(
    oddity: str, checks: Checks, *, trickling: bool
) -> None:
    text, warning = READ[oddity] if oddity in READ else (ODD[oddity], None)

    async def script(peer: Peer) -> None:
        while await peer.request():
            await (peer.trickle(text) if trickling else peer.say(text))

    async with scripted(script) as server:
        results = await checks.of(server.url, BODY, rounds=2)
    assert [result.connection for result in results] == [Connection.COLD, Connection.WARM]
    for result in results:
        assert (result.outcome, result.failure) == (Outcome.UP, None)
        assert len(result.warnings) == (warning is not None)
        assert warning is None or warning in result.warnings[0]


UNKEPT: dict[str, Script] = {
    "ends HTTP/1.0 by closing": once(b"HTTP/1.0 200 OK\r\n\r\nhi"),
    "ends HTTP/1.1 by closing": once(HEAD + b"\r\nhi"),
    "says that it closes": answers(HEAD + b"Connection: keep-alive, close\r\nContent-Length: 2\r\n\r\nhi"),
    "sends garbage after its body": answers(OK + b"garbage"),
    "sends a second response": answers(OK + OK),
    "sends half a second response": answers(OK + HEAD),
}


@pytest.mark.parametrize("oddity", UNKEPT)
async def test_a_connection_that_cannot_be_trusted_again_is_not_used_again(oddity: str, checks: Checks) -> None:
    async with scripted(UNKEPT[oddity]) as server:
        results = await checks.of(server.url, BODY, rounds=3)
    assert {result.outcome for result in results} == {Outcome.UP}
    assert {result.connection for result in results} == {Connection.COLD}
    assert not any(result.stale_retry for result in results)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (HEAD + b"Content-Length: 5000\r\n\r\n", True),
        (CHUNKED, True),
        (HEAD + b"\r\n", True),
        (HEAD + b"X: a\r\n b\r\nContent-Length: 9\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n", False),
        (OK, False),
        (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", False),
    ],
)
async def test_a_head_has_no_body_whatever_it_says(text: bytes, checks: Checks, *, kept: bool) -> None:
    async with scripted(answers(text)) as server:
        first, second = await checks.of(server.url, "[STATUS] == 200", method="HEAD", rounds=2)
    assert (first.outcome, second.outcome) == (Outcome.UP, Outcome.UP)
    assert second.connection == (Connection.WARM if kept else Connection.COLD)


@pytest.mark.parametrize("text", [b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 \n\n"])
async def test_a_head_is_judged_like_any_other_answer(text: bytes, checks: Checks) -> None:
    async with scripted(answers(text)) as server:
        (result,) = await checks.of(server.url, method="HEAD")
    assert failure(result) == ("protocol", "bad-status-line")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_ends_with_its_head(status: int, checks: Checks) -> None:
    head = b"HTTP/1.1 %d Ok\r\nContent-Length: 2\r\n\r\n" % status
    async with scripted(answers(head)) as quiet, scripted(answers(head + b"hi")) as talking:
        told = await checks.all(
            endpoint("quiet", quiet.url, f"[STATUS] == {status}"),
            endpoint("talking", talking.url, f"[STATUS] == {status}"),
            rounds=2,
        )
    assert {result.outcome for results in told.values() for result in results} == {Outcome.UP}
    assert told["talking"][1].connection is Connection.COLD


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(("script", "kind"), [(faults.closes, "closed"), (faults.resets, "reset")])
async def test_a_connection_lost_before_any_byte_is_down_when_fresh_and_replaced_when_reused(
    script: Script, kind: str, checks: Checks, authority: Authority, *, tls: bool
) -> None:
    context = authority.good() if tls else None
    async with serving(script, context) as fresh, serving(after_a_good_answer(script), context) as reused:
        told = await checks.all(endpoint("fresh", fresh.url), endpoint("reused", reused.url), rounds=2)
        assert len(fresh.peers) == 2
        assert len(reused.peers) == 2
    for result in told["fresh"]:
        assert failure(result) == ("wait", kind)
        assert (result.outcome, result.connection, result.stale_retry) == (Outcome.DOWN, Connection.COLD, False)
    assert [result.outcome for result in told["reused"]] == [Outcome.UP, Outcome.UP]
    assert [result.stale_retry for result in told["reused"]] == [False, True]
    assert told["reused"][1].connection is Connection.COLD


async def test_a_request_that_may_not_be_repeated_is_not(checks: Checks) -> None:
    async with scripted(after_a_good_answer(faults.closes)) as server:
        _, second = await checks.of(server.url, method="POST", rounds=2)
        assert len(server.peers) == 1
    assert failure(second) == ("wait", "closed")
    assert (second.connection, second.stale_retry) == (Connection.WARM, False)


async def test_an_answer_before_the_question_is_an_answer(checks: Checks) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async with scripted(script) as server:
        (result,) = await checks.of(server.url)
    assert (result.outcome, result.failure) == (Outcome.DOWN, None)
    assert result.conditions[0].shown == "[STATUS] (503) < 400"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
async def test_a_hundred_megabytes_are_too_large_where_they_are_needed_and_no_matter_where_not(
    checks: Checks, *, chunked: bool
) -> None:
    needed, unneeded = Large(chunked=chunked), Large(chunked=chunked)
    async with scripted(needed) as first, scripted(unneeded) as second:
        (read,) = await checks.of(first.url, BODY)
        (drained,) = await checks.of(second.url, "[STATUS] == 200")
    assert failure(read) == ("body", "too-large")
    assert (drained.outcome, drained.failure) == (Outcome.UP, None)
    assert drained.http is not None
    assert drained.http.bytes < 2_000_000
    assert needed.sent < faults.LARGE / 2
    assert unneeded.sent < faults.LARGE / 4  # the kernel's buffers on both sides take some


async def test_a_bomb_is_too_large_where_its_body_is_needed_and_is_never_unpacked(checks: Checks) -> None:
    text = faults.bomb()
    async with scripted(answers(text)) as server:
        tracemalloc.start()
        (read,) = await checks.of(server.url, BODY)
        (drained,) = await checks.of(server.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert failure(read) == ("body", "too-large")
    assert drained.outcome is Outcome.UP
    assert peak < faults.LARGE / 2


QUICK = [name for name, row in BAD.items() if row[2] != "timeout"]


async def street(checks: Checks, *, good: int = 0, rounds: int = 1) -> dict[str, list[Result]]:
    """Check every bad server that is not merely slow at once, and a good one several times beside them."""
    async with AsyncExitStack() as stack:
        fine = await stack.enter_async_context(scripted(answers(OK)))
        endpoints = [endpoint(f"good {place}", fine.url, BODY) for place in range(good)]
        for name in QUICK:
            server = await stack.enter_async_context(scripted(BAD[name][0]))
            endpoints.append(endpoint(name, server.url, BODY))
        return await checks.all(*endpoints, rounds=rounds)


async def test_the_bad_leave_the_good_alone(checks: Checks) -> None:
    told = await street(checks, good=20, rounds=3)
    for name in QUICK:
        assert {failure(result) for result in told[name]} == {BAD[name][1:3]}
    for place in range(20):
        results = told[f"good {place}"]
        assert [result.outcome for result in results] == [Outcome.UP] * 3
        assert results[2].connection is Connection.WARM


async def test_the_bad_leave_no_memory_behind(checks: Checks) -> None:
    await street(checks)
    tracemalloc.start()
    try:
        await street(checks)
        before = memory()
        for _ in range(3):
            await street(checks)
        grown = memory() - before
    finally:
        tracemalloc.stop()
    assert grown < 500_000


def memory() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
