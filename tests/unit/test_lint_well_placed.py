"""Clients that are built where they belong."""

import pytest

from tests.support.linting import expected, found

SOURCES = {
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


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_is_built_where_it_belongs_is_left_alone(source: str) -> None:
    assert found(source) == expected(source)
