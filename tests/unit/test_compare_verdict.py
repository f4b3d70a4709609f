"""What the figures say: each sentence follows from them, also where a shared client is not faster."""

import pytest

from milkrun.client.compare.figures import Figures, Round, standing
from milkrun.client.compare.plan import Contestant
from milkrun.client.compare.verdict import (
    afterwards,
    first_burst,
    on_milkrun,
    others,
    reopened,
    unsteady,
    verdict,
    what_failed,
    what_is_left,
    what_was_answered,
    what_was_opened,
)
from tests.support.comparing import BURST, STEADY, comparison, figures, per_request, turn

PLAIN = figures(handshakes=0, contexts=0, connections=1)
NOTHING = figures(handshakes=0, contexts=0, connections=0)


def test_the_whole_verdict_of_a_usual_comparison() -> None:
    assert verdict(comparison().standings) == (
        (
            "200 requests took 200 connections, 200 TLS handshakes and 200 SSL contexts with a client for each; "
            "20, 20 and 1 with one shared client."
        ),
        (
            "The first burst of 20 opened 20 connections either way: what a shared client saves there is SSL contexts "
            "(200 ms against 800 ms)."
        ),
        "After it, the shared client took 2.78 ms of CPU time a request, a client for each 27.8 ms: 10 times as much.",
        (
            "Against 2.78 ms with httpx2 shared on its own transport, it is 2.78 ms (100%) with httpx2 on Milkrun and "
            "2.78 ms (100%) with Milkrun shared."
        ),
        "The first burst took 200 ms with httpx2 shared, 200 ms with httpx2 on Milkrun and 200 ms with Milkrun shared.",
        "A client for each left 200 sockets in TIME_WAIT for a minute, the shared one 20.",
    )


def test_without_httpx2_milkruns_own_are_compared() -> None:
    parties = (per_request(Contestant.MILKRUN_PER_REQUEST), turn(Contestant.MILKRUN_SHARED))
    said = verdict(comparison(*parties).standings)
    assert said[0].startswith("200 requests took 200 connections")
    assert not any("httpx2" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("each_own", "shared", "says"),
    [
        (figures(connections=200, handshakes=0, contexts=200), PLAIN, "200 connections and 200 SSL contexts"),
        (figures(connections=1, handshakes=0, contexts=0), PLAIN, "took 1 connection with a client for each; 1 with"),
    ],
)
def test_only_what_was_opened_is_spoken_of(each_own: Figures, shared: Figures, says: str) -> None:
    (sentence,) = what_was_opened(turn(whole=each_own), turn(whole=shared))
    assert says in sentence
    assert "TLS" not in sentence


def test_nothing_is_said_of_connections_where_none_was_opened() -> None:
    assert not [*what_was_opened(turn(whole=NOTHING), turn(whole=NOTHING))]


@pytest.mark.parametrize(
    ("each_own", "shared", "says"),
    [
        ({"wall": 0.2}, {"wall": 0.2}, "20 connections either way: a shared client is no faster there (200 ms against"),
        ({"wall": 0.2}, {"wall": 0.19}, "either way: a shared client is no faster there"),
        ({"wall": 0.2}, {"wall": 0.3}, "either way: a shared client is slower there (300 ms against 200 ms)"),
        ({"wall": 0.8, "contexts": 20}, {}, "either way: what a shared client saves there is SSL contexts"),
        ({"wall": 0.8}, {}, "either way: a shared client is 4.0 times as fast there"),
        (
            {"wall": 0.8, "contexts": 20},
            {"connections": 1},
            (
                "opened 20 connections with a client for each, 1 with one shared client: "
                "a shared client is 4.0 times as fast there"
            ),
        ),
        ({"wall": 0.1}, {"connections": 1}, "1 with one shared client: a shared client is slower there"),
    ],
)
def test_the_first_burst_says_where_a_shared_client_gains_nothing(
    each_own: dict[str, float], shared: dict[str, float], says: str
) -> None:
    (sentence,) = first_burst(figures(BURST, **each_own), figures(BURST, **shared))
    assert says in sentence


@pytest.mark.parametrize(
    ("each_own", "shared", "says"),
    [
        (
            1.8,
            0.18,
            "took 1.00 ms of CPU time a request, a client for each 10.0 ms: 10 times as much.",
        ),
        (0.18, 0.18, "the shared client was no cheaper: 1.00 ms of CPU time a request, a client for each 1.00 ms."),
        (0.18, 0.36, "the shared client was no cheaper: 2.00 ms"),
    ],
)
def test_after_the_burst_cpu_time_decides_which_is_cheaper(each_own: float, shared: float, says: str) -> None:
    (sentence,) = afterwards(figures(STEADY, cpu=each_own), figures(STEADY, cpu=shared))
    assert says in sentence


