"""Where a client is built: in handlers, loops, helpers and at import; and where it belongs."""

import pytest

from tests.support.linting import expected, found

HANDLERS = {
    "the class of a dependency that only its annotation names": """
        from typing import Annotated
        import httpx
        from fastapi import Depends, FastAPI
        app = FastAPI()
        class Prices:
            def __init__(self):
                self.client = httpx.AsyncClient()  #! MRC001
            async def aclose(self):
                await self.client.aclose()
        class Fares:
            def __init__(self):
                self.client = httpx.AsyncClient()  #! MRC001
            async def aclose(self):
                await self.client.aclose()
        class Seats:
            def __init__(self):
                self.client = httpx.AsyncClient()  #! MRC001
            async def aclose(self):
                await self.client.aclose()
        class Unused:
            def __init__(self):
                self.client = httpx.AsyncClient()
            async def aclose(self):
                await self.client.aclose()
        @app.get("/")
        async def home(
            x: Unused, prices: Annotated[Prices, Depends()], fares: Fares = Depends(), *, seats: Seats = Depends()
        ):
            pass
        NOBODY = Depends()
    """,
    "fastapi": """
        import httpx2
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/prices")
        async def prices():
            async with httpx2.AsyncClient() as client:  #! MRC001
                return (await client.get("https://a.example")).json()
    """,
    "a router's, in a function that blocks": """
        import httpx
        @router.post("/prices")
        def prices():
            with httpx.Client() as client:  #! MRC001
                return client.get("https://a.example").json()
    """,
    "a websocket's": """
        import aiohttp
        @app.websocket("/live")
        async def live(ws):
            session = aiohttp.ClientSession()  #! MRC001
            await session.get("/")
            await session.close()
    """,
    "not closed either": """
        import httpx
        @app.get("/")
        async def home():
            client = httpx.AsyncClient()  #! MRC001 MRC004
            return await client.get("/")
    """,
    "built for a helper": """
        import httpx
        @app.get("/")
        async def home():
            async with httpx.AsyncClient() as client:  #! MRC001
                return await fetch_all(client)
    """,
    "one for many requests is still one for each of the handler's": """
        import httpx
        @app.get("/")
        async def home():
            async with httpx.AsyncClient() as client:  #! MRC001
                return [await client.get(url) for url in URLS]
    """,
    "in a loop: the handler's remedy is the loop's, too": """
        import httpx
        @app.get("/")
        async def home():
            for url in URLS:
                async with httpx.AsyncClient() as client:  #! MRC001
                    await client.get(url)
    """,
    "in a generator that streams the answer": """
        import httpx
        @app.get("/")
        async def home():
            async def pieces():
                async with httpx.AsyncClient() as client:  #! MRC001
                    async with client.stream("GET", "/") as response:
                        async for piece in response.aiter_bytes():
                            yield piece
            return StreamingResponse(pieces())
    """,
    "starlette's Route": """
        import httpx
        from starlette.routing import Route
        async def home(request):
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
        routes = [Route("/", home)]
    """,
    "Route by keyword": """
        import httpx
        async def home(request):
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
        routes = [Route("/", endpoint=home)]
    """,
    "add_api_route": """
        import httpx
        async def home():
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
        app.add_api_route("/", home)
    """,
    "with arguments for later": """
        import functools
        import httpx
        async def home(airline):
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
        app.add_api_route("/", functools.partial(home, "air"))
    """,
    "a method that is registered": """
        import httpx
        class Service:
            def routes(self, app):
                app.add_api_route("/", self.home)
            async def home(self):
                async with httpx.AsyncClient() as client:  #! MRC001
                    await client.get("/")
    """,
    "aiohttp's route table": """
        from aiohttp import ClientSession, web
        routes = web.RouteTableDef()
        @routes.get("/")
        async def home(request):
            async with ClientSession() as session:  #! MRC001
                await session.get("/")
    """,
    "aiohttp's list of routes": """
        import aiohttp
        from aiohttp import web
        async def home(request):
            async with aiohttp.ClientSession() as session:  #! MRC001
                await session.get("/")
        app.add_routes([web.get("/", home)])
    """,
    "litestar": """
        import httpx
        from litestar import get
        @get("/")
        async def home() -> None:
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
    """,
    "flask": """
        import httpx
        @app.route("/")
        def home():
            with httpx.Client() as client:  #! MRC001
                return client.get("/").text
    """,
    "before each request, without a call": """
        import httpx
        @app.before_request
        def look_up():
            with httpx.Client() as client:  #! MRC001
                client.get("/")
    """,
    "an endpoint class": """
        import httpx
        class Home(HTTPEndpoint):
            async def get(self, request):
                async with httpx.AsyncClient() as client:  #! MRC001
                    await client.get("/")
    """,
    "middleware": """
        import httpx
        from starlette.middleware import base
        class Auth(base.BaseHTTPMiddleware):
            async def dispatch(self, request, call_next):
                async with httpx.AsyncClient() as client:  #! MRC001
                    await client.get("/")
                return await call_next(request)
    """,
    "what takes a request, wherever it is registered": """
        import httpx
        from aiohttp import web
        from fastapi import Request
        async def home(request: web.Request) -> web.Response:
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.get("/")
        async def user(request: Request):
            async with httpx.AsyncClient() as client:  #! MRC001
                yield client
        async def hook(request: httpx.Request, other: Request.Kind):
            async with httpx.AsyncClient() as client:  #! MRC003
                await client.get("/")
    """,
    "an ASGI application": """
        import httpx
        class Proxy:
            async def __call__(self, scope, receive, send):
                async with httpx.AsyncClient() as client:  #! MRC001
                    await client.get("/")
    """,
    "a dependency that yields": """
        import httpx
        from fastapi import Depends
        async def client():
            async with httpx.AsyncClient() as client:  #! MRC001
                yield client
        @app.get("/")
        async def home(client=Depends(client)):
            await client.get("/")
    """,
    "a dependency that returns": """
        import httpx
        def client():
            return httpx.AsyncClient()  #! MRC001
        SharedClient = Annotated[httpx.AsyncClient, Depends(client)]
    """,
    "a dependency that is a lambda": """
        import httpx
        Shared = Annotated[httpx.AsyncClient, Depends(lambda: httpx.AsyncClient())]  #! MRC001
    """,
    "a dependency that is a class": """
        import httpx
        class Prices:
            def __init__(self):
                self.client = httpx.AsyncClient()  #! MRC001
            async def aclose(self):
                await self.client.aclose()
        Given = Annotated[Prices, Depends(Prices)]
    """,
    "a background task": """
        import httpx
        async def notify(url):
            async with httpx.AsyncClient() as client:  #! MRC001
                await client.post(url)
        @app.post("/")
        async def home(tasks):
            tasks.add_task(notify, "https://a.example")
    """,
    "milkrun's own": """
        from milkrun.client import Client
        @app.get("/")
        async def home():
            async with Client() as client:  #! MRC001
                await client.get("/")
    """,
    "niquests": """
        import niquests
        @app.get("/")
        async def home():
            async with niquests.AsyncSession() as session:  #! MRC001
                await session.get("/")
    """,
    "a one-shot function in a handler that runs on a thread": """
        import httpx
        @app.get("/")
        def home():
            return httpx.get("https://a.example").json()  #! MRC001
    """,
    "kept, but anew for each request": """
        import httpx
        @app.get("/")
        async def home(request):
            request.app.state.client = httpx.AsyncClient()  #! MRC001
    """,
    "kept the first time": """
        import httpx
        @app.get("/")
        async def home(request):
            if not hasattr(request.app.state, "client"):
                request.app.state.client = httpx.AsyncClient()
            return await request.app.state.client.get("/")
    """,
}

