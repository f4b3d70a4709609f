"""One try at delivering a letter, and what it came to: nothing that a channel does gets past here but cancellation."""

import asyncio

import msgspec
import structlog

from milkrun.alerting.channel import Channel, Letter, PermanentError, TransientError

log = structlog.get_logger(__name__)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try: no `error` where the letter arrived. `after`: seconds the receiver asked to be left alone."""

    error: str | None = None
    permanent: bool = False
    after: float | None = None


async def post(channel: Channel, letter: Letter, timeout: float) -> Verdict:
    """Try to deliver within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            await channel.deliver(letter)
    except TransientError as err:
        return Verdict(error=str(err), after=err.after)
    except PermanentError as err:
        return Verdict(error=str(err), permanent=True)
    except TimeoutError:
        return Verdict(error=f"not delivered within {timeout:g} s")
    except Exception as err:  # noqa: BLE001 - a library's or a bug of ours: the letter must not be lost with it
        # Its text may hold a secret of the channel's; its type cannot.
        log.warning("a channel raised what it should not", error=type(err).__name__)
        return Verdict(error=f"the channel broke off: {type(err).__name__}")
    return Verdict()
