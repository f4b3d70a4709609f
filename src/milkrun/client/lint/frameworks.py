"""How the web frameworks say what a function is for: by its decorators, by where it is handed, by its class."""

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "options", "head", "trace"})

# `@app.get("/")` of FastAPI, Starlette, Flask, Quart, Sanic, aiohttp's RouteTableDef: an attribute that is called.
ROUTE_DECORATORS = _VERBS | frozenset(
    {
        "api_route",
        "errorhandler",
        "exception",
        "exception_handler",
        "middleware",
        "route",
        "view",
        "websocket",
        "websocket_route",
    }
)
# These are also written without a call.
AROUND_REQUESTS = frozenset({"after_request", "before_request", "middleware", "on_request", "on_response"})
# `@get("/")`: names that are handlers' decorators when they come from this package.
DECORATOR_PACKAGE = "litestar."
LITESTAR_DECORATORS = _VERBS | frozenset({"route", "websocket", "websocket_listener"})
# What a function is by the last word of its decorator, wherever that comes from.
TEST_DECORATORS = frozenset({"fixture"})
CACHE_DECORATORS = frozenset({"alru_cache", "cache", "cached", "cached_property", "lru_cache"})
CONTEXT_DECORATORS = frozenset({"asynccontextmanager", "contextmanager"})
COMMAND_DECORATORS = frozenset({"callback", "command"})  # where click or typer is imported
STARTUP_DECORATORS = frozenset(
    {"after_server_start", "before_server_start", "before_serving", "main_process_start", "while_serving"}
)
EVENT_DECORATORS = frozenset({"listener", "on_event"})  # whose first argument says which

# What makes a function a dependency, also one of another file.
DEPENDENCIES = frozenset({"Depends", "Provide", "Security"})
# Calls to which handlers are handed: `Route("/", fn)`, `Depends(fn)`, `tasks.add_task(fn)`.
REGISTRATIONS = DEPENDENCIES | frozenset(
    {
        "APIRoute",
        "APIWebSocketRoute",
        "BackgroundTask",
        "Route",
        "WebSocketRoute",
        "add_api_route",
        "add_api_websocket_route",
        "add_delete",
        "add_exception_handler",
        "add_get",
        "add_head",
        "add_options",
        "add_patch",
        "add_post",
        "add_put",
        "add_route",
        "add_task",
        "add_url_rule",
        "add_view",
        "add_websocket_route",
    }
)
# aiohttp's `web.get("/", fn)`
AIOHTTP_ROUTES = frozenset(f"aiohttp.web.{word}" for word in (_VERBS | {"route", "view"}))
# Calls and arguments to which what runs once at the start is handed.
STARTUP_CALLS = frozenset({"add_event_handler", "on_event", "register_listener"})
STARTUP_ARGUMENTS = frozenset({"after_startup", "before_startup", "lifespan", "on_startup"})
STARTUP_LISTS = frozenset({"cleanup_ctx", "on_startup"})  # `app.on_startup.append(fn)`
STARTUP_NAMES = frozenset({"lifespan"})
# `asyncio.run(fn())` and its like: what runs is a program of its own.
RUNNERS = frozenset({"run", "run_until_complete", "run_until_exit"})
SCRIPT_NAMES = frozenset({"_main", "amain", "async_main", "main"})

# Classes whose methods of these names are called for each request, by the last word of the base's name.
VIEW_BASES = frozenset(
    {
        "APIView",
        "BaseHTTPMiddleware",
        "Controller",
        "GenericViewSet",
        "HTTPEndpoint",
        "HTTPMethodView",
        "MethodView",
        "ModelViewSet",
        "RequestHandler",
        "Resource",
        "View",
        "ViewSet",
        "WebSocketEndpoint",
    }
)
VIEW_METHODS = _VERBS | frozenset(
    {
        "create",
        "destroy",
        "dispatch",
        "dispatch_request",
        "list",
        "on_connect",
        "on_receive",
        "prepare",
        "retrieve",
        "update",
    }
)
# What is given one of these is called for a request, wherever it is registered.
REQUEST_TYPES = frozenset({"HTTPConnection", "HttpRequest", "Request", "WebSocket"})
REQUEST_PACKAGES = (
    "aiohttp.web",
    "django",
    "fastapi",
    "flask",
    "litestar",
    "quart",
    "rest_framework",
    "sanic",
    "starlette",
)
ASGI_PARAMETERS = ["scope", "receive", "send"]  # a handler is also what is an ASGI application by itself