def test_a_comparison_of_nothing_but_a_burst_says_so() -> None:
    (sentence,) = afterwards(None, None)
    assert sentence.startswith("There was nothing but the first burst")
    turns = {each: turn(each, steady=None) for each in Contestant}
    assert [*on_milkrun(turns)] == [
        "The first burst took 200 ms with httpx2 shared, 200 ms with httpx2 on Milkrun and 200 ms with Milkrun shared."
    ]


@pytest.mark.parametrize(("cpu", "share"), [(0.09, "18%"), (0.6, "120%")])
def test_milkruns_transport_is_held_against_httpx2s_own_be_it_cheaper_or_not(cpu: float, share: str) -> None:
    turns = {each: turn(each, steady=figures(STEADY, cpu=cpu)) for each in Contestant}
    turns[Contestant.HTTPX2_SHARED] = turn(steady=figures(STEADY, cpu=0.5))
    sentence, _ = on_milkrun(turns)
    assert sentence.count(f"({share})") == 2


@pytest.mark.parametrize(("left", "count"), [(None, 0), (0, 0), (1, 1)])
def test_sockets_in_time_wait_are_told_if_there_are_any(left: int | None, count: int) -> None:
    assert len([*what_is_left(turn(time_wait=left), turn(time_wait=None))]) == count


@pytest.mark.parametrize(
    ("contestant", "steady", "told"),
    [
        (Contestant.HTTPX2_SHARED, figures(STEADY, connections=3), True),
        (Contestant.HTTPX2_SHARED, STEADY, False),
        (Contestant.HTTPX2_SHARED, None, False),
        (Contestant.HTTPX2_PER_REQUEST, figures(STEADY, connections=3), False),
    ],
)
def test_a_shared_client_that_did_not_keep_its_connections_is_told(
    contestant: Contestant, steady: Figures | None, told: bool
) -> None:
    assert [*reopened(turn(contestant, steady=steady))] == (
        ["httpx2 shared opened 3 connections after the first burst, too: they were not all kept."] if told else []
    )


def test_failures_come_first_and_by_kind() -> None:
    failed = turn(Contestant.HTTPX2_SHARED, errors={"ConnectError: EMFILE": 30, "ReadError": 2}, statuses={"200": 168})
    assert [*what_failed(failed)] == ["httpx2 shared: 32 of 200 failed: ConnectError: EMFILE (30), ReadError (2)."]
    parties = comparison(per_request(), failed, turn(Contestant.HTTPX2_ON_MILKRUN), turn(Contestant.MILKRUN_SHARED))
    assert verdict(parties.standings)[0] == next(what_failed(failed))


def test_answers_that_are_no_success_are_told() -> None:
    assert [*what_was_answered([turn(statuses={"200": 150, "204": 2, "503": 48})])] == [
        "httpx2 shared: 48 of 200 answers had the status 503."
    ]


@pytest.mark.parametrize(
    ("kernel", "says"),
    [
        ((None, None), []),
        ((20, 20), []),
        ((20, 21), ["up to 1 more connection a round than these clients opened"]),
        ((45, 21), ["up to 25 more connections a round"]),
        ((19, 40), ["fewer connections than the hooks did"]),
    ],
)
def test_the_kernels_count_is_held_against_the_hooks(kernel: tuple[int | None, int | None], says: list[str]) -> None:
    sentences = [*others([turn(kernel_connections=each) for each in kernel])]
    assert len(sentences) == len(says)
    assert all(part in sentence for part, sentence in zip(says, sentences, strict=True))


def test_attempts_that_failed_are_no_connections_of_other_processes() -> None:
    assert not [*others([turn(kernel_connections=25, failed_connections=5)])]
    assert [*others([turn(kernel_connections=26, failed_connections=5)])]


@pytest.mark.parametrize(("walls", "told"), [((1.0, 1.4), False), ((1.0, 1.6), True)])
def test_rounds_that_differ_are_told(walls: tuple[float, float], told: bool) -> None:
    rounds: list[Round] = [turn(whole=figures(wall=wall)) for wall in walls]
    sentences = [*unsteady([standing(rounds)])]
    assert bool(sentences) is told
    assert not told or "httpx2 shared took from 1.00 s to 1.60 s. Something else keeps" in sentences[0]


def test_rounds_that_differ_by_requests_that_failed_are_blamed_on_nobody_else() -> None:
    rounds = [turn(whole=figures(wall=1.0)), turn(whole=figures(wall=4.0), errors={"ReadTimeout": 3})]
    assert [*unsteady([standing(rounds)])] == ["Rounds differed: httpx2 shared took from 1.00 s to 4.00 s."]
