"""Names asked again: when, how many at once, and who is told that an address has left."""

import asyncio
import math
import socket
from typing import cast

import pytest

from milkrun.client.dial.route import DIRECT, Route, route
from milkrun.client.errors import OwnError, RequestError, UsageError
from milkrun.client.exchange.deadlines import Deadlines
from milkrun.client.pool.names import Names
from milkrun.client.resolve.resolver import Answer, CachingResolver, Found
from milkrun.client.resolve.resolvers import Resolvers
from milkrun.client.url import Origin
from tests.support.timers import TimerLoop
from tests.support.turns import turns

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
FAILURE = RequestError("dns", "server-failure", "nobody knows")


def origin(host: str = "a.test", port: int = 80) -> Origin:
    return Origin(scheme="http", host=host, port=port)


class World:
    """Names over a resolver that says what it is told to, on a clock that a test moves."""

    def __init__(self, *, questions: int = 50) -> None:
        self.loop = TimerLoop()
        self.says: Answer | Exception = answer(ONE)
        self.asked: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.left: list[str] = []
        self.names = Names[str](
            self.resolve,
            on_left=self.left.append,
            deadlines=Deadlines(cast("asyncio.AbstractEventLoop", self.loop), self.loop.now),
            clock=self.loop.now,
            questions=questions,
        )

    async def resolve(self, _: Origin, __: Route) -> Answer:
        self.asked.append(self.loop.time)
        await self.gate.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def watch(self, connection: str, address: str | None = ONE, host: str = "a.test") -> None:
        self.names.watch(connection, origin(host), DIRECT, address)

    async def next(self, *says: Answer | Exception) -> list[str]:
        """Let the name be asked and answered by each of these; gives who was told to leave meanwhile."""
        for self.says in says:
            before = len(self.asked)
            for _ in range(4000):
                if len(self.asked) > before:
                    break
                self.loop.advance(1)
                await turns(2)
            await turns(3)
            assert len(self.asked) == before + 1
        told, self.left[:] = list(self.left), []
        return told


def answer(*addresses: str, ttl: float = 60) -> Answer:
    return Answer(addresses=tuple((socket.AF_INET, address) for address in addresses), ttl=ttl, cached=False)


@pytest.fixture
async def world() -> World:
    return World()


async def test_an_address_that_three_answers_in_a_row_did_without_has_left(world: World) -> None:
    world.watch("stays", TWO)
    world.watch("goes", ONE)
    world.watch("goes, too", ONE)

    assert await world.next(answer(ONE, TWO), answer(TWO), answer(TWO)) == []
    assert sorted(await world.next(answer(TWO))) == ["goes", "goes, too"]


async def test_an_address_that_comes_back_in_between_has_not_left(world: World) -> None:
    world.watch("one")

    for _ in range(5):
        assert await world.next(answer(TWO), answer(TWO, THREE), answer(THREE, ONE)) == []


async def test_an_answer_that_did_not_come_says_nothing_of_who_left(world: World) -> None:
    world.watch("one")
    failures = (FAILURE, OwnError("descriptors", "none left", phase="dns"), UsageError("the resolver was closed"))

    assert await world.next(answer(TWO), *failures, answer(TWO), *failures) == []
    assert await world.next(answer(TWO)) == ["one"]


async def test_who_stays_open_is_told_again_and_who_was_closed_is_not(world: World) -> None:
    world.watch("one")
    world.watch("busy")
    assert sorted(await world.next(answer(TWO), answer(TWO), answer(TWO))) == ["busy", "one"]

    world.names.unwatch("one")

    assert await world.next(answer(TWO)) == ["busy"]
    assert await world.next(answer(TWO, ONE)) == []


async def test_a_connection_that_closes_because_it_was_told_to_is_no_trouble(world: World) -> None:
    names: Names[str]

    def close(connection: str) -> None:
        names.unwatch(connection)

    names = Names(
        world.resolve,
        on_left=close,
        deadlines=Deadlines(cast("asyncio.AbstractEventLoop", world.loop), world.loop.now),
        clock=world.loop.now,
        patience=1,
    )
    for connection in "abc":
        names.watch(connection, origin(), DIRECT, ONE)

    await world.next(answer(TWO))
    world.loop.advance(10_000)
    await turns()

    assert len(world.asked) == 1, "nobody is left to ask for"
    assert world.loop.live() == []


@pytest.mark.parametrize(
    ("ttl", "soonest", "latest"),
    [(0, 31, 35), (5, 31, 35), (60, 61, 68), (300, 301, 332), (86_400, 3601, 3962), (math.inf, 3601, 3962)],
)
async def test_a_name_is_asked_again_once_its_answer_is_old_and_not_in_a_hurry(
    world: World, ttl: float, soonest: float, latest: float
) -> None:
    world.watch("one")
    for _ in range(4):
        await world.next(answer(ONE, ttl=ttl))

    first, *_ = world.asked
    assert 30 <= first - 100 <= 62
    pauses = [later - sooner for sooner, later in zip(world.asked, world.asked[1:], strict=False)]
    assert soonest <= min(pauses)
    assert max(pauses) <= latest


