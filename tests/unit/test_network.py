"""Whose trouble it is when hosts cannot be reached: the rule alone."""

from hypothesis import given
from hypothesis import strategies as st

from milkrun.core.network import Blame, Network, NetworkRule, ours, unreached
from milkrun.core.outcome import Failure, Layer, Outcome
from tests.support.judging import result

RULE = NetworkRule(hosts=5, share=0.5, within=30_000)


def failing(count: int, *, at: int = 0, first: int = 0, network: Network | None = None) -> Network:
    found = network or Network(RULE)
    for number in range(first, first + count):
        assert found.failed(f"host-{number}", at)
    return found


def test_many_hosts_at_once_are_our_network() -> None:
    assert failing(4).blame(0, hosts=20) is Blame.UNCLEAR
    assert failing(5).blame(0, hosts=20) is Blame.OURS


def test_one_host_is_not_however_many_ports_of_it_refuse() -> None:
    network = Network(RULE)
    for _ in range(20):
        network.failed("one", 0)
    assert network.blame(0, hosts=20) is Blame.UNCLEAR


def test_hosts_that_answer_meanwhile_speak_against_it() -> None:
    network = failing(5)
    for number in range(6):
        network.answered(f"well-{number}", 1_000)
    assert network.blame(1_000, hosts=20) is Blame.UNCLEAR
    for number in range(15):
        network.answered(f"well-{number}", 1_000)
    assert network.blame(1_000, hosts=20) is Blame.THEIRS


def test_what_was_heard_too_long_ago_counts_neither_way() -> None:
    network = failing(2, at=0)
    failing(3, at=29_999, first=2, network=network)
    assert network.blame(29_999, hosts=20) is Blame.OURS
    assert network.blame(30_000, hosts=20) is Blame.UNCLEAR


def test_hosts_long_down_count_neither_way() -> None:
    network = failing(16, at=0)
    assert not network.failed("host-0", 30_000), "this is not news"
    failing(4, at=60_000, first=16, network=network)
    assert network.blame(60_000, hosts=20) is Blame.OURS, "of the four that are left, all fail"


def test_few_hosts_must_all_fail_and_of_two_nothing_can_be_told() -> None:
    assert failing(2).blame(0, hosts=3) is Blame.UNCLEAR
    assert failing(3).blame(0, hosts=3) is Blame.OURS
    assert failing(2).blame(0, hosts=2) is Blame.THEIRS


def test_while_it_is_gone_every_new_failure_is_its_doing() -> None:
    network = failing(5)
    assert network.lose(0) == 5
    assert network.failed("host-9", 120_000)
    assert network.failed("host-0", 120_000), "it was lost with the network, so it is not long down"


def test_it_is_back_once_most_of_the_lost_hosts_have_answered() -> None:
    network = failing(6)
    network.lose(0)
    for number in range(3):
        network.answered(f"host-{number}", 1_000)
        assert not network.is_back(hosts=20)
    network.answered("host-3", 1_000)
    assert network.is_back(hosts=20)
    assert not network.gone
    assert not network.failed("host-5", 31_000), "what fails still is the target's own trouble now"


def test_it_is_back_as_well_when_clearly_more_hosts_answer_than_fail() -> None:
    network = failing(1)
    network.lose(0)
    for number in range(5):
        assert not network.is_back(hosts=20)
        network.answered(f"well-{number}", 500_000)
    assert network.is_back(hosts=20)


def test_where_few_are_lost_it_is_back_once_all_the_others_answer() -> None:
    network = failing(1)
    network.lose(0)
    network.answered("well-0", 1_000)
    assert not network.is_back(hosts=3)
    network.answered("well-1", 1_000)
    assert network.is_back(hosts=3)


def test_what_fails_still_when_others_have_made_it_clear_is_no_news() -> None:
    network = failing(1)
    network.lose(0)
    for number in range(5):
        network.answered(f"well-{number}", 1_000)
    assert network.is_back(hosts=20)
    assert not network.failed("host-0", 1_001)
    network.answered("host-0", 1_002)
    assert network.failed("host-0", 1_003)


def test_hosts_that_fell_silent_are_no_sign_by_themselves_but_lost_with_the_network() -> None:
    network = Network(RULE)
    for number in range(10):
        assert network.failed(f"host-{number}", 0, doubtful=True)
    assert not network.is_failing("host-0"), "it may be asked"
    assert network.blame(0, hosts=10) is Blame.UNCLEAR
    assert network.lose(0) == 10
    network.forget("host-0")
    assert failing(1, network=network).is_failing("host-0")


def test_who_answered_before_the_first_failure_does_not_speak_against_it() -> None:
    network = failing(1)
    for number in range(5):
        network.answered(f"well-{number}", 1_000)
    assert network.blame(1_000, hosts=6, since=1_000) is Blame.THEIRS
    assert network.blame(1_000, hosts=6, since=1_001) is Blame.UNCLEAR


def test_a_host_that_is_watched_no_more_is_forgotten() -> None:
    network = failing(5)
    network.forget("host-0")
    assert not network.is_failing("host-0")
    assert network.blame(0, hosts=19) is Blame.UNCLEAR


def test_answers_are_not_remembered_when_nothing_fails() -> None:
    network = failing(1)
    network.answered("well", 1)
    network.answered("host-0", 2)
    network.answered("well", 40_000)
    failing(5, at=40_001, network=network)
    assert network.blame(40_001, hosts=20) is Blame.OURS


def test_the_original_failure_is_in_the_message() -> None:
    failure = Failure(layer=Layer.CONNECT, kind="refused", message="nobody listens")
    down = result(Outcome.DOWN, failure=failure)
    assert unreached(down) is failure
    changed = ours(down, failure)
    assert changed.outcome is Outcome.UNKNOWN
    assert changed.failure == Failure(
        layer=Layer.SELF,
        kind="network",
        message="our own network is in trouble; this was connect/refused: nobody listens",
    )


def test_only_dns_connect_and_timeouts_may_be_our_own_network() -> None:
    for layer, kind, counts in (
        (Layer.DNS, "timeout", True),
        (Layer.TLS, "expired", False),
        (Layer.WAIT, "reset", False),
        (Layer.WAIT, "timeout", True),
        (Layer.SELF, "overload", False),
    ):
        assert (
            unreached(result(Outcome.DOWN, failure=Failure(layer=layer, kind=kind, message=""))) is not None
        ) is counts
    assert unreached(result(Outcome.UP)) is None


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["failed", "answered", "judge", "forget"]), st.integers(0, 9), st.integers(0, 20_000)
        ),
        max_size=60,
    )
)
def test_whatever_happens_a_network_that_is_gone_comes_back_when_every_host_answers(
    events: list[tuple[str, int, int]],
) -> None:
    network, at = Network(RULE), 0
    for what, number, passed in events:
        at += passed
        host = f"host-{number}"
        if what == "failed":
            network.failed(host, at)
        elif what == "answered":
            network.answered(host, at)
        elif what == "forget":
            network.forget(host)
        elif not network.gone and network.blame(at, hosts=10) is Blame.OURS:
            assert network.lose(at) >= 3
        elif network.gone:
            network.is_back(hosts=10)
    for number in range(10):
        network.answered(f"host-{number}", at)
    assert not network.gone or network.is_back(hosts=10)
    assert network.blame(at, hosts=10) is not Blame.OURS
