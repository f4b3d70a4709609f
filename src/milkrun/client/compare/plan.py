"""What is compared, and how much each contestant is to do: pure values, and the bounds that nobody gets around."""

from enum import StrEnum

import msgspec

from milkrun.client.errors import ClientError, UsageError


class CompareError(ClientError):
    """Nothing came of a comparison: the target does not answer, or a process that measures ended early."""


class Contestant(StrEnum):
    """Who takes part."""

    HTTPX2_PER_REQUEST = "httpx2-per-request"
    HTTPX2_SHARED = "httpx2-shared"
    HTTPX2_ON_MILKRUN = "httpx2-on-milkrun"
    MILKRUN_PER_REQUEST = "milkrun-per-request"
    MILKRUN_SHARED = "milkrun-shared"


LABELS = {
    Contestant.HTTPX2_PER_REQUEST: "httpx2 per request",
    Contestant.HTTPX2_SHARED: "httpx2 shared",
    Contestant.HTTPX2_ON_MILKRUN: "httpx2 on Milkrun",
    Contestant.MILKRUN_PER_REQUEST: "Milkrun per request",
    Contestant.MILKRUN_SHARED: "Milkrun shared",
}
PER_REQUEST = frozenset({Contestant.HTTPX2_PER_REQUEST, Contestant.MILKRUN_PER_REQUEST})
WITH_HTTPX2 = (
    Contestant.HTTPX2_PER_REQUEST,
    Contestant.HTTPX2_SHARED,
    Contestant.HTTPX2_ON_MILKRUN,
    Contestant.MILKRUN_SHARED,
)
WITHOUT_HTTPX2 = (Contestant.MILKRUN_PER_REQUEST, Contestant.MILKRUN_SHARED)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How much.

    Attributes:
        requests: of each contestant in each round.
        concurrency: how many of them at once.
        rounds: how often everything is done; each contestant has its turn in each.
        within: seconds for all of it.
    """

    requests: int = 100
    concurrency: int = 20
    rounds: int = 3
    within: int = 120


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant's round, as its process is told of it.

    Attributes:
        url: with the credentials it may have; it is never shown.
        timeout: seconds for a request.
        insecure: any certificate will do.
        http2: HTTP/2 is offered.
        allow: networks to connect to; None: any.
    """

    contestant: Contestant
    url: str
    requests: int
    concurrency: int
    timeout: float = 10.0
    insecure: bool = False
    http2: bool = False
    allow: tuple[str, ...] | None = None


# On the user's own machine or network; and elsewhere, which takes --yes.
NEAR = Load(requests=20_000, concurrency=1_000, rounds=20, within=600)
FAR = Load(requests=500, concurrency=50, rounds=5, within=120)


def check(load: Load) -> None:
    """Raise UsageError for a load that makes no sense or that is too much anywhere."""
    for name in ("requests", "concurrency", "rounds", "within"):
        if getattr(load, name) <= 0:
            raise UsageError(f"--{name} {getattr(load, name):g}: expected more than 0")
    if load.concurrency > load.requests:
        raise UsageError(f"--concurrency {load.concurrency:,} is more than --requests {load.requests:,}")
    check_bound(load, NEAR, "")


def check_bound(load: Load, most: Load, where: str) -> None:
    """Raise UsageError for a load beyond the bound."""
    for name in ("requests", "concurrency", "rounds", "within"):
        if getattr(load, name) > getattr(most, name):
            raise UsageError(f"--{name} {getattr(load, name):,}: expected {getattr(most, name):,} at most{where}")
