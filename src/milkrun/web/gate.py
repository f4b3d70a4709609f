"""What every request passes before any route: the Host check, who asks, and headers that keep a browser careful."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milkrun.web.exposure import host_name, is_answered
from milkrun.web.principal import ANYONE, Guard, RefusedError

# Probes of load balancers and of systemd carry no password, and these tell nothing but "alive".
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
# A link of an alert carries its own permission in its token, and its page needs the stylesheet; both are the same
# for everybody, and tell nothing of what is monitored.
OPEN_FOLDERS = ("/ack/", "/static/")

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """Plain ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp, *, names: frozenset[str], guard: Guard) -> None:
        self._app = app
        self._names = names
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what must not pass; let the rest through with its principal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, head_only(send)

        async def send_careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = await self._refused(scope)
        await (refused or self._app)(scope, receive, send_careful)

    async def _refused(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_answered(host, self._names):
            return PlainTextResponse(_not_ours(host), status_code=421)
        scope["principal"] = ANYONE
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(OPEN_FOLDERS):
            return None
        try:
            address = scope["client"][0] if scope["client"] else ""
            scope["principal"] = await self._guard.identify(headers.get("authorization"), address)
        except RefusedError as err:
            return _refusal(err)
        return None


def head_only(send: Send) -> Send:
    """Let an answer's head pass and end there, which also ends a stream: HEAD as RFC 9110, section 9.3.2, has it."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body"})

    return send_head


def _not_ours(host: str) -> str:
    return (
        f'Milkrun does not answer to the name "{host_name(host)[:100]}". If it is yours, add it to web.allowed-hosts '
        "in the configuration; or use the address itself.\n"
    )


def _refusal(err: RefusedError) -> PlainTextResponse:
    known = {401: {"www-authenticate": 'Basic realm="Milkrun", charset="UTF-8"'}, 429: {"retry-after": "60"}}
    return PlainTextResponse(f"{err}\n", status_code=err.status, headers=known[err.status])
