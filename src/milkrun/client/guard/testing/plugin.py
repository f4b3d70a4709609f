"""The hooks of `pytest --client-guard`: an account for each test, and the test that leaks fails."""

from collections.abc import Generator, Iterable

import pytest
from _pytest.runner import runtestprotocol  # as other plugins that judge a test as a whole: there is no public way

from milkrun.client.guard.switch import switch
from milkrun.client.guard.testing.findings import KINDS, Rules, findings
from milkrun.client.guard.testing.ledger import Ledger

_failed = pytest.StashKey[bool]()
_leaked = pytest.StashKey[str]()


class ClientGuard:
    """Judges every test that does not say otherwise.

    Args:
        rules: what is judged, where a test does not say otherwise.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._ledger = Ledger()
        switch.add(self._ledger)

    def pytest_unconfigure(self) -> None:
        """Nothing is watched after the run."""
        switch.remove(self._ledger)

    def pytest_report_header(self) -> str:
        """Say that it is on."""
        return f"client-guard: clients, sockets, more than {self._rules.time_wait} TIME_WAITs"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """What is made from here on is the test's; that it failed before, where it is repeated, counts no more."""
        item.stash[_failed] = False
        self._ledger.begin()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: "pytest.FixtureDef[object]") -> Generator[None, object, object]:
        """What a fixture makes that outlives its test, is not the test's."""
        if fixturedef.scope == "function":
            return (yield)
        with self._ledger.lasting():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """After all that its fixtures close: what is left? A test that has failed anyhow is not told again."""
        self._ledger.before_teardown()
        try:
            yield
        finally:
            account = self._ledger.end()
        rules = _rules_for(item, self._rules)
        if account is None or item.stash.get(_failed, False) or not rules.kinds:
            return
        if left := findings(self._ledger, account, rules):
            item.stash[_leaked] = text = "\n\n".join(left)
            pytest.fail(text, pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Remember who has failed, be it as expected."""
        report = yield
        failed = report.failed or (report.skipped and hasattr(report, "wasxfail"))
        item.stash[_failed] = item.stash.get(_failed, False) or failed
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Report a test when it is over: so a leak is the test's failure, and not an error of its teardown.

        Where another plugin runs the tests its own way (to repeat them, say), a leak is an error of the teardown.
        """
        hook = item.config.hook.pytest_runtest_protocol
        if sum(not (one.wrapper or one.hookwrapper) for one in hook.get_hookimpls()) > 2:  # pytest's own and this one
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        _blame(reports, item.stash.get(_leaked, None))
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True


def _blame(reports: Iterable[pytest.TestReport], leaked: str | None) -> None:
    """Let the failure be that of the call, where the call passed."""
    calls = [
        report for report in reports if report.when == "call" and report.passed and not hasattr(report, "wasxfail")
    ]
    if leaked is None or not calls:
        return
    for report in reports:
        if report.when == "teardown":
            report.outcome, report.longrepr = "passed", None
    calls[0].outcome, calls[0].longrepr = "failed", leaked


def _rules_for(item: pytest.Item, rules: Rules) -> Rules:
    """The rules with what the test's marks say. Raises UsageError for a word that they do not know."""
    if item.get_closest_marker("no_client_guard"):
        return Rules(kinds=frozenset())
    allowed: set[str] = set()
    limit = rules.time_wait
    for mark in reversed(list(item.iter_markers("client_guard"))):
        if mark.args or mark.kwargs.keys() - {"allow", "time_wait"}:
            raise pytest.UsageError(f"{item.nodeid}: expected client_guard(allow=[…], time_wait=N), not {mark}")
        allow = mark.kwargs.get("allow", ())
        allowed |= {allow} if isinstance(allow, str) else set(allow)
        limit = mark.kwargs.get("time_wait", limit)
    if unknown := allowed - KINDS:
        known = ", ".join(sorted(KINDS))
        raise pytest.UsageError(f"{item.nodeid}: client_guard(allow={sorted(unknown)}): there are {known}")
    return Rules(kinds=rules.kinds - allowed, time_wait=limit, ignore=rules.ignore)
