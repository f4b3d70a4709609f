"""A monitor's worth of endpoints, results and incidents without a monitor: what pages and their tests are shown.

Everything is worked out from numbers, so that the same scene is the same pages.
"""

import math
import time
from collections.abc import Iterable

from milkrun.config.settings import AlertingSettings, Settings, WebSettings
from milkrun.core.condition import parse_condition
from milkrun.core.endpoint import Endpoint, Registered
from milkrun.core.incident import Incident
from milkrun.core.observation import Connection, Http, Timings, Tls
from milkrun.core.outcome import Failure, Layer, Outcome
from milkrun.core.result import ConditionResult, Result, Trigger
from milkrun.core.rollup import Latency, Period, Rollup
from milkrun.core.sketch import Sketch
from milkrun.core.state import EndpointState, StateChange
from milkrun.monitor.hub import LiveHub
from milkrun.monitor.live import Committed, EndpointsChanged, Vitals
from milkrun.store.memory import MemoryStore
from milkrun.store.protocol import Batch, Keep
from milkrun.web.services import Services
from tests.support.postbox import Postbox

INTERVAL = 10_000
FOREVER = Keep(results=10**15, five_minutes=10**15, hours=10**15, days=10**15, incidents=10**15, max_bytes=10**15)
GROUPS = ("core", "payments", "search", "partners", "internal")
NAMES = ("checkout", "login", "catalogue", "prices", "images", "orders", "profile", "stock", "basket", "mail")

REFUSED = Failure(layer=Layer.CONNECT, kind="refused", message="nothing listens on 10.0.0.7:443")
SLOW = Failure(layer=Layer.WAIT, kind="timeout", message="no response byte came within 5 s")
OVERLOAD = Failure(layer=Layer.SELF, kind="overload", message="the event loop was 900 ms late during this check")


def endpoint(place: int, *, groups: Iterable[str] = GROUPS) -> Endpoint:
    """The endpoint at one place of a scene."""
    groups = tuple(groups)
    group, number = groups[place % len(groups)], place // len(groups)
    name = NAMES[number % len(NAMES)] + (f"-{number // len(NAMES)}" if number >= len(NAMES) else "")
    scheme = "http" if group == "internal" else "https"
    return Endpoint(
        key=f"{group}_{name}",
        name=name,
        group=group,
        kind="http",
        target=f"{scheme}://{name}.{group}.example.org/health",
        interval=INTERVAL,
        timeout=5.0,
        options=None,
        conditions=(parse_condition("[STATUS] == 200"), parse_condition("[RESPONSE_TIME] < 300")),
    )


def timings(place: int, turn: int, *, cold: bool) -> Timings:
    """Latencies that waver, with a tail; a cold check pays for the handshakes."""
    wave = 1 + 0.25 * math.sin(turn / 7 + place) + (2.2 if (turn * 31 + place * 17) % 53 == 0 else 0)
    wait = (0.006 + (place * 7919 % 60) / 1_000) * wave
    phases = {"send": 0.0001, "wait": wait, "receive": 0.0004 * wave}
    if cold:
        phases |= {"dns": 0.004 * wave, "connect": 0.011 * wave, "tls": 0.024 * wave}
    return Timings(**phases, total=math.fsum(phases.values()))


def result(
    registered: Registered,
    slot: int,
    *,
    turn: int = 0,
    outcome: Outcome = Outcome.UP,
    failure: Failure | None = None,
    cold: bool = False,
    status: int = 200,
) -> Result:
    """One result of an endpoint; a failure has no answer, and a status over 399 fails its condition."""
    secure = registered.endpoint.target.startswith("https")
    first = ConditionResult(
        condition="[STATUS] == 200",
        passed=status == 200,
        shown="[STATUS] == 200" if status == 200 else f"[STATUS] ({status}) == 200",
    )
    second = ConditionResult(condition="[RESPONSE_TIME] < 300", passed=True, shown="[RESPONSE_TIME] < 300")
    return Result(
        endpoint=registered.id,
        revision=registered.revision,
        location="local",
        slot=slot,
        attempt=1,
        trigger=Trigger.SCHEDULE,
        started=slot / 1_000 + 0.003,
        outcome=outcome,
        timings=timings(registered.id, turn, cold=cold) if failure is None else Timings(connect=0.001, total=0.001),
        connection=Connection.COLD if cold or failure else Connection.WARM,
        peer="10.0.0.7:443",
        lag_ms=0.2,
        http=None if failure else Http(status=status, version="1.1", bytes=1_555),
        tls=_tls(registered, slot) if secure and not failure else None,
        conditions=() if failure else (first, second),
        failure=failure,
    )


