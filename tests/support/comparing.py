"""Rounds of a comparison as they could have been measured, for tests of what is made of them."""

from typing import Any

import msgspec

from milkrun.client.compare.conduct import Comparison
from milkrun.client.compare.figures import Figures, Round, standing
from milkrun.client.compare.plan import WITH_HTTPX2, Contestant, Load

FIGURES = Figures(
    requests=200,
    answered=200,
    wall=1.0,
    cpu=0.5,
    p50=0.01,
    p99=0.05,
    lookups=20,
    connections=20,
    handshakes=20,
    contexts=1,
)
BURST = msgspec.structs.replace(FIGURES, requests=20, answered=20, wall=0.2)
STEADY = msgspec.structs.replace(FIGURES, requests=180, answered=180, connections=0, lookups=0, handshakes=0)
TURN = Round(
    contestant=Contestant.HTTPX2_SHARED,
    whole=FIGURES,
    burst=BURST,
    steady=STEADY,
    failed_connections=0,
    descriptors=37,
    descriptor_limit=1024,
    time_wait=20,
    kernel_connections=20,
    statuses={"200": 200},
    errors={},
)


def figures(base: Figures = FIGURES, **changed: Any) -> Figures:
    """Figures but for what changed."""
    return msgspec.structs.replace(base, **changed)


def turn(contestant: Contestant = Contestant.HTTPX2_SHARED, **changed: Any) -> Round:
    """A round but for what changed."""
    return msgspec.structs.replace(TURN, contestant=contestant, **changed)


def per_request(contestant: Contestant = Contestant.HTTPX2_PER_REQUEST) -> Round:
    """The round of a client per request."""
    return turn(
        contestant,
        whole=figures(wall=8.0, cpu=7.0, connections=200, handshakes=200, contexts=200, lookups=200),
        burst=figures(BURST, wall=0.8, contexts=20),
        steady=figures(STEADY, cpu=5.0, connections=180, handshakes=180, contexts=180),
        time_wait=200,
        kernel_connections=200,
    )


def comparison(*rounds: Round, **changed: Any) -> Comparison:
    """A comparison of one round; by default of all four, on a server of its own."""
    turns = rounds or (per_request(), *(turn(each) for each in WITH_HTTPX2[1:]))
    made = Comparison(
        url=None,
        version="1.1",
        bytes=55,
        load=Load(requests=200, rounds=1),
        rounds=1,
        standings=tuple(standing([t]) for t in turns),
    )
    return msgspec.structs.replace(made, **changed)
