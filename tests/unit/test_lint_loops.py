"""Clients that are built in loops: in each round."""

import pytest

from tests.support.linting import expected, found

SOURCES = {
    "for": """
        import httpx
        async def fetch_all(urls):
            for url in urls:
                async with httpx.AsyncClient() as client:  #! MRC002
                    await client.get(url)
    """,
    "async for": """
        import httpx
        async def follow(urls):
            async for url in urls:
                async with httpx.AsyncClient() as client:  #! MRC002
                    await client.get(url)
    """,
    "while, in main": """
        import httpx
        def main():
            while True:
                client = httpx.Client()  #! MRC002
                client.get("/")
                client.close()
    """,
    "a comprehension": """
        import httpx
        async def fetch_all(urls):
            return [await httpx.AsyncClient().get(url) for url in urls]  #! MRC002 MRC004
    """,
    "in a lifespan": """
        import httpx
        async def lifespan(app):
            for url in URLS:
                with httpx.Client() as client:  #! MRC002
                    client.get(url)
            yield
    """,
    "gather over a helper": """
        import asyncio
        import httpx
        async def fetch(url):
            async with httpx.AsyncClient() as client:  #! MRC002
                return await client.get(url)
        async def fetch_all(urls):
            return await asyncio.gather(*(fetch(url) for url in urls))
    """,
    "gather over a helper from main": """
        import asyncio
        import httpx
        async def fetch(url):
            async with httpx.AsyncClient() as client:  #! MRC002
                return await client.get(url)
        async def main():
            await asyncio.gather(*[fetch(url) for url in URLS])
        asyncio.run(main())
    """,
    "handed to be called for each": """
        import functools
        import httpx
        def fetch(url):
            with httpx.Client() as client:  #! MRC002
                return client.get(url)
        def ask(url):
            with httpx.Client() as client:  #! MRC002
                return client.get(url)
        def fetch_all(executor, urls):
            return executor.map(fetch, urls), run({url: functools.partial(ask, url) for url in urls})
    """,
    "a comprehension's condition": """
        import httpx
        def alive(urls):
            return [url for url in urls if httpx.get(url).is_success]  #! MRC002
    """,
    "a method called in a loop": """
        import httpx
        class Crawler:
            def fetch(self, url):
                with httpx.Client() as client:  #! MRC002
                    return client.get(url)
            def crawl(self):
                for url in self.urls:
                    self.fetch(url)
    """,
    "each attempt": """
        import httpx
        async def fetch(url):
            for attempt in range(3):
                async with httpx.AsyncClient() as client:  #! MRC002
                    return await client.get(url)
    """,
    "handed to a helper and closed in the round": """
        import httpx
        async def fetch_all(urls):
            for url in urls:
                client = httpx.AsyncClient()  #! MRC002
                await fetch(client, url)
                await client.aclose()
    """,
    "one-shot functions": """
        import httpx
        def fetch_all(urls):
            return [httpx.get(url) for url in urls]  #! MRC002
    """,
    "one-shot, until the server is there": """
        import httpx
        def wait():
            for _ in range(30):
                try:
                    return httpx.get("http://127.0.0.1:8000/health")
                except httpx.ConnectError:
                    time.sleep(1)
    """,
    "one-shot, what is left to fetch": """
        import httpx
        def crawl(queue):
            while queue:
                url = queue.pop()
                queue += links(httpx.get(url))  #! MRC002
    """,
    "the loop's own source, and what comes after it": """
        import httpx
        def fetch_all():
            for row in httpx.get("/rows").json():
                print(row)
            else:
                with httpx.Client() as client:  #! MRC003
                    client.get("/")
            return [row for row in httpx.get("/rows").json()]
    """,
    "one for each upstream, kept": """
        import httpx
        def clients(upstreams):
            pool = {}
            for name, url in upstreams.items():
                pool[name] = httpx.AsyncClient(base_url=url)
            return pool, {name: httpx.AsyncClient(base_url=url) for name, url in upstreams.items()}
    """,
    "collected": """
        import httpx
        def clients():
            made = []
            for _ in range(3):
                made.append(httpx.AsyncClient())
            return made
    """,
    "an object with a client of its own": """
        import httpx
        class Weather:
            def __init__(self, city):
                self.city = city
                self._client = httpx.Client()
            def show(self):
                print(self._client.get(self.city))
            def close(self):
                self._client.close()
        def main():
            for city in CITIES:
                Weather(city).show()  #! MRC002
                weather = Weather(city)  #! MRC002
                weather.show()
                weather.close()
            kept = [Weather(city) for city in CITIES]
            weather = Weather("Oslo")
            weather.show()
    """,
    "a function in a loop is not run by it": """
        import httpx
        def factories():
            for url in URLS:
                def make():
                    return httpx.AsyncClient(base_url=url)
                register(make)
    """,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_is_built_in_each_round_of_a_loop_is_found(source: str) -> None:
    assert found(source) == expected(source)
