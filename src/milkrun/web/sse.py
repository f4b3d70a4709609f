"""Server-sent events (WHATWG HTML, section 9.2): one message as bytes, and a response that ends with the server."""

from collections.abc import AsyncIterator

from fastapi import HTTPException
from starlette.responses import StreamingResponse

from milkrun.web.site import Site

STREAMS = 256  # open streams in all; each holds a connection and a little work a second
BEAT = b": beat\n\n"
BEAT_EVERY = 15.0  # seconds; shorter than the idle limits of common proxies
RETRY = b"retry: 2000\n\n"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def message(data: str, *, event: str | None = None, number: int | None = None) -> bytes:
    """One message. Every line of `data` becomes a field of its own, as the format asks."""
    fields = [f"id: {number}"] if number is not None else []
    if event is not None:
        fields.append(f"event: {event}")
    fields.extend(f"data: {line}" for line in data.split("\n"))
    return ("\n".join(fields) + "\n\n").encode()


class Stream(StreamingResponse):
    """An event stream. Refused, with a sentence, when too many are open already."""

    media_type = "text/event-stream"

    def __init__(self, site: Site, events: AsyncIterator[bytes]) -> None:
        if site.streams >= STREAMS:
            raise HTTPException(503, f"{STREAMS} live streams are open already. Close a tab, then try again.")
        super().__init__(_counted(site, events), headers=HEADERS)


async def _counted(site: Site, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    site.streams += 1
    try:
        async for chunk in events:
            yield chunk
    finally:
        site.streams -= 1
