"""As much of ASGI as is spoken here: its types, the path of a request, a whole answer to one."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def path_below(scope: Scope) -> str:
    """The path of a request as who is asked has it, without the root path: that of the server and of the mount."""
    # ASGI has it at the beginning of the path. Behind a proxy that strips the server's, only the mount's is there.
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    for prefix in (root, root.removeprefix(scope.get("app_root_path", ""))):
        if path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix)
    return path


async def say(scope: Scope, send: Send, status: int, content_type: str, text: str, **headers: str) -> None:
    """Answer a request with a whole text that no cache keeps; to a HEAD with the head alone.

    Further headers go by their names, with an underscore for each hyphen.
    """
    body = text.encode()
    fields = {
        "content_type": content_type,
        "content_length": str(len(body)),
        "cache_control": "no-store",
        **headers,
    }
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
