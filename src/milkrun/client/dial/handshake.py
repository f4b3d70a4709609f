"""The TLS handshake on a connection that stands: with a target, or with a proxy before it."""

import asyncio
import ssl
from typing import cast

from milkrun.client.dial.connect import Connected
from milkrun.client.dial.tls import handshake_error, not_tls

_NEVER = 86_400.0  # the loop's own limit on a handshake must not strike before the deadline does
_CLOSE_LIMIT = 1.0  # seconds a peer has to answer close_notify: a silent one would keep the descriptor for ever


async def shake_hands(connected: Connected, context: ssl.SSLContext, name: str) -> Connected:
    """The connection over TLS, reading nothing yet; `name` is indicated and held against the certificate.

    Raises:
        RequestError: layer tls. The transport is the caller's to abort, also when this is cancelled.
    """
    doorstep = connected.doorstep
    try:
        doorstep.require_open(connected.transport)
        if doorstep.heard:
            raise not_tls()  # in TLS the client speaks first (RFC 8446 2); this is a banner
        upgraded = await asyncio.get_running_loop().start_tls(
            connected.transport,
            doorstep,
            context,
            # A certificate names neither the root nor an interface of this machine (RFC 4007 11.2).
            server_hostname=name.rstrip(".").partition("%")[0],
            ssl_handshake_timeout=_NEVER,
            ssl_shutdown_timeout=_CLOSE_LIMIT,
        )
        transport = cast("asyncio.Transport", upgraded)  # typed as if it could be None; the loops raise instead
        doorstep.require_open(transport)
    except OSError as err:
        raise handshake_error(err) from err
    return Connected(transport, doorstep, connected.address, connected.peer)
