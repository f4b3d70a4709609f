"""What a test has left behind, judged once it and its fixtures are over; and how it is told."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from milkrun.client.guard.testing.ledger import Account, Dialled, Ledger, Made
from milkrun.client.guard.words import site, stack
from milkrun.client.kernel import TcpSocket, TcpState, open_sockets, tcp_sockets

KINDS = frozenset({"clients", "sockets", "time-wait"})
_GRACE = 0.5  # seconds that servers in other threads have to see that their client has closed
_PAUSE = 0.01
_LISTED = 10

_CLIENT = """\
{what} was not closed, constructed at {site}:
{stack}Close it where it is made, `async with` or `with`, or in the fixture that makes it, after its yield."""
_SOCKETS = """\
{count} still open:
{lines}
Close what opened them: clients, responses that were streamed, writers and servers of your own."""
_TIME_WAIT = """\
{count} connections are in TIME_WAIT, more than {limit}:
{lines}
They were opened and closed one after the other; one client for all of these requests would have kept a few."""
_EXEMPT = """\
(client-guard; what is meant to be so is marked @pytest.mark.client_guard(allow=["{kind}"]))"""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged: the kinds of leaks, how many TIME_WAITs are let pass, peers whose sockets are let be (globs)."""

    kinds: frozenset[str] = KINDS
    time_wait: int = 50
    ignore: Sequence[str] = ()


def findings(ledger: Ledger, account: Account, rules: Rules) -> list[str]:
    """A text for each thing that the test has left behind."""
    told: list[tuple[str, str]] = []
    if "clients" in rules.kinds:
        told += [("clients", _of_client(made)) for made in account.clients if not made.closed]
    if "sockets" in rules.kinds and (left := _left(ledger, account, rules)):
        told.append(("sockets", _of_sockets(left, ledger)))
    if "time-wait" in rules.kinds and (storm := _storm(account, rules.time_wait)):
        told.append(("time-wait", _of_storm(storm, rules.time_wait)))
    return [f"{text}\n{_EXEMPT.format(kind=kind)}" for kind, text in told]


def _left(ledger: Ledger, account: Account, rules: Rules) -> list[TcpSocket]:
    """The sockets that are still open, also after a moment where other threads may be closing theirs."""
    until = time.monotonic() + (_GRACE if threading.active_count() > 1 else 0)
    while (left := _open(ledger, account, rules)) and time.monotonic() < until:
        time.sleep(_PAUSE)
    return left


def _open(ledger: Ledger, account: Account, rules: Rules) -> list[TcpSocket]:
    new = open_sockets() - account.before
    if not new:
        return []
    return [
        row
        for row in tcp_sockets()
        if row.inode in new
        and row.local_port not in account.served
        and not ((dialled := ledger.by_inode.get(row.inode)) and dialled.lasting)
        and not any(row.remote == pattern or fnmatchcase(row.remote, pattern) for pattern in rules.ignore)
    ]


def _storm(account: Account, limit: int) -> list[Dialled]:
    """The connections of the test of which there is a TIME_WAIT, if they are more than `limit`."""
    by_port = {port: dialled for dialled in account.dialled for port in dialled.ports}
    if len(by_port) <= limit:
        return []
    waiting = (row for row in tcp_sockets() if row.state == TcpState.TIME_WAIT)
    # Whichever side closed first: a server in this namespace waits with our port at its far end.
    ports = {port for row in waiting for port in (row.local_port, row.remote_port)}
    storm = [dialled for port, dialled in by_port.items() if port in ports]
    return storm if len(storm) > limit else []


def _of_client(made: Made) -> str:
    return _CLIENT.format(what=made.what, site=site(made.trail[-1]), stack=stack(made.trail))


def _of_sockets(left: list[TcpSocket], ledger: Ledger) -> str:
    lines = _listed([f"{row}{_opened_at(ledger.by_inode.get(row.inode))}" for row in left])
    count = "1 TCP socket is" if len(left) == 1 else f"{len(left)} TCP sockets are"
    return _SOCKETS.format(count=count, lines=lines)


def _opened_at(dialled: Dialled | None) -> str:
    return "" if dialled is None else f", opened at {site(dialled.trail[-1])}"


def _of_storm(storm: list[Dialled], limit: int) -> str:
    origins = Counter(f"to {dialled.origin}, opened at {site(dialled.trail[-1])}" for dialled in storm)
    lines = _listed([f"{count} {where}" for where, count in origins.most_common()])
    return _TIME_WAIT.format(count=len(storm), limit=limit, lines=lines)


def _listed(lines: Sequence[str]) -> str:
    shown = [f"  {line}" for line in lines[:_LISTED]]
    if len(lines) > _LISTED:
        shown.append(f"  and {len(lines) - _LISTED} more")
    return "\n".join(shown)