def _tls(registered: Registered, slot: int) -> Tls:
    until = slot / 1_000 + (6 + registered.id * 13 % 80) * 86_400
    return Tls(
        version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        not_before=until - 90 * 86_400,
        not_after=until,
        subject=f"CN={registered.endpoint.name}.example.org",
        issuer="CN=R11,O=Let's Encrypt,C=US",
        names=(f"{registered.endpoint.name}.example.org", "www.example.org"),
    )


class Scene:
    """A store and a hub with endpoints in them, and the services over both."""

    def __init__(
        self, web: WebSettings | None = None, *, now: float | None = None, alerting: AlertingSettings | None = None
    ) -> None:
        self.store = MemoryStore()
        self.outbox = Postbox(self.store)
        self.live = LiveHub()
        self.now = int((time.time() if now is None else now) * 1_000)
        self.registered: list[Registered] = []
        self.services = Services(
            store=self.store,
            outbox=self.outbox,
            live=self.live,
            settings=Settings(web=web or WebSettings(port=0), alerting=alerting or AlertingSettings()),
            version="0.1.0",
            location="local",
            started=self.now / 1_000 - 7_200,
        )

    async def add(self, count: int, *, groups: Iterable[str] = GROUPS) -> None:
        """Register endpoints and tell the hub."""
        self.adopt(await self.store.register([endpoint(place, groups=groups) for place in range(count)]))

    def adopt(self, registered: Iterable[Registered]) -> None:
        """Have these endpoints, and tell the hub."""
        self.registered = list(registered)
        self.live.publish(EndpointsChanged(registered=tuple(self.registered), removed=()))

    async def play(self, *, turns: int, broken: float = 0.0, days: int = 0) -> None:
        """Let the past happen: `turns` results each, and a share of endpoints that broke on the way."""
        for one in self.registered:
            await self._play_one(one, turns, _is_broken(one.id, broken), days)
        while (await self.store.upkeep(self.now, FOREVER)).more:
            pass

    async def _play_one(self, one: Registered, turns: int, broken: bool, days: int) -> None:
        results = [self._turn(one, turn, turns, broken) for turn in range(turns)]
        last = results[-1]
        since = next((r.slot for r in results if r.outcome is last.outcome and broken), self.now - 12 * 86_400_000)
        incident = None
        if broken and last.outcome in (Outcome.DOWN, Outcome.DEGRADED):
            cause = f"{last.failure.layer}/{last.failure.kind}: {last.failure.message}" if last.failure else "slow"
            incident = Incident(
                endpoint=one.id, opened=since, closed=None, state=last.outcome, cause=cause, layer=_layer(last)
            )
        state = EndpointState(state=last.outcome, settled=last.outcome, since=since, incident=incident)
        batch = Batch(
            results=results, states={one.id: state}, rollups=a_year_of(one, self.now, days=days, broken=broken)
        )
        await self.store.write(batch)
        self.live.publish(Committed(results=(), states={one.id: state}, changes=(), stored=True))

    def _turn(self, one: Registered, turn: int, turns: int, broken: bool) -> Result:
        slot = self.now - (turns - turn) * INTERVAL
        kind = one.id % 5
        if broken and turn > turns * 0.7:
            failure = (REFUSED, SLOW, None, OVERLOAD, REFUSED)[kind]
            outcome = (Outcome.DOWN, Outcome.DOWN, Outcome.DEGRADED, Outcome.UNKNOWN, Outcome.DOWN)[kind]
            return result(one, slot, turn=turn, outcome=outcome, failure=failure, status=503)
        return result(one, slot, turn=turn, cold=turn % 30 == one.id % 30)

    def tell(self, *results: Result, states: dict[int, EndpointState] | None = None, stored: bool = True) -> None:
        """Publish results as the monitor would, with a change for every state given."""
        states = states or {}
        changes = tuple(_change(id_, state) for id_, state in states.items())
        self.live.publish(Committed(results=results, states=states, changes=changes, stored=stored))

    def tell_vitals(
        self, *, requests: int = 12_000, opened: int = 52, error: str | None = None, dropped: int = 0
    ) -> None:
        """Publish one reading of the monitor's own health."""
        self.live.publish(vitals(self.now / 1_000, requests=requests, opened=opened, error=error, dropped=dropped))


