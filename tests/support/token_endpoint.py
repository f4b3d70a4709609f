"""A token endpoint (RFC 6749 4.4) that counts what it is asked, and may be slow, failing or mad."""

import asyncio

from tests.support.scripted import HEAD_END, Peer


def said(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    """An answer of the endpoint's."""
    lines = (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *fields)
    return "\r\n".join(lines).encode() + HEAD_END + body


class TokenEndpoint:
    """Gives token-1, token-2 … unless `answer` says otherwise, once `gate` is open."""

    def __init__(self, *, life: int = 3600) -> None:
        self.asked: list[bytes] = []
        self.life = life
        self.answer: bytes | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def script(self, peer: Peer) -> None:
        """Serve a connection."""
        while request := await peer.message():
            self.asked.append(request)
            self.reached.set()
            await self.gate.wait()
            await peer.say(self.answer or self._token(len(self.asked)))

    def _token(self, number: int) -> bytes:
        body = f'{{"access_token": "token-{number}", "token_type": "Bearer", "expires_in": {self.life}}}'
        return said(body.encode())
