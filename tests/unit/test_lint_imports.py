"""Clients that are built when a module is imported."""

import pytest

from tests.support.linting import expected, found

SOURCES = {
    "a module's": """
        import httpx
        client = httpx.AsyncClient()  #! MRC005
    """,
    "one that blocks": """
        import niquests
        session = niquests.Session()  #! MRC005
    """,
    "a class's": """
        import httpx
        class Api:
            client = httpx.AsyncClient()  #! MRC005
    """,
    "a default": """
        import httpx
        async def fetch(url, client=httpx.AsyncClient()):  #! MRC005
            await client.get(url)
    """,
    "handed to something that is made at import": """
        import httpx
        from openai import AsyncOpenAI
        openai = AsyncOpenAI(http_client=httpx.AsyncClient())  #! MRC005
    """,
    "under a condition": """
        import httpx
        if DEBUG:
            client = httpx.AsyncClient(verify=False)  #! MRC005
    """,
    "by a factory": """
        import httpx
        def make():
            return httpx.AsyncClient()
        client = make()  #! MRC005
    """,
    "a script's block": """
        import httpx
        with httpx.Client() as client:
            print(client.get("/"))
    """,
    "never run": """
        import httpx
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            client = httpx.AsyncClient()
    """,
    "a comprehension's clients are a module's": """
        import httpx
        clients = [httpx.AsyncClient() for _ in range(3)]  #! MRC005
    """,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_is_built_at_import_is_found(source: str) -> None:
    assert found(source) == expected(source)
