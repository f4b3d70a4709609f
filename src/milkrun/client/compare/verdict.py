"""What the figures say, in sentences: also where a shared client is not faster. Pure functions of the figures."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from milkrun.client.compare.figures import Figures, Round, Standing
from milkrun.client.compare.plan import LABELS, PER_REQUEST, Contestant
from milkrun.client.compare.words import counted, listed, seconds, times

# Less than this is no difference that a few rounds could tell.
_TELLING = 1.15
# Rounds further apart than this are worth a word.
_UNSTEADY = 1.5
_OPENED = {"connections": "connection", "handshakes": "TLS handshake", "contexts": "SSL context"}


def verdict(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Everything worth saying, the main thing first."""
    typical = {each.contestant: each.typical for each in standings}
    each_own, shared = _pair(typical)
    return (
        *(sentence for each in typical.values() for sentence in what_failed(each)),
        *what_was_opened(each_own, shared),
        *first_burst(each_own.burst, shared.burst),
        *afterwards(each_own.steady, shared.steady),
        *on_milkrun(typical),
        *what_is_left(each_own, shared),
        *(sentence for each in typical.values() for sentence in reopened(each)),
        *what_was_answered(typical.values()),
        *others(typical.values()),
        *unsteady(standings),
    )


def _pair(typical: Mapping[Contestant, Round]) -> tuple[Round, Round]:
    """A client per request and its shared counterpart: httpx2's where it takes part."""
    if Contestant.HTTPX2_SHARED in typical:
        return typical[Contestant.HTTPX2_PER_REQUEST], typical[Contestant.HTTPX2_SHARED]
    return typical[Contestant.MILKRUN_PER_REQUEST], typical[Contestant.MILKRUN_SHARED]


def what_was_opened(each_own: Round, shared: Round) -> Iterator[str]:
    """How much of everything a client per request opened, and a shared one."""
    ours, theirs = shared.whole, each_own.whole
    names = [name for name in _OPENED if getattr(theirs, name) or getattr(ours, name)]
    if not names:
        return
    took = listed([counted(getattr(theirs, name), noun) for name, noun in _OPENED.items() if name in names])
    instead = listed([f"{getattr(ours, name):,}" for name in names])
    yield f"{counted(theirs.requests, 'request')} took {took} with a client for each; {instead} with one shared client."


def first_burst(each_own: Figures, shared: Figures) -> Iterator[str]:
    """What a shared client gains, or does not, where nothing is there yet to be shared."""
    start = f"The first burst of {shared.requests:,} opened"
    if each_own.connections == shared.connections:
        yield f"{start} {counted(shared.connections, 'connection')} either way: {_gain_of_burst(each_own, shared)}."
    else:
        opened = f"{counted(each_own.connections, 'connection')} with a client for each"
        yield f"{start} {opened}, {shared.connections:,} with one shared client: {_gain_of_burst(each_own, shared)}."


def _gain_of_burst(each_own: Figures, shared: Figures) -> str:
    took = f"{seconds(shared.wall)} against {seconds(each_own.wall)}"
    if shared.wall * _TELLING > each_own.wall:
        slower = shared.wall > each_own.wall * _TELLING
        return f"a shared client is {'slower' if slower else 'no faster'} there ({took})"
    if each_own.connections == shared.connections and shared.contexts < each_own.contexts:
        return f"what a shared client saves there is SSL contexts ({took})"
    return f"a shared client is {times(each_own.wall / shared.wall)} as fast there ({took})"


def afterwards(each_own: Figures | None, shared: Figures | None) -> Iterator[str]:
    """What the requests after the first burst cost."""
    if each_own is None or shared is None:
        yield "There was nothing but the first burst: a shared client gains with what comes after it."
        return
    ours, theirs = shared.cpu / shared.requests, each_own.cpu / each_own.requests
    costs = f"{seconds(ours)} of CPU time a request, a client for each {seconds(theirs)}"
    if ours * _TELLING > theirs:
        yield f"After it, the shared client was no cheaper: {costs}."
    else:
        yield f"After it, the shared client took {costs}: {times(theirs / ours)} as much."