async def test_a_name_that_cannot_be_asked_is_asked_again_after_a_while(world: World) -> None:
    world.watch("one")
    await world.next(FAILURE, FAILURE)

    assert 31 <= world.asked[1] - world.asked[0] <= 35


async def test_each_time_somebody_is_really_asked() -> None:
    """However the resolver keeps answers: with its own clock it never gives the same one twice."""
    world = World()

    class Counting:
        asked = 0

        async def ask(self, host: str, *, fresh: bool) -> Found:
            assert (host, fresh) == ("a.test", False)
            self.asked += 1
            return Found(addresses=((socket.AF_INET, TWO),), ttl=45)

        async def close(self) -> None: ...

    lookup = Counting()
    resolvers = Resolvers(CachingResolver(lookup, now=world.loop.now))
    names = Names[str](
        resolvers.resolve,
        on_left=world.left.append,
        deadlines=Deadlines(cast("asyncio.AbstractEventLoop", world.loop), world.loop.now),
        clock=world.loop.now,
    )
    names.watch("one", origin(), DIRECT, ONE)
    for _ in range(400):
        if world.left:
            break
        world.loop.advance(1)
        await turns(5)

    assert world.left == ["one"]
    assert lookup.asked == 3


@pytest.mark.parametrize(
    ("host", "way", "address"),
    [
        (ONE, DIRECT, ONE),
        ("::1", DIRECT, "::1"),
        ("a.test", route(resolve={"a.test": ONE}), ONE),
        ("a.test", route(resolve={"a.test:80": ONE}), ONE),
        ("a.test", route(unix_socket="/run/a"), None),
        ("a.test", DIRECT, None),
    ],
)
def test_what_no_answer_led_to_is_not_asked_for(host: str, way: Route, address: str | None) -> None:
    world = World()

    world.names.watch("one", origin(host), way, address)
    world.names.unwatch("one")

    assert world.loop.live() == []


async def test_many_connections_to_a_name_are_one_question(world: World) -> None:
    for number in range(100):
        world.watch(str(number), (ONE, TWO)[number % 2])

    await world.next(answer(ONE, TWO), answer(ONE, TWO))
    assert len(world.asked) == 2


async def test_connections_that_come_and_go_cost_no_question_and_no_second_timer(world: World) -> None:
    for number in range(100):
        world.watch(str(number))
        world.names.unwatch(str(number))
    assert len(world.loop.live()) == 1

    world.watch("last")
    await world.next(answer(ONE))
    world.names.unwatch("last")
    world.loop.advance(10_000)
    await turns()

    assert len(world.asked) == 1
    assert world.loop.live() == []
    assert not world.names._names


async def test_ten_thousand_quiet_names_are_one_timer_and_no_task(world: World) -> None:
    before = len(asyncio.all_tasks())
    for number in range(10_000):
        world.watch(str(number), host=f"{number}.test")

    assert len(world.loop.live()) == 1
    assert len(asyncio.all_tasks()) == before
    await world.names.close()


async def test_only_so_many_are_asked_at_once_and_the_others_in_their_turn() -> None:
    world = World(questions=3)
    for number in range(10):
        world.watch(str(number), host=f"{number}.test")
    world.gate.clear()
    world.loop.advance(61)
    await turns()
    assert len(world.asked) == 3

    for number in range(10):  # by now nobody needs most of those that wait
        if number != 5:
            world.names.unwatch(str(number))
    world.gate.set()
    await turns()

    waited = len(world.asked) - 3
    assert waited <= 1
    assert len(world.names._names) == 3 + waited, "those asked at the time, and the one still needed"


async def test_all_who_wait_are_asked_in_the_end() -> None:
    world = World(questions=3)
    for number in range(10):
        world.watch(str(number), host=f"{number}.test")
    world.loop.advance(61)
    await turns(20)

    assert len(world.asked) == 10


async def test_closing_ends_open_questions_and_asks_no_more() -> None:
    world = World(questions=1)
    world.gate.clear()
    world.watch("one")
    world.watch("two", host="b.test")
    world.loop.advance(61)
    await turns()
    assert len(world.asked) == 1

    await world.names.close()
    world.watch("late", host="c.test")
    world.names.unwatch("one")
    world.gate.set()
    await turns()

    assert len(world.asked) == 1
    assert world.left == []
    assert world.loop.live() == []


async def test_a_time_that_comes_after_closing_strikes_nobody(world: World) -> None:
    world.watch("one")
    await world.names.close()
    world.loop.advance(100)
    await turns()

    assert world.asked == []
