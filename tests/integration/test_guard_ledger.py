"""What the pytest plugin's ledger holds of what is made, in a test and outside of one."""

import contextlib
import socket
import sys
from collections.abc import Iterator

import httpx2
import pytest

from milkrun.client.guard.churn import Limits
from milkrun.client.guard.observers import Dial, Roll
from milkrun.client.guard.switch import switch
from milkrun.client.guard.testing.findings import Rules, findings
from milkrun.client.guard.testing.ledger import Ledger
from milkrun.client.guard.watch import Watch
from tests.support.peers import mute


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    switch.add(ledger)
    try:
        yield ledger
    finally:
        switch.remove(ledger)


def left(ledger: Ledger) -> list[str]:
    account = ledger.end()
    assert account is not None
    return findings(ledger, account, Rules())


def test_what_is_made_before_a_test_lasts_and_so_do_its_connections(ledger: Ledger) -> None:
    with mute() as port, httpx2.Client(verify=False, timeout=0.01) as client:
        ledger.begin()
        with pytest.raises(httpx2.ReadTimeout):
            client.get(f"http://127.0.0.1:{port}/")
        with socket.create_connection(("127.0.0.1", port)) as sock:
            (text,) = left(ledger)
            assert f"127.0.0.1:{sock.getsockname()[1]} -> 127.0.0.1:{port} (established)" in text
    assert ledger.end() is None


def test_of_many_sockets_the_first_are_listed_and_the_others_counted(ledger: Ledger) -> None:
    with mute() as port, contextlib.ExitStack() as stack:
        ledger.begin()
        for _ in range(12):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        (text,) = left(ledger)
    assert text.startswith("12 TCP sockets are still open:\n")
    assert text.count(" (established), opened at ") == 10
    assert "\n  and 2 more\n" in text


@pytest.mark.parametrize("pattern", ["[[]::1]:{}", "*:{}", "[::1]:{}"])
def test_a_peer_is_let_be_by_a_pattern_or_as_it_is_told(ledger: Ledger, pattern: str) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        ledger.begin()
        with socket.create_connection(("::1", port)):
            account = ledger.end()
            assert account is not None
            assert findings(ledger, account, Rules(ignore=[pattern.format(port)])) == []
            assert findings(ledger, account, Rules(ignore=[pattern.format(1)])) != []


def test_a_connection_opened_before_a_test_is_not_the_tests(ledger: Ledger) -> None:
    with mute() as port:
        sock = socket.create_connection(("127.0.0.1", port))
        ledger.begin()
        assert left(ledger) == []
        sock.close()


def test_nothing_is_asked_where_no_test_has_begun(ledger: Ledger) -> None:
    with ledger.lasting():
        client = httpx2.Client(verify=False)
    ledger.before_teardown()
    client.close()
    assert ledger.end() is None


def test_a_client_told_of_twice_is_one(ledger: Ledger) -> None:
    ledger.begin()
    with httpx2.Client(verify=False) as client:
        ledger.constructed(client, "httpx2.Client", sys._getframe())
        account = ledger.end()
    assert account is not None
    assert len(account.clients) == 1


def test_the_closing_of_a_client_made_before_anybody_looked_is_passed_over() -> None:
    client = httpx2.Client(verify=False)
    ledger = Ledger()
    switch.add(ledger)
    try:
        ledger.begin()
        client.close()
        assert left(ledger) == []
    finally:
        switch.remove(ledger)


def test_a_forked_child_has_a_lock_of_its_own_in_each_watch(ledger: Ledger) -> None:
    roll, watch = Roll(), Watch(Limits())
    before = watch._lock
    roll.add(watch)
    roll.add(ledger)
    roll.forked()
    assert watch._lock is not before
    watch.reached(Dial("127.0.0.1:1", ()), 0)
    roll.remove(watch)
    assert roll.observers == (ledger,)


def test_a_connection_that_was_begun_before_the_ledger_was_there_is_passed_over(ledger: Ledger) -> None:
    with socket.socket() as sock:
        ledger.reached(Dial("127.0.0.1:1", ()), sock.fileno())
    assert ledger.by_inode == {}


def test_who_was_never_added_may_be_removed() -> None:
    finders = list(sys.meta_path)
    switch.remove(Watch(Limits()))
    assert sys.meta_path == finders
