"""A connection that was handed over, told by hand what the loop would tell it."""

import asyncio

from milkrun.client.exchange.tunnel import Tunnel
from tests.support.transports import KeptTransport
from tests.support.turns import turns


async def test_a_writer_waits_where_the_buffer_was_full_when_the_connection_was_handed_over() -> None:
    transport = KeptTransport()
    tunnel = Tunnel(transport, on_close=transport.close, on_lost=lambda _: None)
    tunnel.begin(b"", paused=True)
    writer = asyncio.create_task(tunnel.write(b"hello"))
    await turns()
    assert not writer.done()
    tunnel.resume_writing()
    await writer
    assert transport.written == b"hello"
