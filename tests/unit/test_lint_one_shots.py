"""Functions that make a client for one request, in code that runs on an event loop."""

import pytest

from milkrun.client.lint import check
from tests.support.linting import expected, found

SOURCES = {
    "httpx, httpx2, niquests": """
        import httpx, httpx2, niquests
        from httpx import post
        async def fetch(url):
            httpx.get(url)  #! MRC006
            httpx2.query(url)  #! MRC006
            niquests.request("GET", url)  #! MRC006
            post(url)  #! MRC006
            with httpx.stream("GET", url) as response:  #! MRC006
                response.read()
    """,
    "in a comprehension": """
        import httpx
        async def fetch_all(urls):
            return [httpx.get(url) for url in urls]  #! MRC006
    """,
    "in an asynchronous main, too": """
        import httpx
        async def main():
            httpx.get("/")  #! MRC006
    """,
    "those that are awaited": """
        import aiohttp, niquests
        async def fetch(url):
            async with aiohttp.request("GET", url) as response:  #! MRC006
                await response.read()
            await niquests.aget(url)  #! MRC006
    """,
    "those that are awaited, once": """
        import aiohttp
        async def main():
            async with aiohttp.request("GET", "/") as response:
                await response.read()
            for url in URLS:
                async with aiohttp.request("GET", url) as response:  #! MRC006
                    await response.read()
    """,
    "on a thread": """
        import asyncio, httpx
        async def fetch(url):
            def blocking():
                return httpx.get(url)
            await asyncio.to_thread(httpx.get, url)
            await asyncio.to_thread(lambda: httpx.get(url))
            await asyncio.to_thread(blocking)
    """,
    "on a thread, each time": """
        import asyncio, anyio, functools, httpx
        from starlette.concurrency import run_in_threadpool
        async def fetch_all(executor, urls):
            await asyncio.gather(*(asyncio.to_thread(httpx.get, url) for url in urls))  #! MRC002
            for url in urls:
                await anyio.to_thread.run_sync(httpx.get, url)  #! MRC002
                executor.submit(httpx.get, url)  #! MRC002
            executor.map(functools.partial(httpx.get, timeout=1), urls)  #! MRC002
        @app.get("/")
        async def home():
            await run_in_threadpool(httpx.get, "/")  #! MRC001
            await asyncio.get_running_loop().run_in_executor(None, httpx.get, "/")  #! MRC001
        async def wait():
            while not (await asyncio.to_thread(httpx.get, "/health")).is_success:
                await asyncio.sleep(1)
    """,
    "for each of many": """
        import httpx, niquests
        def fetch_all(urls):
            return list(map(httpx.get, urls)), map(niquests.aget, urls)  #! MRC002
        async def ask_all(urls):
            return list(map(httpx.get, urls))  #! MRC006
        async def main():
            await asyncio.gather(*map(niquests.aget, URLS))  #! MRC006
        @app.get("/")
        def home():
            return [answer.text for answer in map(httpx.get, URLS)]  #! MRC001
    """,
    "run by nobody that is known": """
        import asyncio, httpx
        async def fetch_all(urls):
            for url in urls:
                retrying(httpx.get, url)
                asyncio.to_thread()
                asyncio.to_thread(fetch, url)
                loop.run_in_executor(httpx.get)
    """,
    "in code that blocks anyway": """
        import httpx, niquests
        version = httpx.get("/version").text
        def fetch(url):
            return httpx.get(url), niquests.aget(url)
    """,
    "in a test": """
        import httpx
        async def test_it():
            httpx.get("/")
    """,
    "of no interest": """
        import httpx, requests
        async def fetch(url):
            requests.get(url)
            httpx.URL(url).copy_with(path="/")
            cache.get(url)
    """,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_one_shot_function_in_asynchronous_code_is_found(source: str) -> None:
    assert found(source) == expected(source)


@pytest.mark.parametrize(
    ("call", "message", "fix"),
    [
        (
            "httpx.get('/')",
            "httpx.get() in fetch() blocks the event loop until the answer is there, and connects anew each time",
            "share one client, `async with httpx.AsyncClient() as client:`, and `await client.get(...)`",
        ),
        (
            "for url in URLS: await asyncio.to_thread(httpx.put, url)",
            "the client of httpx.put() is built in a loop in fetch(): no round finds the connections of the one before",
            "build it once, before the loop: `async with httpx.AsyncClient() as client:`, and loop inside",
        ),
        (
            "pool.map(httpx.get, URLS)",
            "the client of httpx.get() is built in a loop in fetch(): no round finds the connections of the one before",
            "build it once, before the loop: `async with httpx.AsyncClient() as client:`, and loop inside",
        ),
        (
            "niquests.aput('/')",
            "niquests.aput() in fetch() connects anew each time",
            "share one client, `async with niquests.AsyncSession() as client:`, and `await client.put(...)`",
        ),
    ],
)
def test_it_says_what_it_harms_and_the_code_to_write_instead(call: str, message: str, fix: str) -> None:
    (finding,) = check(f"import httpx, niquests\nasync def fetch():\n    {call}\n".encode(), "app.py")
    assert (finding.message, finding.fix) == (message, fix)
