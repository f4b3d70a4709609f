"""The pool against a model, in any order of events: requests, cancellations, servers' moods, time, names, the budget.

Every rule lets the event loop go on by a number of turns, so that the next one strikes at any await. The servers are
worked by hand, on real sockets; time is the loop's own, and passes only when a rule says so.

`MILKRUN_MODEL_EXAMPLES` is the number of runs, and has a failing one shrunk, which may take minutes. A run that is
not shrunk is told step by step all the same.
"""

import os
import sys
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from milkrun.client.preparing import RequestOptions
from tests.model.books import Books
from tests.model.calls import KINDS
from tests.model.world import ADDRESSES, NOBODY, PLAIN, SHARING, World

T = TypeVar("T")
EXAMPLES = os.environ.get("MILKRUN_MODEL_EXAMPLES")
TURNS = st.sampled_from([None, 0, 1, 2, 3, 5, 8, 13])
ENDS = ["close", "reset"]
ANSWERS = ["whole", "chunked", "last", "until_close", "half", "with_more", "interim", "rubbish", *ENDS]
UPSETS = ["goaway", "leave", "close", "reset", "narrow", "widen", "rubbish"]
RESPONSES = ["whole", "interim", "head", "reset", "refuse"]
OPTIONS = st.fixed_dictionaries(
    {}, optional={"fresh": st.just(True), "max_age": st.sampled_from([0.0, 20.0]), "max_uses": st.sampled_from([1, 2])}
)
HOSTS = st.sampled_from([*PLAIN, *SHARING, PLAIN[0], SHARING[0]])
KIND = st.sampled_from(sorted(KINDS))
# What a rule chooses from depends on sockets, whose timing is the kernel's: so it is told a place, not shown a choice.
WHICH = st.integers(0, 7)


def one_of(things: list[T], which: int) -> list[T]:
    """One of them, if there is any."""
    return [things[which % len(things)]] if things else []


