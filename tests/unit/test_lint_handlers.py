"""Clients that are built in handlers: for each request."""

import pytest

from milkrun.client.lint import check
from tests.support.linting import expected, found

SOURCES = {
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
    "an object with a client of its own": """
        import httpx
        class Prices:
            def __init__(self, base):
                self._client = httpx.AsyncClient(base_url=base)
            async def of(self, route):
                return await self._client.get(route)
            async def aclose(self):
                await self._client.aclose()
        class Flights:
            def __init__(self):
                self.prices = Prices("https://a.example")
        @app.get("/")
        async def home():
            return await Prices("https://a.example").of("/")  #! MRC001
        @app.get("/flights")
        async def flights():
            return await Flights().prices.of("/")  #! MRC001
        @app.get("/closed")
        async def closed():
            async with contextlib.aclosing(Prices("https://a.example")) as prices:  #! MRC001
                return await prices.of("/")
        @app.get("/kept")
        async def kept(request):
            if not hasattr(request.app.state, "prices"):
                request.app.state.prices = Prices("https://a.example")
            return await request.app.state.prices.of("/")
        async def lifespan(app):
            prices = Prices("https://a.example")
            yield {"prices": prices}
            await prices.aclose()
    """,
    "an object whose client may be another's": """
        import httpx
        class Given:
            def __init__(self, client=None):
                self.client = client or httpx.AsyncClient()
            def stop(self): ...
        class Single(metaclass=Singleton):
            def __init__(self):
                self.client = httpx.AsyncClient()
        @singleton
        class Decorated:
            def __init__(self):
                self.client = httpx.AsyncClient()
            def stop(self): ...
        class Only:
            def __new__(cls):
                return THE_ONE
            def __init__(self):
                self.client = httpx.AsyncClient()
            def stop(self): ...
        class Derived(elsewhere.Base):
            def __init__(self):
                self.client = httpx.AsyncClient()
        class Setting:
            def __init__(self, app):
                app.client = httpx.AsyncClient()
        class Entering:
            def __init__(self, stack):
                self.client = stack.enter_context(httpx.Client())
        class Later:
            def set_up(self):
                self.client = httpx.AsyncClient()
            def stop(self): ...
        @app.get("/")
        async def home():
            Given(), Single(), Decorated(), Only(), Derived(), Setting(app), Entering(stack), Later()
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


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_is_built_for_a_request_is_found(source: str) -> None:
    assert found(source) == expected(source)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("self.client = httpx.AsyncClient()\n    async def aclose(self): ...", "async with aclosing(Api())"),
        (
            "self.client = httpx.AsyncClient()\n    def __aenter__(self): ...\n    def __aexit__(self): ...",
            "async with Api()",
        ),
        ("self.client = httpx.Client()\n    def close(self): ...", "with closing(Api())"),
        ("self.client = httpx.Client()\n    def __enter__(self): ...\n    def stop(self): ...", "with Api()"),
    ],
)
def test_of_an_object_it_says_how_that_is_built_and_closed(body: str, code: str) -> None:
    api = f"class Api:\n    def __init__(self):\n        {body}\n"
    source = f"import httpx\n{api}@app.get('/')\nasync def home():\n    return await Api().of('/')\n"
    (finding,) = check(source.encode(), "app.py")
    assert finding.message == "the client of Api() is built in the handler home(): every request opens connections anew"
    assert f"`{code} as client: yield {{'client': client}}`" in finding.fix
