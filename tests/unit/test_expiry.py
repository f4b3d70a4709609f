"""Certificates and domains that end soon: when a warning opens, what it says, when it is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from milkrun.clock import ManualClock
from milkrun.core.endpoint import Registered
from milkrun.core.expiry import candidates, certificate_end, is_near
from milkrun.core.incident import Incident, Kind, Severity
from milkrun.core.observation import Http, Tls
from milkrun.core.outcome import Outcome
from milkrun.core.result import Result
from milkrun.monitor.domains import AFTER_TROUBLE, AGAIN, LOOK, Domains, nobody_asked
from milkrun.probes.rdap import RdapError, Registration
from tests.support.guarded import Guarded, Witnesses
from tests.support.judging import result
from tests.support.rounds import MIDNIGHT, an_endpoint, registered

DAY = 86_400_000
NOW = MIDNIGHT * 1_000


def tls(days: float | None, chain: float | None = None) -> Tls:
    """A session whose certificate, and whose chain's first, ends so many days from now."""
    leaf, first = (None if each is None else MIDNIGHT + each * 86_400 for each in (days, chain))
    return Tls(version="TLSv1.3", cipher="x", not_before=0, not_after=leaf, chain_not_after=first)


def answered(*, slot: int) -> Result:
    return result(Outcome.UP, slot=slot, http=Http(status=200, version="1.1", bytes=0))


def watched(
    *, certificate: int = 14, domain: int = 0, url: str = "https://www.example.co.uk/", number: int = 1
) -> Registered:
    endpoint = msgspec.structs.replace(
        an_endpoint(f"core_h{number}"), target=url, certificate_expiry=certificate * DAY, domain_expiry=domain * DAY
    )
    return registered(endpoint, id=number)


class Line(Guarded):
    """A pipeline with one endpoint whose certificate is watched."""

    def __init__(self, who: Registered) -> None:
        super().__init__(0, reach=Witnesses())
        self.who = who
        self.guard.watch([who], NOW)

    def meet(self, session: Tls, *, at: int = NOW, outcome: Outcome = Outcome.UP) -> list[Incident]:
        self.guard.settle(self.who, result(outcome, endpoint=1, slot=at, tls=session))
        return [each for each in self.batch().incidents if each.kind is Kind.CERTIFICATE]


def test_a_warning_opens_below_the_threshold_and_is_no_outage() -> None:
    line = Line(watched())
    assert line.meet(tls(14)) == []
    (warning,) = line.meet(tls(13.5))
    assert (warning.cause, warning.severity) == ("the certificate expires on 2023-11-27 12:00 UTC", Severity.WARNING)
    assert [message.subject.kind for message in line.told()] == [Kind.CERTIFICATE]
    assert line.backlog.pending.states[1].state is Outcome.UP


def test_it_is_over_with_a_new_certificate_and_opens_once() -> None:
    line = Line(watched())
    line.meet(tls(10))
    line.meet(tls(9.9), at=NOW + 1)
    (warning,) = line.meet(tls(90), at=NOW + 2)
    assert (warning.opened, warning.closed) == (NOW, NOW + 2)


def test_of_the_chain_it_is_the_first_that_ends() -> None:
    (warning,) = Line(watched()).meet(tls(90, chain=-1))
    assert warning.cause == "a certificate of the chain expired on 2023-11-13 00:00 UTC"


def test_a_failed_checks_certificate_counts_as_well() -> None:
    assert len(Line(watched()).meet(tls(-1), outcome=Outcome.DOWN)) == 1


def test_zero_switches_it_off_and_no_certificate_is_no_warning() -> None:
    assert Line(watched(certificate=0)).meet(tls(1)) == []
    assert Line(watched()).meet(tls(None)) == []
    assert certificate_end(tls(None)) is None


def test_the_same_session_is_looked_at_once_until_the_endpoint_changes() -> None:
    line, session = Line(watched(certificate=0)), tls(1)
    assert line.meet(session) == line.meet(session) == []
    line.who = watched()
    line.guard.watch([line.who], NOW)
    assert len(line.meet(session)) == 1


def test_a_certificate_that_comes_near_while_it_is_met_again_and_again_is_warned_of() -> None:
    line, session = Line(watched()), tls(15)
    assert line.meet(session) == line.meet(session, at=NOW + DAY) == []
    (warning,) = line.meet(session, at=NOW + DAY + 1)
    assert line.meet(session, at=NOW + 2 * DAY) == [warning], "it is the same one"


def test_it_is_over_when_answers_come_without_tls() -> None:
    line = Line(watched())
    line.meet(tls(1))
    for what, closed in ((result(Outcome.DOWN, slot=NOW + 1), None), (answered(slot=NOW + 2), NOW + 2)):
        line.guard.settle(line.who, msgspec.structs.replace(what, endpoint=1))
        (warning,) = [each for each in line.batch().incidents if each.kind is Kind.CERTIFICATE]
        assert warning.closed == closed


def test_a_removed_endpoints_warning_is_closed() -> None:
    line = Line(watched())
    line.meet(tls(1))
    line.guard.retire(1, NOW + 5)
    (warning,) = [each for each in line.batch().incidents if each.kind is Kind.CERTIFICATE]
    assert warning.closed == NOW + 5


