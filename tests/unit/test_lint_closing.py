"""Clients that are never closed, and all the ways in which one is."""

import pytest

from milkrun.client.lint import check
from tests.support.linting import expected, found

SOURCES = {
    "lent by a context manager that does not close it": """
        from contextlib import asynccontextmanager
        import httpx
        @asynccontextmanager
        async def lifespan(app):
            client = httpx.AsyncClient()  #! MRC004
            yield {"client": client}
        @asynccontextmanager
        async def connected():
            yield httpx.AsyncClient()  #! MRC004
        @asynccontextmanager
        async def closing():
            client = httpx.AsyncClient()
            try:
                yield {"client": client}
            finally:
                await client.aclose()
        @asynccontextmanager
        async def entered():
            async with httpx.AsyncClient() as client:
                yield {"client": client}
        def taken_over():
            yield {"client": httpx.AsyncClient()}
    """,
    "dropped": """
        import httpx
        def build():
            httpx.AsyncClient()  #! MRC004
    """,
    "used and dropped": """
        import httpx
        def main():
            httpx.Client().get("/")  #! MRC004
            client = httpx.Client()  #! MRC004
            print(client.get("/").text, client.is_closed)
    """,
    "looked at": """
        import httpx
        def main():
            client = httpx.Client()  #! MRC004
            assert client is not None
            if client or not client:
                print(f"{client}")
            del client
    """,
    "closed, entered, pushed, handed on, returned, yielded, stored": """
        import contextlib
        import httpx
        def one():
            client = httpx.Client()
            client.close()
        def two():
            client = httpx.Client()
            with client:
                pass
        def three(stack):
            client = stack.enter_context(httpx.Client())
        def four(stack):
            client = httpx.AsyncClient()
            stack.push_async_callback(client.aclose)
        def five():
            register(httpx.Client(), http_client=httpx.Client())
        def six():
            return [httpx.Client()], {"client": httpx.Client()}
        def seven():
            yield httpx.Client()
        def eight(app, kept):
            app.client = httpx.Client()
            kept["client"] = httpx.Client()
            first, second = httpx.Client(), httpx.Client()
        async def nine():
            client = await httpx.AsyncClient().__aenter__()
        def ten():
            global client
            client = httpx.Client()
        def eleven():
            client = httpx.Client()
            def close():
                client.close()
            return close
        def twelve():
            class Api:
                client = httpx.Client()
            return Api
        def thirteen():
            print(client := httpx.Client())
        def fourteen():
            if (client := httpx.Client()):
                client.close()
        def fifteen(given=None):
            client: httpx.Client = given or (httpx.Client() if not given else given)
            return client
    """,
    "what decides is not kept": """
        import httpx
        def main():
            kind = 1 if httpx.Client() else 2  #! MRC004
    """,
    "through an alias that leads in a circle": """
        import httpx
        def main():
            client = httpx.Client()  #! MRC004
            client = client
    """,
    "kept by an object without an end": """
        import httpx
        class Api:
            def __init__(self, client=None):
                self._client = client or httpx.AsyncClient()  #! MRC004
            async def get(self):
                return await self._client.get("/")
    """,
    "kept by an object that derives one without an end": """
        import abc
        import httpx
        class Base(abc.ABC):
            pass
        class Api(Base):
            def __init__(self):
                self.client = httpx.AsyncClient()  #! MRC004
    """,
    "kept by an object with an end": """
        import httpx
        class One:
            def __init__(self):
                self.client = httpx.AsyncClient()
            async def __aexit__(self, *_):
                pass
        class Two(One):
            def __init__(self):
                self.client = httpx.AsyncClient()
        class Three(elsewhere.Base):
            def __init__(self):
                self.client = httpx.AsyncClient()
        class Four(metaclass=elsewhere.Meta):
            def __init__(self):
                self.client = httpx.AsyncClient()
        class Five:
            def shutdown(self):
                pass
            def __init__(self):
                self.client = httpx.AsyncClient()
    """,
    "kept by an object, and closed or handed out by name": """
        import httpx
        class One:
            def __init__(self):
                self.one = httpx.AsyncClient()
        class Two:
            def __init__(self):
                self.two = httpx.AsyncClient()
            def client(self):
                return self.two
        class Three:
            def __init__(self):
                self.three = httpx.AsyncClient()
                atexit.register(finish, self.three)
        class Four:
            def __init__(self):
                self.four = httpx.AsyncClient()
            async def run(self):
                async with self.four:
                    pass
        async def lifespan(app):
            api = One()
            yield
            await api.one.aclose()
    """,
    "kept by what is not the object itself": """
        import httpx
        class Api:
            def __init__(self, app):
                app.client = httpx.AsyncClient()
                self.deep.client = httpx.AsyncClient()
        def start(self):
            self.client = httpx.AsyncClient()
    """,
    "kept by an application's state": """
        import httpx
        app = FastAPI(lifespan=lifespan)
        async def lifespan(app):
            app.state.client = httpx.AsyncClient()  #! MRC004
            yield
        @app.on_event("startup")
        async def start():
            app.state.another = make()  #! MRC004
        def make():
            return httpx.AsyncClient()
        def set_up():
            app = Sanic()
            app.ctx.client = httpx.AsyncClient()  #! MRC004
            app.ctx.client.headers["x"] = getattr(app.ctx, "name")
            print(app.ctx.client.is_closed, getattr(app.ctx, "client") is None)
        def client(request: fastapi.Request):
            return request.app.state.client
        async def lend():
            yield app.state.client
        import fastapi
    """,
    "kept by an application's state, and closed": """
        import contextlib
        import httpx
        async def lifespan(app):
            app.state.one = httpx.AsyncClient()
            async with httpx.AsyncClient() as client:
                app.state.two = client
            app.state.three = await app.state.stack.enter_async_context(httpx.AsyncClient())
            app.state.four = httpx.AsyncClient()
            app.state.five = httpx.AsyncClient()
            app.state.six = httpx.AsyncClient()
            app.state.seven = httpx.AsyncClient()
            app.state.eight = httpx.AsyncClient()
            app.state.nine = httpx.AsyncClient()
            app.state.api = Api(client=app.state.nine)
            async with app.state.four:
                yield
            await app.state.one.aclose()
            app.state.stack.push_async_callback(app.state.five.aclose)
            client = app.state.six
            await client.aclose()
            if client := getattr(app.state, "seven", None):
                await client.aclose()
            await asyncio.gather(*(each.aclose() for each in (app.state.eight,)))
    """,
    "kept by what may be closed elsewhere": """
        import httpx
        from elsewhere import app
        def start(bot, kept):
            app.state.client = httpx.AsyncClient()
            bot.client = httpx.AsyncClient()
            bot.state["client"] = httpx.AsyncClient()
            kept[0].state.client = httpx.AsyncClient()
            unknown.state.client = httpx.AsyncClient()
        def handed_out(app):
            app.state.handed_out = httpx.AsyncClient()
            return app.state.handed_out
        @app.get("/")
        def home(request):
            request.app.state.client = httpx.AsyncClient()
    """,
}

