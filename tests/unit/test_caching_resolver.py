"""The resolver's cache: what is kept, for how long, and who is asked how often."""

import asyncio
import math
import socket
from collections import Counter

import pytest

from milkrun.client.errors import OwnError, RequestError, RequestTimeoutError, UsageError
from milkrun.client.resolve.resolver import CachingResolver, Found
from tests.support.turns import turns

HERE = (socket.AF_INET, "192.0.2.1")


class FakeLookup:
    """Says what it is told to; holds its answers back while `held`."""

    def __init__(self, outcome: Found | RequestError) -> None:
        self.outcome = outcome
        self.asked: Counter[tuple[str, bool]] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False

    async def ask(self, host: str, *, fresh: bool) -> Found:
        self.asked[host, fresh] += 1
        await self.gate.wait()
        if isinstance(self.outcome, RequestError):
            raise self.outcome
        return self.outcome

    async def close(self) -> None:
        self.closed = True


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def lookup() -> FakeLookup:
    return FakeLookup(Found(addresses=(HERE,), ttl=60))


@pytest.fixture
def resolver(lookup: FakeLookup, now: Now) -> CachingResolver:
    return CachingResolver(lookup, now=now, size=2)


@pytest.mark.parametrize(("host", "family"), [("192.0.2.7", socket.AF_INET), ("2001:db8::7", socket.AF_INET6)])
async def test_a_literal_address_asks_nobody(
    resolver: CachingResolver, lookup: FakeLookup, host: str, family: int
) -> None:
    answer = await resolver.resolve(host, fresh=True)

    assert answer.addresses == ((family, host),)
    assert answer.ttl == math.inf
    assert not lookup.asked


async def test_an_answer_says_whether_somebody_was_asked(resolver: CachingResolver) -> None:
    first = await resolver.resolve("a.test")
    second = await resolver.resolve("a.test")

    assert (first.cached, second.cached) == (False, True)
    assert first.addresses == second.addresses == (HERE,)


@pytest.mark.parametrize(("ttl", "kept"), [(60, 60), (0, 5), (1, 1), (1_000_000, 3600)])
async def test_an_answer_is_kept_for_its_ttl(lookup: FakeLookup, now: Now, ttl: float, kept: float) -> None:
    lookup.outcome = Found(addresses=(HERE,), ttl=ttl)
    resolver = CachingResolver(lookup, now=now)
    await resolver.resolve("a.test")

    now.seconds += kept - 0.5
    known = await resolver.resolve("a.test")
    now.seconds += 0.5
    asked = await resolver.resolve("a.test")

    assert (known.cached, known.ttl) == (True, 0.5)
    assert (asked.cached, asked.ttl) == (False, kept)


async def test_a_fresh_question_goes_past_the_cache_and_renews_it(
    resolver: CachingResolver, lookup: FakeLookup, now: Now
) -> None:
    await resolver.resolve("a.test")
    now.seconds += 30
    other = (socket.AF_INET, "192.0.2.2")
    lookup.outcome = Found(addresses=(other,), ttl=60)

    fresh = await resolver.resolve("a.test", fresh=True)
    after = await resolver.resolve("a.test")

    assert (fresh.addresses, fresh.cached) == ((other,), False)
    assert (after.addresses, after.cached, after.ttl) == ((other,), True, 60)
    assert lookup.asked == {("a.test", False): 1, ("a.test", True): 1}


async def test_a_failure_is_kept_for_a_second_and_raised_anew_for_each(
    resolver: CachingResolver, lookup: FakeLookup, now: Now
) -> None:
    lookup.outcome = RequestError("dns", "not-found", "no such name")
    caught = []
    for _ in range(2):
        with pytest.raises(RequestError, match="no such name") as one:
            await resolver.resolve("a.test")
        caught.append(one.value)

    assert caught[0] is not caught[1]
    assert caught[0].__cause__ is caught[1].__cause__ is lookup.outcome
    assert lookup.asked["a.test", False] == 1

    now.seconds += 1
    lookup.outcome = Found(addresses=(HERE,), ttl=60)
    assert (await resolver.resolve("a.test")).addresses == (HERE,)


async def test_a_timeout_stays_a_timeout(resolver: CachingResolver, lookup: FakeLookup) -> None:
    lookup.outcome = RequestTimeoutError("dns", "nobody answered")

    with pytest.raises(RequestTimeoutError, match="dns/timeout"):
        await resolver.resolve("a.test")


async def test_a_process_out_of_descriptors_does_not_blame_the_name_nor_remember_it(
    resolver: CachingResolver, lookup: FakeLookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup.outcome = RequestError("dns", "server-failure", "could not contact DNS servers")
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", _no_descriptor)
        with pytest.raises(OwnError, match="self/descriptors") as caught:
            await resolver.resolve("a.test")

    assert caught.value.phase == "dns"
    lookup.outcome = Found(addresses=(HERE,))
    assert (await resolver.resolve("a.test")).addresses == (HERE,)


def _no_descriptor() -> socket.socket:
    raise OSError(24, "Too many open files")


async def test_many_waiters_are_one_question(resolver: CachingResolver, lookup: FakeLookup) -> None:
    answers = await asyncio.gather(*(resolver.resolve("a.test") for _ in range(50)))

    assert len(answers) == 50
    assert lookup.asked["a.test", False] == 1


async def test_a_question_outlives_the_one_who_asked(resolver: CachingResolver, lookup: FakeLookup) -> None:
    lookup.gate.clear()
    first = asyncio.create_task(resolver.resolve("a.test"))
    second = asyncio.create_task(resolver.resolve("a.test"))
    await turns()
    first.cancel()
    await turns()

    lookup.gate.set()

    assert (await second).addresses == (HERE,)
    assert first.cancelled()
    assert lookup.asked["a.test", False] == 1


async def test_an_answer_nobody_waited_for_is_kept_for_the_next(resolver: CachingResolver, lookup: FakeLookup) -> None:
    lookup.gate.clear()
    only = asyncio.create_task(resolver.resolve("a.test"))
    await turns()
    only.cancel()
    lookup.gate.set()
    await turns()

    assert (await resolver.resolve("a.test")).cached


async def test_the_oldest_name_makes_room_for_a_new_one(resolver: CachingResolver) -> None:
    for host in ("a.test", "b.test", "c.test"):
        await resolver.resolve(host)

    assert [(await resolver.resolve(host)).cached for host in ("c.test", "b.test", "a.test")] == [True, True, False]


async def test_closing_ends_open_questions_and_the_lookup(resolver: CachingResolver, lookup: FakeLookup) -> None:
    lookup.gate.clear()
    waiting = asyncio.create_task(resolver.resolve("a.test"))
    await turns()

    await resolver.close()

    with pytest.raises(UsageError, match="closed while"):
        await waiting
    assert lookup.closed
