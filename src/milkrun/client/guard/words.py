"""What is said: which site churns, what that costs, and what to do instead; each with the stack."""

import traceback
from pathlib import Path

from milkrun.client.guard.calling import Place, Trail

_CLIENTS = """\
{count} {what} were constructed within {within:g} s at {site}.
Each has a pool of its own: none of its connections is used again, every request resolves, connects and shakes hands
anew (httpx and httpx2 load all trusted certificates as well: tens of milliseconds of CPU), and what it closes stays
in TIME_WAIT for a minute. Under load the process runs out of descriptors: OSError: [Errno 24] Too many open files.

{stack}
Make one client when the application starts, hand it to whoever calls, close it when the application stops: in
FastAPI and Starlette `client_lifespan` and `SharedClient` of milkrun.client.asgi."""

_SOCKETS = """\
{count} connections were opened to {origin} within {within:g} s, the last one at {site}.
Each costs a handshake here and there, and whoever closes it first keeps its port in TIME_WAIT for a minute: some
28,000 of them to one address and no further one can be opened.

{stack}
Connections are kept where a client lives longer than its requests, where each response is read to its end or closed,
and where its pool keeps as many idle as are used at once."""


class ClientChurnWarning(RuntimeWarning):
    """A call site constructs client after client."""


class SocketChurnWarning(RuntimeWarning):
    """Connection after connection is opened to one origin."""


def clients_churn(count: int, what: str, trail: Trail, within: float) -> ClientChurnWarning:
    """The warning for a site that constructed so many clients, `what`, within so many seconds."""
    return ClientChurnWarning(
        _CLIENTS.format(count=count, what=what, within=within, site=site(trail[-1]), stack=stack(trail))
    )


def sockets_churn(count: int, origin: str, trail: Trail, within: float) -> SocketChurnWarning:
    """The warning for an origin to which so many connections were opened within so many seconds."""
    return SocketChurnWarning(
        _SOCKETS.format(count=count, origin=origin, within=within, site=site(trail[-1]), stack=stack(trail))
    )


def site(place: Place) -> str:
    """A place in words: "app/prices.py:12 in quote", from the working directory if it is below it."""
    file, line, function = place
    path = Path(file)
    here = Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{line} in {function}"


def stack(trail: Trail) -> str:
    """A trail as tracebacks show it, with the lines of source where they can be read."""
    return "".join(traceback.StackSummary.from_list([(*place, None) for place in trail]).format())
