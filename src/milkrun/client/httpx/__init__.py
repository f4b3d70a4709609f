"""The client under the interface that Python knows: a transport for httpx2 and httpx, on one shared warm client.

    async with Client() as client, httpx2.AsyncClient(transport=Transport(client)) as http:
        response = await http.get("https://example.org/")

It needs the extra `milkrun[httpx]`; nothing else of the client imports it.
"""

from milkrun.client.httpx.transport import Transport
from milkrun.client.httpx.view import unclosable

__all__ = ["Transport", "unclosable"]