IN_TESTS = {
    "used": """
        import httpx
        def test_it():
            client = httpx.Client()  #! MRC004
            client.get("/")
    """,
    "built to see that it cannot be": """
        import httpx
        def test_it():
            with pytest.raises(ValueError):
                httpx.Client(proxy="nonsense")
    """,
    "everything else is a test's own affair": """
        import httpx
        client = httpx.Client()
        @app.get("/")
        async def home():
            httpx.get("/")
            for _ in range(3):
                async with httpx.AsyncClient() as client:
                    await client.get("/")
    """,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_client_that_nothing_closes_is_found(source: str) -> None:
    assert [each for each in found(source) if each[1] == "MRC004"] == expected(source)


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (
            "class Api:\n    def __init__(self):\n        self.client = httpx.AsyncClient()",
            "httpx.AsyncClient is never closed by Api: its connections stay open until it is collected",
        ),
        (
            "def start(app):\n    app.state.client = httpx.AsyncClient()",
            "httpx.AsyncClient is never closed as app.state.client: its connections stay open until it is collected",
        ),
    ],
)
def test_it_says_who_keeps_it(built: str, message: str) -> None:
    assert [finding.message for finding in check(f"import httpx\n{built}\n".encode(), "app.py")] == [message]


@pytest.mark.parametrize("path", ["tests/app.py", "src/test_app.py", "app_test.py", "a/test/b/app.py", "conftest.py"])
@pytest.mark.parametrize("source", IN_TESTS.values(), ids=IN_TESTS)
def test_in_a_test_file_only_clients_that_were_used_and_not_closed_are_found(source: str, path: str) -> None:
    assert found(source, path) == expected(source)


@pytest.mark.parametrize("path", ["app.py", "testing/app.py", "latest/app.py", "contest.py", "tests.py"])
def test_other_files_are_no_tests(path: str) -> None:
    assert found("import httpx\nclient = httpx.Client()\n", path) == [(2, "MRC005")]
