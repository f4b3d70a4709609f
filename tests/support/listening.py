"""An event hook for tests: it keeps what it hears, and judges whether that is a well-formed account of each call."""

from milkrun.client import PHASES, Event, Step


class Listener:
    """Give it as `on_event`.

    Attributes:
        events: all of them, in the order heard.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def calls(self) -> list[list[Event]]:
        """The events of each call, the calls in the order of their beginning."""
        calls: dict[int, list[Event]] = {}
        for event in self.events:
            calls.setdefault(event.id, []).append(event)
        return list(calls.values())

    def story(self, call: int = 0) -> str:
        """The phases of a call as they began; a further attempt after a bar, a phase that broke off with a "!"."""
        words: list[str] = []
        attempt = 1
        for event in self.calls[call]:
            if event.attempt > attempt:
                words.append("|")
                attempt = event.attempt
            if event.step is Step.FINISHED and event.phase != "request":
                words.append(event.phase + "!" * (event.error is not None))
        return " ".join(words)

    def end(self, call: int = 0) -> Event:
        """The last event of a call."""
        return self.calls[call][-1]

    def is_well_formed(self, *, unfinished: int = 0) -> bool:
        """Whether each call is one "request" around pairs, one after the other; so many calls may still be going on."""
        ends = [_judged(call) for call in self.calls]
        return ends.count(False) == unfinished


def _judged(call: list[Event]) -> bool:
    """Judge the account of one call; says whether it has come to its end."""
    first, *rest = call
    assert (first.phase, first.step, first.attempt) == ("request", Step.STARTED, 1)
    under_way: Event | None = None
    for position, event in enumerate(rest):
        before = call[position]
        assert event.at >= before.at, f"{event.phase} {event.step} is told for a time before {before.phase}"
        assert event.attempt >= before.attempt
        if event.step is Step.FINISHED and event.phase == "request":
            assert under_way is None, f"{under_way} is not over at the end"
            assert event is call[-1], "something is told after the end"
            return True
        if event.step is Step.STARTED:
            assert under_way is None, f"{event.phase} begins inside {under_way}"
            assert event.phase in PHASES
            under_way = event
        else:
            assert under_way is not None, f"{event.phase} ends and never began"
            assert (under_way.phase, under_way.attempt) == (event.phase, event.attempt)
            under_way = None
    return False