def on_milkrun(typical: Mapping[Contestant, Round]) -> Iterator[str]:
    """What Milkrun costs against httpx2's own transport, be it less or more."""
    own = typical.get(Contestant.HTTPX2_SHARED)
    if own is None:
        return
    rivals = [typical[each] for each in (Contestant.HTTPX2_ON_MILKRUN, Contestant.MILKRUN_SHARED)]
    base = _cost(own)
    costs = [
        f"{seconds(cost)} ({cost / base:.0%}) with {LABELS[each.contestant]}"
        for each in rivals
        if base and (cost := _cost(each))
    ]
    if costs:
        yield f"Against {seconds(base)} with httpx2 shared on its own transport, it is {listed(costs)}."
    bursts = [f"{seconds(each.burst.wall)} with {LABELS[each.contestant]}" for each in (own, *rivals)]
    yield f"The first burst took {listed(bursts)}."


def _cost(turn: Round) -> float | None:
    """Seconds of CPU time a request once connections are there."""
    return None if turn.steady is None else turn.steady.cpu / turn.steady.requests


def what_is_left(each_own: Round, shared: Round) -> Iterator[str]:
    """The sockets that a minute has to pass over."""
    if each_own.time_wait:
        left = counted(each_own.time_wait, "socket")
        yield f"A client for each left {left} in TIME_WAIT for a minute, the shared one {shared.time_wait or 0:,}."


def reopened(turn: Round) -> Iterator[str]:
    """Whether a shared client went on opening connections."""
    if turn.contestant not in PER_REQUEST and turn.steady is not None and turn.steady.connections:
        opened = counted(turn.steady.connections, "connection")
        yield f"{LABELS[turn.contestant]} opened {opened} after the first burst, too: they were not all kept."


def what_failed(turn: Round) -> Iterator[str]:
    """How many requests failed, and of what."""
    failed = sum(turn.errors.values())
    if failed:
        kinds = ", ".join(f"{kind} ({number:,})" for kind, number in turn.errors.items())
        yield f"{LABELS[turn.contestant]}: {failed:,} of {failed + sum(turn.statuses.values()):,} failed: {kinds}."


def what_was_answered(turns: Collection[Round]) -> Iterator[str]:
    """That answers were no success, so that a comparison of error pages is not taken for something else."""
    for turn in turns:
        for status, number in turn.statuses.items():
            if not status.startswith("2"):
                answers = sum(turn.statuses.values())
                yield f"{LABELS[turn.contestant]}: {number:,} of {counted(answers, 'answer')} had the status {status}."


def others(turns: Collection[Round]) -> Iterator[str]:
    """That the kernel counted otherwise than the hooks. It counts attempts, of which some fail; and those of others."""
    counts = [(kernel, turn) for turn in turns if (kernel := turn.kernel_connections) is not None]
    if any(kernel < turn.whole.connections for kernel, turn in counts):
        yield "The kernel counted fewer connections than the hooks did: do not trust either."
        return
    more = max((kernel - turn.whole.connections - turn.failed_connections for kernel, turn in counts), default=0)
    if more > 0:
        opened = counted(more, "more connection")
        yield f"The kernel counted up to {opened} a round than these clients opened: those of other processes."


def unsteady(standings: Sequence[Standing]) -> Iterator[str]:
    """That rounds differed."""
    worst = max(standings, key=lambda each: each.high.wall / each.low.wall)
    if worst.high.wall > worst.low.wall * _UNSTEADY:
        took = f"from {seconds(worst.low.wall)} to {seconds(worst.high.wall)}"
        # Requests that failed have been told of, and took their time: nobody else need be to blame.
        blame = "" if worst.typical.errors else " Something else keeps this machine or the server busy."
        yield f"Rounds differed: {LABELS[worst.contestant]} took {took}.{blame}"