@pytest.mark.parametrize(("left", "near"), [(14 * DAY, False), (14 * DAY - 1, True), (-DAY, True)])
def test_near_is_less_than_the_threshold(left: int, near: bool) -> None:
    assert is_near(NOW + left, NOW, 14 * DAY) is near
    assert not is_near(NOW + left, NOW, 0)


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("www.example.co.uk", ["co.uk", "example.co.uk", "www.example.co.uk"]),
        ("Example.com.", ["example.com"]),
        ("localhost", []),
        ("10.0.0.7", []),
        ("::1", []),
    ],
)
def test_what_may_be_the_registered_domain(host: str, names: list[str]) -> None:
    assert candidates(host) == names


class Registry:
    """Answers what is asked of it; `asked` is every host."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ends: dict[str, int] = {}
        self.trouble = False

    async def __call__(self, host: str) -> Registration | None:
        self.asked.append(host)
        if self.trouble:
            raise RdapError("the registry is away")
        ends = self.ends.get(host)
        return None if ends is None else Registration("example.co.uk", ends)


class Watch:
    """Domains on a clock moved by hand."""

    def __init__(self, *who: Registered) -> None:
        self.line = Guarded(0, reach=Witnesses())
        assert isinstance(self.line.clock, ManualClock)
        self.clock = self.line.clock
        self.registry = Registry()
        self.domains = Domains(clock=self.clock, ask=self.registry, notices=self.line.pipeline.notices)
        self.watch(*who)

    def watch(self, *who: Registered) -> None:
        self.line.guard.watch(who, NOW)
        self.domains.watch(who, NOW)

    def warnings(self) -> list[tuple[str, bool]]:
        return [(each.cause, each.closed is None) for each in self.line.batch().incidents if each.kind is Kind.DOMAIN]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.domains.run())
        await self.clock.advance(0)
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_domain_is_asked_for_once_a_day_and_warned_of_until_it_is_renewed() -> None:
    watch = Watch(watched(domain=30))
    watch.registry.ends["www.example.co.uk"] = NOW + 20 * DAY
    async with watch.running():
        assert watch.warnings() == [("the domain example.co.uk expires on 2023-12-04 00:00 UTC", True)]
        await watch.clock.advance(AGAIN - 1)
        assert len(watch.registry.asked) == 1
        await watch.clock.advance(AGAIN * 0.1 + LOOK)
        assert (len(watch.registry.asked), len(watch.warnings())) == (2, 1)
        watch.registry.ends["www.example.co.uk"] = NOW + 400 * DAY
        await watch.clock.advance(AGAIN * 1.1 + LOOK)
        assert len(watch.registry.asked) == 3
        assert [is_open for _, is_open in watch.warnings()] == [False]


async def test_it_is_off_by_default_and_for_what_is_no_domain() -> None:
    watch = Watch(watched(), watched(domain=30, url="https://10.0.0.7/", number=2))
    async with watch.running():
        await watch.clock.advance(LOOK)
    assert watch.registry.asked == []
    assert await nobody_asked("example.com") is None


async def test_hosts_under_one_domain_are_one_question_and_questions_are_apart() -> None:
    watch = Watch(
        watched(domain=30),
        watched(domain=30, url="https://api.example.co.uk/", number=2),
        watched(domain=30, url="https://other.test/", number=3),
    )
    watch.registry.ends["www.example.co.uk"] = NOW + 20 * DAY
    async with watch.running():
        assert watch.registry.asked == ["www.example.co.uk"]
        await watch.clock.advance(2)
        assert watch.registry.asked == ["www.example.co.uk"]
        await watch.clock.advance(2)
        assert watch.registry.asked == ["www.example.co.uk", "other.test"]
    assert len(watch.warnings()) == 2


async def test_a_registry_in_trouble_is_asked_again_after_an_hour() -> None:
    watch = Watch(watched(domain=30))
    watch.registry.trouble = True
    with capture_logs() as logs:
        async with watch.running():
            await watch.clock.advance(AFTER_TROUBLE - 1)
            assert len(watch.registry.asked) == 1
            await watch.clock.advance(LOOK)
            assert len(watch.registry.asked) == 2
    assert [entry["reason"] for entry in logs] == ["the registry is away"] * 2
    assert watch.warnings() == []


async def test_who_goes_or_no_longer_asks_for_it_is_watched_no_more() -> None:
    watch = Watch(watched(domain=30), watched(domain=30, url="https://other.test/", number=2))
    watch.registry.ends["www.example.co.uk"] = NOW + 20 * DAY
    async with watch.running():
        watch.domains.retire(2)
        watch.watch(watched())
        await watch.clock.advance(3 * AGAIN)
    assert watch.registry.asked == ["www.example.co.uk"]
    assert [is_open for _, is_open in watch.warnings()] == [False]


async def test_an_answer_for_an_endpoint_that_has_gone_meanwhile_opens_nothing() -> None:
    watch = Watch(watched(domain=30))
    gate = asyncio.Event()

    async def slow(host: str) -> Registration | None:
        await gate.wait()
        return Registration(host, NOW)

    watch.domains = Domains(clock=watch.clock, ask=slow, notices=watch.line.pipeline.notices)
    watch.watch(watched(domain=30))
    async with watch.running():
        watch.domains.retire(1)
        gate.set()
        await watch.clock.advance(1)
    assert watch.warnings() == []
