"""Requests to authorize, and a client for token requests, that are only what authentication sees of them."""

import asyncio
from collections.abc import Mapping
from typing import Literal

from milkrun.client.errors import RequestError
from milkrun.client.headers import Headers
from milkrun.client.url import Url, parse_url


class Ask:
    """A GET of a URL."""

    def __init__(self, url: str, *, content: object = None) -> None:
        self.method = "GET"
        self.url: Url = parse_url(url)
        self.target = self.url.target
        self.content = content


class Answer:
    """A token endpoint's answer."""

    def __init__(self, body: bytes, status: int = 200, **fields: str) -> None:
        self.status = status
        self.headers = Headers(
            tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
        )
        self.body = body


NO_TOKEN = Answer(b"", 500)


class FakeClient:
    """Answers token requests as told, once `gate` is open; keeps what it was asked."""

    def __init__(self, answer: Answer | RequestError = NO_TOKEN) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.limits: list[tuple[float, str, None, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str],
        content: bytes,
        redirects: Literal["off"],
        auth: None,
        max_body: int,
    ) -> Answer:
        self.asked.append((method, url, headers, content))
        self.limits.append((timeout, redirects, auth, max_body))
        await self.gate.wait()
        if isinstance(self.answer, RequestError):
            raise self.answer
        return self.answer
