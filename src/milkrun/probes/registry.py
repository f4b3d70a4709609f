"""Every kind of check on one client, a line each."""

from collections.abc import Mapping

from milkrun.client import Client
from milkrun.clock import Clock
from milkrun.probes.observe import HttpProbes, LagSince
from milkrun.probes.protocol import ProbeMaker


def probe_makers(client: Client, *, clock: Clock, lag_since: LagSince) -> Mapping[str, ProbeMaker]:
    """The makers of probes by kind, all on one client. `lag_since`: the event loop's worst lag since a reading."""
    return {
        "http": HttpProbes(client, clock=clock, lag_since=lag_since),
    }
