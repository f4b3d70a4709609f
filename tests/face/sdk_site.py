"""What OpenAI's and Anthropic's packages ask for, answered as their services would answer.

The model's name says what becomes of a request: "limited-…" is told to come back later the first time it is asked,
"broken-…" fails as often as its name was asked for, "slow-…" is never answered; anything else is.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.face.site import Message, Receive, Send, content, reply, start

Said = dict[str, Any]

WORDS = ("Milk", " and", " cream")

_EVENTS = [(b"content-type", b"text/event-stream")]
_JSON = [(b"content-type", b"application/json")]
_asked: Counter[str] = Counter()


async def sdk_site(scope: Message, receive: Receive, send: Send) -> None:
    """The application."""
    ask = json.loads(await content(receive))
    model = ask["model"]
    _asked[model] += 1
    if model.startswith("slow"):
        await asyncio.Event().wait()
    elif model.startswith("limited") and _asked[model] == 1:
        await _fail(send, 429, "rate_limit_error", (b"retry-after", b"0.01"))
    elif model.startswith("broken"):
        await _fail(send, 500, "api_error", (b"x-asked", b"%d" % _asked[model]))
    elif ask.get("stream"):
        await _stream(send, _STREAMS[scope["path"]](model))
    else:
        await reply(send, 200, json.dumps(_ANSWERS[scope["path"]](model)).encode(), _JSON)


async def _fail(send: Send, status: int, kind: str, field: tuple[bytes, bytes]) -> None:
    said = {"type": "error", "error": {"type": kind, "message": "not now"}}
    # Both packages wait for longer than a test may, unless they are told.
    await reply(send, status, json.dumps(said).encode(), [*_JSON, (b"retry-after-ms", b"1"), field])


async def _stream(send: Send, events: Iterator[tuple[str, str]]) -> None:
    await start(send, 200, _EVENTS)
    for name, data in events:
        line = f"event: {name}\n" * bool(name) + f"data: {data}\n\n"
        await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body"})


def _completion(model: str) -> Said:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": len(WORDS), "total_tokens": 1 + len(WORDS)}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


def _completion_pieces(model: str) -> Iterator[tuple[str, str]]:
    for word in WORDS:
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
        said = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
        yield "", json.dumps(said)
    yield "", "[DONE]"


def _message(model: str, content: list[Said] | None = None, stop: str | None = "end_turn") -> Said:
    text = [{"type": "text", "text": "".join(WORDS)}]
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": text if content is None else content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": len(WORDS)},
    }


def _message_pieces(model: str) -> Iterator[tuple[str, str]]:
    block = {"type": "text", "text": ""}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    said: list[Said] = [
        {"type": "message_start", "message": _message(model, [], None)},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": end,
            "usage": {"output_tokens": len(WORDS)},
        },
        {"type": "message_stop"},
    ]
    for event in said:
        yield event["type"], json.dumps(event)


_ANSWERS = {"/v1/chat/completions": _completion, "/v1/messages": _message}
_STREAMS = {"/v1/chat/completions": _completion_pieces, "/v1/messages": _message_pieces}
