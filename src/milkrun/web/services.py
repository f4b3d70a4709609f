"""What app hands to the web layer: everything it may touch, and nothing else."""

import msgspec

from milkrun.config.settings import Settings
from milkrun.monitor.live import Live
from milkrun.store.outbox_protocol import Outbox
from milkrun.store.protocol import Store


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The store, the outbox and the live hub, and the facts a page shows; `started` is epoch seconds."""

    store: Store
    outbox: Outbox
    live: Live
    settings: Settings
    version: str
    location: str
    started: float