class PoolMachine(RuleBasedStateMachine):
    """The rules."""

    world: World
    books: Books

    @initialize(
        budget=st.integers(3, 6),
        max_uses=st.sampled_from([None, 3]),
        max_age=st.sampled_from([100.0, 10_000.0]),
        idle_expiry=st.sampled_from([20.0, 10_000.0]),
    )
    def begin(self, budget: int, max_uses: int | None, max_age: float, idle_expiry: float) -> None:
        self.world = World(budget, max_uses=max_uses, max_age=max_age, idle_expiry=idle_expiry)
        self.books = Books(self.world)

    @rule(
        host=HOSTS | st.just(NOBODY),
        kind=KIND,
        timeout=st.sampled_from([1.0, 10.0, 1000.0]),
        options=OPTIONS,
        count=st.integers(1, 4),
        turns=TURNS,
    )
    def send(
        self, host: str, kind: str, timeout: float, options: RequestOptions, count: int, turns: int | None
    ) -> None:
        for _ in range(count):
            self.world.start(host, kind, timeout, options.copy())
        self.world.run(turns)

    @rule(which=WHICH, turns=TURNS)
    def cancel(self, which: int, turns: int | None) -> None:
        self.world.cancel(one_of(self.world.calls, which))
        self.world.run(turns)

    @rule(which=WHICH, reads=st.booleans(), turns=TURNS)
    def let_go_on(self, which: int, reads: bool, turns: int | None) -> None:
        for call in one_of([call for call in self.world.calls if not call.go.is_set()], which):
            call.reads = reads
            call.go.set()
        self.world.run(turns)

    @rule(which=WHICH, does=st.sampled_from(ANSWERS), turns=TURNS)
    def answer(self, which: int, does: str, turns: int | None) -> None:
        for puppet in one_of([puppet for puppet in self.world.puppets if puppet.path is not None], which):
            getattr(puppet, "rest" if puppet.is_half and does not in ENDS else does)()
        self.world.run(turns)

    @rule(host=HOSTS, count=st.integers(1, 3), options=OPTIONS, again=OPTIONS, turns=TURNS)
    def exchange(
        self, host: str, count: int, options: RequestOptions, again: RequestOptions, turns: int | None
    ) -> None:
        """The usual: some requests, their answers, one more on what is warm now."""
        self.world.names.open.set()
        for _ in range(count):
            self.world.start(host, "read", 10.0, options.copy())
        self.world.run(None)
        self.world.answer_all()
        self.world.run(None)
        self.world.start(host, "read", 10.0, again.copy())
        self.world.run(turns)

    @rule(host=HOSTS, kind=KIND, turns=st.integers(0, 8), places=st.lists(WHICH, min_size=1, max_size=3))
    def cancel_as_places_free(self, host: str, kind: str, turns: int, places: list[int]) -> None:
        """The race of a waiter's turn with its cancellation."""
        self.world.names.open.set()
        for _ in range(4):
            self.world.start(host, kind, 10.0, {})
        self.world.run(None)
        self.world.answer_all()
        self.world.run(turns)
        for which in places:
            self.world.cancel(one_of(self.world.calls, which))
        self.world.run(None)

    @rule(turns=TURNS)
    def answer_all(self, turns: int | None) -> None:
        self.world.answer_all()
        self.world.run(turns)

    @rule(which=WHICH, does=st.sampled_from(["unasked", *ENDS]))
    def disturb(self, which: int, does: str) -> None:
        self.world.run(None)
        for puppet in one_of([puppet for puppet in self.world.puppets if puppet.path is None], which):
            getattr(puppet, does)()
            self.world.run(None)
            assert puppet.lost

    @rule(which=WHICH, does=st.sampled_from(RESPONSES), turns=TURNS)
    def respond(self, which: int, does: str, turns: int | None) -> None:
        for stream in one_of(self.world.streams, which):
            self.world.respond(stream, does)
        self.world.run(turns)

    @rule(which=WHICH, does=st.sampled_from(UPSETS), turns=TURNS)
    def upset(self, which: int, does: str, turns: int | None) -> None:
        for peer in one_of(self.world.peers, which):
            self.world.upset(peer, does)
        self.world.run(turns)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 30.0, 130.0, 400.0]), steps=st.integers(1, 4))
    def pass_time(self, seconds: float, steps: int) -> None:
        self.world.pass_time(seconds, steps)

    @rule(host=st.sampled_from([*PLAIN, *SHARING]), address=st.sampled_from([*ADDRESSES, *ADDRESSES, None]))
    def move(self, host: str, address: str | None) -> None:
        self.world.names.addresses[host] = address

    @rule(turns=TURNS)
    def hold_names(self, turns: int | None) -> None:
        self.world.names.open.clear()
        self.world.run(turns)

    @rule(turns=TURNS)
    def let_names_go(self, turns: int | None) -> None:
        self.world.names.open.set()
        self.world.run(turns)

    @rule(turns=TURNS)
    def let_others_open_or_close(self, turns: int | None) -> None:
        self.world.share()
        self.world.run(turns)

    @rule(turns=TURNS)
    def close(self, turns: int | None) -> None:
        self.world.run(turns)
        self.end_client()
        self.world.client = self.world.new_client()

    @invariant()
    def balances(self) -> None:
        self.books.audit()

    @rule()
    def come_to_rest(self) -> None:
        self.world.run(None)
        self.books.audit_rest()

    def end_client(self) -> None:
        self.world.close_client()
        self.books.audit()
        assert self.world.under_way() == []
        self.books.audit_rest()
        assert self.world.sockets == 0
        assert self.world.client.stats()["origins"] == 0

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:  # what a rule or an invariant found is not to be hidden by what follows of it
                self.end_client()
        finally:
            self.world.end()


TestPool = PoolMachine.TestCase
TestPool.settings = settings(
    max_examples=int(EXAMPLES or 50),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
)