LOOPS = {
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
    "a function in a loop is not run by it": """
        import httpx
        def factories():
            for url in URLS:
                def make():
                    return httpx.AsyncClient(base_url=url)
                register(make)
    """,
}

CALLS = {
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

WELL_PLACED = {
    "a lifespan": """
        import contextlib
        import httpx
        @contextlib.asynccontextmanager
        async def lifespan(app):
            async with httpx.AsyncClient() as client:
                await client.get("/warm")
                app.state.client = client
                yield {"client": client}
        app = FastAPI(lifespan=lifespan)
    """,
    "a lifespan of any name": """
        import httpx
        async def around(app):
            async with httpx.AsyncClient() as client:
                await client.get("/warm")
                yield
        app = Starlette(lifespan=around)
    """,
    "start-up": """
        import httpx
        @app.on_event("startup")
        async def start():
            with httpx.Client() as client:
                client.get("/warm")
        async def begin():
            with httpx.Client() as client:
                client.get("/warm")
        async def also(app):
            with httpx.Client() as client:
                client.get("/warm")
        async def more(app):
            with httpx.Client() as client:
                client.get("/warm")
        app.add_event_handler("startup", begin)
        app.on_startup.append(also)
        Starlette(on_startup=[more])
    """,
    "what is no start": """
        import httpx
        @app.on_event("shutdown")
        async def stop():
            with httpx.Client() as client:  #! MRC003
                client.get("/bye")
        async def also():
            with httpx.Client() as client:  #! MRC003
                client.get("/bye")
        app.add_event_handler("shutdown", also)
    """,
    "what only the lifespan calls": """
        import httpx
        async def warm():
            async with httpx.AsyncClient() as client:
                await client.get("/warm")
        async def lifespan(app):
            await warm()
            yield
    """,
    "main": """
        import asyncio
        import httpx
        async def main():
            async with httpx.AsyncClient() as client:
                print(await client.get("/"))
        async def other():
            async with httpx.AsyncClient() as client:
                print(await client.get("/"))
        asyncio.run(other())
    """,
    "a script": """
        import httpx
        def fetch():
            with httpx.Client() as client:
                return client.get("/")
        if __name__ == "__main__":
            client = httpx.Client()
            print(client.get("/"), fetch())
    """,
    "what a process begins with": """
        import asyncio
        import httpx
        async def serve():
            async with httpx.AsyncClient() as client:
                await client.get("/")
        def entry():
            asyncio.run(serve())
    """,
    "a bridge from code that blocks": """
        import asyncio
        import httpx
        async def fetch(url):
            async with httpx.AsyncClient() as client:  #! MRC003
                await client.get(url)
        async def ask(url):
            async with httpx.AsyncClient() as client:  #! MRC003
                await client.get(url)
        async def each(url):
            async with httpx.AsyncClient() as client:  #! MRC002
                await client.get(url)
        def fetch_and_wait(url):
            return asyncio.run(fetch(url))
        @app.get("/")
        def home():
            return asyncio.run(ask(URL))
        for url in URLS:
            asyncio.run(each(url))
    """,
    "a command": """
        import httpx
        import typer
        app = typer.Typer()
        @app.command()
        def show():
            with httpx.Client() as client:
                print(client.get("/"))
    """,
    "a command of something else": """
        import httpx
        @bot.command()
        async def show(ctx):
            async with httpx.AsyncClient() as client:  #! MRC003
                await ctx.send(await client.get("/"))
    """,
    "tests and fixtures": """
        import httpx
        import pytest
        @pytest.fixture
        def client():
            with httpx.Client() as client:
                client.get("/warm")
                yield client
        def test_it():
            with httpx.Client() as client:
                assert client.get("/")
    """,
    "cached": """
        import functools
        import httpx
        @functools.cache
        def client():
            return httpx.AsyncClient()
        @functools.lru_cache(maxsize=None)
        def other():
            return httpx.AsyncClient()
        Given = Annotated[httpx.AsyncClient, Depends(client)]
    """,
    "kept by an object that closes it": """
        import httpx
        class Api:
            def __init__(self):
                self._client = httpx.AsyncClient()
            async def get(self):
                return await self._client.get("/")
            async def aclose(self):
                await self._client.aclose()
    """,
    "a transport of the caller's": """
        import httpx
        import httpx2
        from milkrun.client.httpx import Transport
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))
        @app.get("/")
        async def home():
            async with httpx2.AsyncClient(transport=Transport(shared)) as client:
                await client.get("/")
    """,
    "a transport of its own": """
        import httpx
        transport = httpx.AsyncHTTPTransport(retries=3)
        @app.get("/")
        async def home():
            async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=3)) as client:  #! MRC001
                await client.get("/")
            async with httpx.AsyncClient(transport=transport) as client:  #! MRC001
                await client.get("/")
            async with httpx.AsyncClient(transport=None) as client:  #! MRC001
                await client.get("/")
    """,
    "a class with a transport of the caller's": """
        import httpx
        class TestClient(httpx.Client):
            def __init__(self, app):
                super().__init__(transport=Bridge(app))
        client = TestClient(app)
    """,
    "a connector that is shared": """
        import aiohttp
        @app.get("/")
        async def home():
            async with aiohttp.ClientSession(connector=shared, connector_owner=False) as session:
                await session.get("/")
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector()) as session:  #! MRC001
                await session.get("/")
    """,
}

IMPORTS = {
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


def cases(table: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in table.items()])


@cases(HANDLERS)
def test_a_client_that_is_built_for_a_request_is_found(source: str) -> None:
    assert found(source) == expected(source)


@cases(LOOPS)
def test_a_client_that_is_built_in_each_round_of_a_loop_is_found(source: str) -> None:
    assert found(source) == expected(source)


@cases(CALLS)
def test_a_client_that_is_built_for_one_call_is_found(source: str) -> None:
    assert found(source) == expected(source)


@cases(WELL_PLACED)
def test_a_client_that_is_built_where_it_belongs_is_left_alone(source: str) -> None:
    assert found(source) == expected(source)


@cases(IMPORTS)
def test_a_client_that_is_built_at_import_is_found(source: str) -> None:
    assert found(source) == expected(source)
