"""A proxy that does to one connection what networks and servers do wrong, at one exact place of an exchange.

    async with fault_proxy(origin_port, context=authority.good()) as proxy:
        await proxy.impose(Fault(kind=Kind.RESET, phase=Phase.BODY))
        ...                        # the first connection that gets there is reset in the middle of a body
        await proxy.struck.wait()
        await proxy.heal()         # from here on it is a proxy like any other

It stands in front of a real origin without TLS and ends TLS itself, so that one place, counted in what the origin
says, is the same place in the clear, over TLS and in the frames of HTTP/2. What it does there it does to the wire:
over TLS it is the record that is damaged, and the alert that is missing.
"""

from tests.support.fault_proxy.plan import Fault, Kind, Phase
from tests.support.fault_proxy.proxy import FaultProxy, fault_proxy

__all__ = ["Fault", "FaultProxy", "Kind", "Phase", "fault_proxy"]
