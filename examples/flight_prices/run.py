"""One version under the plan: what became of every user, and what the kernel and the airlines saw meanwhile."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from examples.flight_prices.kernel import cpu_of, descriptors, lingering
from examples.flight_prices.load import Visit, Visits
from examples.flight_prices.plan import PATIENCE, Plan
from examples.flight_prices.processes import DiedError, Service, airlines, service, users

_EVERY = 0.1  # seconds between two looks at the service
_END = 30.0  # seconds that users and airlines have for their end
_CRY = "Too many open files"


Watch = Callable[[float, int], None]


class Sample(msgspec.Struct, frozen=True):
    """The service at a moment: seconds from the first user on, descriptors open, CPU seconds used so far."""

    at: float
    descriptors: int
    cpu: float


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an airline has seen: connections accepted, handshakes done, requests, and those beyond its limit."""

    accepted: int
    greeted: int
    asked: int
    refused: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A version's run.

    Attributes:
        time_wait: connections to airlines that the kernel still remembered at the end.
        cries: how often the service's log says that there was no descriptor.
    """

    version: str
    plan: Plan
    visits: Sequence[Visit]
    samples: Sequence[Sample]
    airlines: dict[str, Seen]
    time_wait: int
    cries: int


def _nobody_watches(_: float, __: int) -> None:
    pass


def run(version: str, plan: Plan, watch: Watch = _nobody_watches) -> Run:
    """Put a version through the plan. Every process has ended when this returns or raises.

    Args:
        version: "broken" or "right".
        plan: see there.
        watch: told now and then how many seconds have passed and how many descriptors are open.
    """
    with tempfile.TemporaryDirectory(prefix="flight-prices-") as name:
        folder = Path(name)
        with airlines(folder) as fleet:
            addresses = msgspec.json.decode(_line(fleet), type=dict[str, str])
            with service(version, plan, folder, addresses) as running, users(running.url, plan, folder) as crowd:
                samples = list(_watched(crowd, running, plan, watch))
                time_wait = lingering({urlsplit(address).port or 0 for address in addresses.values()})
            seen, _ = fleet.communicate(timeout=_END)
        met = msgspec.json.decode((folder / "visits.json").read_bytes(), type=Visits)
        return Run(
            version=version,
            plan=plan,
            visits=met.visits,
            samples=[msgspec.structs.replace(sample, at=sample.at - met.begun) for sample in samples],
            airlines=msgspec.json.decode(seen, type=dict[str, Seen]),
            time_wait=time_wait,
            cries=(folder / "log").read_text().count(_CRY),
        )


def _line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise DiedError("the airlines did not start; their own words are above")
    return line


def _watched(crowd: "subprocess.Popen[str]", running: Service, plan: Plan, watch: Watch) -> Iterator[Sample]:
    """Look at the service again and again until the last user has gone."""
    begun = time.monotonic()
    while crowd.poll() is None:
        running.check()
        sample = Sample(time.monotonic(), descriptors(running.pid), cpu_of(running.pid))
        if sample.at - begun > plan.seconds + PATIENCE + _END:
            raise DiedError("the users did not come to an end")
        watch(sample.at - begun, sample.descriptors)
        yield sample
        time.sleep(_EVERY)
    if crowd.returncode:
        raise DiedError("the users' process failed; its own words are above")
