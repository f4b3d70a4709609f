"""What a name means: imports in all their forms, aliases, derived classes; and what only looks like a client."""

import pytest

from tests.support.linting import expected, found

CLIENTS = {
    "import as": """
        import httpx2 as h
        client = h.AsyncClient()  #! MRC005
    """,
    "from import as": """
        from httpx import AsyncClient as C
        client = C()  #! MRC005
    """,
    "from import star": """
        from httpx import *
        client = AsyncClient()  #! MRC005
    """,
    "submodules": """
        import aiohttp.client
        import milkrun.client as warm
        from niquests.async_session import AsyncSession
        clients = aiohttp.client.ClientSession(), warm.Client(), AsyncSession()  #! MRC005 MRC005 MRC005
    """,
    "inside a function": """
        @app.get("/")
        async def home():
            import httpx
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
    """,
    "whichever is installed": """
        try:
            import httpx2 as httpx
        except ImportError:
            import httpx
        client = httpx.AsyncClient()  #! MRC005
    """,
    "if it is installed": """
        try:
            import httpx
            from httpx2 import AsyncClient
        except (ImportError, AttributeError):
            httpx = None
            class AsyncClient:
                pass
        clients = httpx.AsyncClient(), AsyncClient()  #! MRC005 MRC005
    """,
    "none until it is imported": """
        httpx = None
        if WANTED:
            import httpx
        client = httpx.AsyncClient()  #! MRC005
    """,
    "imported for types": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import httpx
        def fetch(url):
            import httpx
            with httpx.Client() as client:  #! MRC003
                return client.get(url)
    """,
    "an alias": """
        import httpx
        Http = httpx.AsyncClient
        Other: type = Http
        client = Other()  #! MRC005
    """,
    "an alias in passing": """
        import httpx
        if (Http := httpx.AsyncClient):
            client = Http()  #! MRC005
    """,
    "an alias out of a comprehension": """
        import httpx
        kinds = [Http for _ in range(3) if (Http := httpx.AsyncClient)]
        client = Http()  #! MRC005
    """,
    "either of two": """
        import httpx, httpx2
        Http = httpx.AsyncClient if OLD else httpx2.AsyncClient
        More = httpx.AsyncClient or httpx2.AsyncClient
        clients = Http(), More()  #! MRC005 MRC005
    """,
    "with arguments for later": """
        import functools
        import httpx
        make = functools.partial(httpx.AsyncClient, timeout=5)
        client = make()  #! MRC005
    """,
    "derived": """
        import httpx
        class Api(httpx.AsyncClient):
            pass
        class Prices(Api, Generic[T]):
            pass
        client = Prices()  #! MRC005
    """,
    "derived with a parameter": """
        import httpx
        client = httpx.AsyncClient[int]()  #! MRC005
    """,
    "a global that is set elsewhere": """
        def choose():
            global Http
            from httpx import AsyncClient as Http
            return Http().get("/")  #! MRC003 MRC004
        def outer():
            Inner = None
            def inner():
                nonlocal Inner
                from httpx import AsyncClient as Inner
            return Inner().get("/")  #! MRC003 MRC004
        client = Http()  #! MRC005
    """,
    "seen past a class's own names": """
        import httpx
        class Api:
            httpx = object()
            def get(self, url):
                with httpx.Client() as client:  #! MRC003
                    return client.get(url)
    """,
}

OTHERS = {
    "a parameter": """
        import httpx
        def fetch(httpx, /, *aiohttp, niquests, **httpx2):
            return httpx.AsyncClient(), aiohttp.ClientSession(), niquests.Session(), httpx2.Client()
    """,
    "a lambda's parameter": """
        import httpx
        make = lambda httpx: httpx.AsyncClient().get("/")
    """,
    "what it was bound to since": """
        from httpx import AsyncClient
        AsyncClient = wrapped(AsyncClient)
        client = AsyncClient()
    """,
    "a loop's variable": """
        import httpx
        for httpx in modules:
            client = httpx.AsyncClient()
    """,
    "a comprehension's variable": """
        import httpx
        clients = [httpx.AsyncClient() for httpx in modules]
    """,
    "what is caught, matched or opened": """
        import httpx
        def one(value):
            try:
                value()
            except Exception as httpx:
                httpx.AsyncClient()
        def two(value):
            match value:
                case [httpx, *aiohttp]:
                    httpx.AsyncClient(), aiohttp.ClientSession()
                case {"a": 1, **niquests}:
                    niquests.Session()
        def three(value):
            with value as httpx:
                httpx.AsyncClient()
    """,
    "a module of the project": """
        from . import httpx
        from .httpx import AsyncClient
        from .. import *
        clients = httpx.AsyncClient(), AsyncClient(), Client()
    """,
    "another library's": """
        import httpx
        import redis
        from fastapi.testclient import TestClient
        from requests import Session
        clients = redis.Client(), TestClient(app), Session(), AsyncClient(), object().Client()
    """,
    "an alias of itself": """
        import httpx
        Client = Client
        a = b
        b = a
        clients = Client(), a()
    """,
    "a class that has one": """
        import httpx
        class Api:
            AsyncClient = httpx.AsyncClient
        class Other(Api, unknown.Base):
            pass
        client = Other()
    """,
    "no call": """
        import httpx
        client: httpx.AsyncClient
        make = httpx.AsyncClient
    """,
    "bound in no scope that is seen": """
        import httpx
        def outer():
            nonlocal missing
            return missing()
    """,
}


@pytest.mark.parametrize("source", CLIENTS.values(), ids=CLIENTS)
def test_a_client_is_known_by_whatever_name_it_goes(source: str) -> None:
    assert found(source) == expected(source)


@pytest.mark.parametrize("source", OTHERS.values(), ids=OTHERS)
def test_what_only_looks_like_a_client_is_none(source: str) -> None:
    assert found(source) == []
