"""Where the time of one request went, phase by phase."""

import msgspec

PHASES = ("queue", "proxy", "dns", "connect", "tls", "send", "wait", "receive")


class Timings(msgspec.Struct, kw_only=True, gc=False):
    """Seconds by phase, summed over redirects and a stale retry; a phase that did not happen is 0.

    `queue` is time spent waiting for one of the client's own limits, `proxy` the whole way to a proxy, behind which
    `connect` is the proxy's connecting and `tls` the handshake with the target; `wait` runs from the last byte sent
    to the first byte received, `total` is everything but `queue`.
    """

    queue: float = 0.0
    proxy: float = 0.0
    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    send: float = 0.0
    wait: float = 0.0
    receive: float = 0.0
    total: float = 0.0
