"""How Milkrun itself is doing, told once a second."""

from collections.abc import Callable, Mapping

from milkrun.clock import Clock
from milkrun.monitor.lag import LagMeter
from milkrun.monitor.live import Live, Vitals
from milkrun.monitor.pipeline import Pipeline
from milkrun.monitor.runner import Runner
from milkrun.store.protocol import Storage, Store, StoreError

EVERY = 1.0
SIZE_EVERY = 10.0


class VitalsReporter:
    """Gathers and publishes. `client_stats` gives the body of /api/v1/client but for the loop's lag."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        live: Live,
        client_stats: Callable[[], Mapping[str, object]],
        runner: Runner,
        pipeline: Pipeline,
        lag: LagMeter,
    ) -> None:
        self._clock = clock
        self._store = store
        self._live = live
        self._client_stats = client_stats
        self._runner = runner
        self._pipeline = pipeline
        self._lag = lag
        self._storage = Storage(bytes=0, oldest=None, newest=None)
        self._measure_at = clock.now()

    async def run(self) -> None:
        """Publish every second until cancelled."""
        while True:
            await self._measure()
            self._live.publish(self._gather())
            await self._clock.sleep_until(self._clock.now() + EVERY)

    def _gather(self) -> Vitals:
        return Vitals(
            at=self._clock.wall(),
            client={**self._client_stats(), "loop_lag_ms": self._lag.summary_ms()},
            schedule=self._runner.vitals(),
            storage={
                "bytes": self._storage.bytes,
                "writer_cpu_seconds": self._storage.writer_seconds,
                **self._pipeline.vitals(),
            },
        )

    async def _measure(self) -> None:
        """Ask for the store's size now and then; a store in trouble says so where it fails to write."""
        if self._clock.now() < self._measure_at:
            return
        self._measure_at = self._clock.now() + SIZE_EVERY
        try:
            self._storage = await self._store.storage()
        except StoreError:
            return