def _change(id_: int, state: EndpointState) -> StateChange:
    return StateChange(endpoint=id_, before=Outcome.UP, after=state.state, at=state.since or 0, incident=state.incident)


def a_year_of(one: Registered, now: int, *, days: int = 365, broken: bool = False) -> list[Rollup]:
    """Every hour and every day that is over, warm and cold; now and then forty results of one are down."""
    return [
        rollup
        for period in (Period.HOUR, Period.DAY)
        for rollup in periods_of(one, now, period, days * Period.DAY.value // period.value - 1, broken=broken)
    ]


def periods_of(one: Registered, now: int, period: Period, count: int, *, broken: bool = False) -> list[Rollup]:
    """So many periods of one length before the open one, warm and cold, the newest first."""
    found = []
    for back in range(1, count + 1):
        start = period.begin(now) - back * period.value
        found.append(_rollup(one, period, start, Connection.WARM, broken=broken and back < 3))
        found.append(_rollup(one, period, start, Connection.COLD))
    return found


def _rollup(one: Registered, period: Period, start: int, connection: Connection, *, broken: bool = False) -> Rollup:
    """A period's work, of latencies that waver from one to the next."""
    number = start // period.value
    cold = connection is Connection.COLD
    count = period.value // INTERVAL * (10 if cold else 350) // 360
    down = (
        40 if not cold and (number * 7 + one.id) % (31 if period is Period.HOUR else 17) == 0 else 120 if broken else 0
    )
    middle = 12_000 * (3 if cold else 1) * (1 + 0.3 * math.sin(number / 5 + one.id))
    sketch = Sketch()
    sketch.add_all([round(middle * (0.8 + 0.4 * n / 100 + (2 if n > 97 else 0))) for n in range(100)])
    latency = Latency(
        count=100, sum=round(middle * 100), min=round(middle * 0.8), max=round(middle * 3.2), sketch=sketch
    )
    return Rollup(
        period=period,
        start=start,
        endpoint=one.id,
        location="local",
        connection=connection,
        up=count - down,
        down=down,
        phases={"total": latency},
    )


def _layer(result: Result) -> str:
    return result.failure.layer.value if result.failure else "condition"


def _is_broken(id_: int, share: float) -> bool:
    return (id_ * 2_654_435_761 % 1_000) / 1_000 < share


def vitals(at: float, *, requests: int, opened: int, error: str | None = None, dropped: int = 0) -> Vitals:
    """A reading with every field of the interface."""
    return Vitals(
        at=at,
        client={
            "origins": 48,
            "connections": {"open": 50, "idle": 48, "in_use": 2},
            "opened_total": opened,
            "closed_total": {"max-age": 40, "peer": 6, "idle": 2},
            "requests_total": requests,
            "warm_total": requests - opened,
            "cold_total": opened,
            "stale_retries_total": 3,
            "descriptors": {"used": 71, "budget": 900, "limit": 1_024},
            "time_wait": 4,
            "loop_lag_ms": {"p50": 0.1, "p99": 1.4, "max": 6.0},
        },
        schedule={
            "due_total": requests + 2,
            "done_total": requests,
            "skipped_total": 0,
            "late_ms": {"p50": 0.3, "p99": 2.2, "max": 14.0},
        },
        storage={"bytes": 41_500_000, "pending": 12, "dropped_total": dropped, "error": error},
    )
