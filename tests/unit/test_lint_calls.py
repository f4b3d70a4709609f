"""Clients that are built in helpers: for each call."""

import pytest

from milkrun.client.lint import check
from tests.support.linting import expected, found

SOURCES = {
    "with": """
        import httpx
        async def fetch(url):
            async with httpx.AsyncClient() as client:  #! MRC003
                response = await client.get(url)
            return response.json()
    """,
    "a method": """
        import aiohttp
        class Weather:
            async def today(self):
                async with aiohttp.ClientSession() as session:  #! MRC003
                    async with session.get(self.url) as response:
                        return await response.json()
    """,
    "closed in the end": """
        import httpx
        async def fetch(url):
            client = httpx.AsyncClient()  #! MRC003
            try:
                return await client.get(url)
            finally:
                await client.aclose()
    """,
    "an attempt again is no second request": """
        import httpx
        async def fetch(url):
            async with httpx.AsyncClient() as client:  #! MRC003
                for attempt in range(3):
                    response = await client.get(url)
            return response
    """,
    "by the name of a method": """
        import httpx
        def call(method, url):
            with httpx.Client() as client:  #! MRC003
                return getattr(client, method)(url)
    """,
    "on an exit stack": """
        import contextlib
        import httpx
        async def fetch(url):
            async with contextlib.AsyncExitStack() as stack:
                client = await stack.enter_async_context(httpx.AsyncClient())  #! MRC003
                return await client.get(url)
    """,
    "closing": """
        import contextlib
        import httpx
        def fetch(url):
            with contextlib.closing(httpx.Client()) as client:  #! MRC003
                return client.get(url)
    """,
    "under another name": """
        import httpx
        def fetch(url):
            client = httpx.Client()  #! MRC003
            http = client
            http.get(url)
            http.close()
    """,
    "itself, again and again": """
        import httpx
        def crawl(url):
            with httpx.Client() as client:  #! MRC003
                for link in links(client.get(url)):
                    pass
            crawl(link)
    """,
    "many requests": """
        import httpx
        async def fetch_all(urls):
            async with httpx.AsyncClient() as client:
                for url in urls:
                    await client.get(url)
    """,
    "many requests at once": """
        import asyncio
        import httpx
        async def fetch_all(urls):
            async with httpx.AsyncClient() as client:
                return await asyncio.gather(*(client.get(url) for url in urls))
    """,
    "for ever": """
        import httpx
        async def poll():
            async with httpx.AsyncClient() as client:
                while True:
                    await client.get("/")
    """,
    "requests made by a function inside": """
        import httpx
        async def fetch_all(urls):
            async with httpx.AsyncClient() as client:
                async def one(url):
                    return await client.get(url)
                return [await one(url) for url in urls]
    """,
    "what is handed the client decides": """
        import httpx
        async def serve():
            async with httpx.AsyncClient() as client:
                await Server(client).run()
    """,
    "one that is built where none was given": """
        import httpx
        async def one(url, client=None):
            client = client or httpx.AsyncClient()  #! MRC004
            return await client.get(url)
        async def two(url, client=None):
            client = client if client is not None else httpx.AsyncClient()  #! MRC004
            return await client.get(url)
        async def another(url, given=None):
            client = given or httpx.AsyncClient()  #! MRC004
            return await client.get(url)
        async def yet_another(url, given=None):
            client = given if given is not None else httpx.AsyncClient()  #! MRC004
            return await client.get(url)
        async def where_asked(url):
            return url and (await httpx.AsyncClient().get(url)).text  #! MRC003 MRC004
        async def where_wanted(url, wanted):
            client = wanted and httpx.AsyncClient()  #! MRC003 MRC004
            return await client.get(url)
        class Prices:
            async def of(self, url):
                client = self.client or httpx.AsyncClient()  #! MRC004
                return await client.get(url)
        async def of_two_kinds(url, proxy):
            client = httpx.AsyncClient(proxy=proxy) if proxy else httpx.AsyncClient()  #! MRC003 MRC004 MRC003 MRC004
            return await client.get(url)
        async def three(url, client=None):
            if client is None:
                async with httpx.AsyncClient() as own:
                    return await own.get(url)
            return await client.get(url)
        def four(client=None):
            def inner(url):
                if client is not None:
                    return client.get(url)
                with httpx.Client() as own:  #! MRC003
                    return own.get(url)
            return inner
        async def all(urls, client=None):
            return [await one(url, client) for url in urls]
        async def five(url, verify):
            if verify:
                async with httpx.AsyncClient() as client:  #! MRC003
                    return await client.get(url)
            if URL or other(url):
                async with httpx.AsyncClient() as client:  #! MRC003
                    return await client.get(url)
    """,
    "a factory": """
        import httpx
        def make():
            client = httpx.AsyncClient()
            client.headers["x"] = "y"
            return client
        def also():
            return httpx.AsyncClient()
        other = lambda: httpx.AsyncClient()
    """,
    "a property": """
        import functools
        import httpx
        class Api:
            @property
            def new(self):
                return httpx.Client()  #! MRC003
            @property
            def set_up(self):
                client = httpx.Client()  #! MRC003
                client.headers["x"] = "y"
                return client
            @property
            def made(self):
                return self._make()  #! MRC003
            def _make(self):
                return httpx.Client()
            @property
            def answer(self):
                with httpx.Client() as client:  #! MRC003
                    return client.get("/")
            @functools.cached_property
            def cached(self):
                return httpx.Client()
            @property
            def kept(self):
                if self._kept is None:
                    self._kept = httpx.Client()
                return self._kept
            @property
            def registered(self):
                client = httpx.Client()
                self._clients.append(client)
                return client
            @property
            def spare(self):
                return self._given or httpx.Client()
            @property
            def factory(self):
                return lambda: httpx.Client()
            @factory.setter
            def factory(self, given):
                return httpx.Client()
    """,
    "a factory's caller": """
        import httpx
        def make():
            return httpx.AsyncClient(timeout=5)
        @app.get("/")
        async def home():
            async with make() as client:  #! MRC001
                await client.get("/")
    """,
    "a factory's caller's caller": """
        import httpx
        def base():
            return httpx.Client()
        def make():
            return base()
        def fetch(url):
            with make() as client:  #! MRC003
                return client.get(url)
    """,
    "the caller of a factory that is asked for": """
        import httpx
        async def make():
            return httpx.AsyncClient()
        async def fetch(url):
            client = await make()  #! MRC003 MRC004
            return await client.get(url)
    """,
    "a context manager's caller": """
        import contextlib
        import httpx
        @contextlib.asynccontextmanager
        async def connected():
            async with httpx.AsyncClient() as client:
                yield client
        async def fetch(url):
            async with connected() as client:  #! MRC003
                return await client.get(url)
    """,
    "a factory that keeps, or may be given one": """
        import httpx
        _made = None
        def shared():
            global _made
            if _made is None:
                _made = httpx.AsyncClient()
            return _made
        def either(client=None):
            return client or httpx.AsyncClient()
        async def fetch(url):
            await shared().get(url)
            await either().get(url)
    """,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_is_built_for_one_call_is_found(source: str) -> None:
    assert found(source) == expected(source)


def test_of_a_property_it_says_when_it_builds_and_what_builds_once() -> None:
    source = b"import httpx\nclass Api:\n    @property\n    def client(self):\n        return httpx.Client()\n"
    (finding,) = check(source, "app.py")
    assert finding.message == (
        "httpx.Client is built each time the property client is read: no reader finds the connections of the one before"
    )
    assert finding.fix == (
        "build it once, in __init__() or by functools.cached_property, and close it with what it belongs to"
    )
