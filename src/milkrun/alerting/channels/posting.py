"""One small way to post to a service over the warm client, and what its answer means for the outbox.

What is worth another try: a network that failed, 408, 425, 429 and 5xx; not before `Retry-After`. Everything else that
is no success is for a person to repair: a hook that was deleted, a key that was revoked, a payload that is refused.
A redirect is followed nowhere: what is posted holds secrets of its own. No error repeats a URL's path or a key.
"""

import hashlib
import re
from email.utils import parsedate_to_datetime

import msgspec

from milkrun.alerting.channel import Letter, PermanentError, TransientError
from milkrun.alerting.plain import line
from milkrun.client import Client, RequestError, Response
from milkrun.client.preparing import RequestOptions
from milkrun.client.url import parse_url
from milkrun.probes.secrets import hidden_forms, hide

JSON = ("Content-Type", "application/json")
_TRY_AGAIN = frozenset({408, 425, 429})
_EXPLAINED = 160  # characters of an answer's body in an error
_ANSWER = 64 * 1024
_KEY = 200
_KEY_LIKE = 16  # characters from which on a word in a URL may be a key
_SEPARATORS = re.compile(r"[/?&=#]")
Headers = tuple[tuple[str, str], ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a channel posts to, and as whom: `service` is its name in errors, `secrets` what these never repeat.

    `transient` are further statuses that are worth another try. `insecure` as the client has it.
    """

    service: str
    url: str
    headers: Headers = ()
    secrets: tuple[str, ...] = ()
    transient: frozenset[int] = frozenset()
    insecure: bool = False

    def __repr__(self) -> str:
        return f"<Place of {self.service}>"  # whoever knows a hook's URL can post to it

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("service", self.service)]


async def post(
    client: Client,
    place: Place,
    content: bytes,
    *,
    letter: Letter,
    key: str | None = None,
    headers: Headers = (JSON,),
    method: str = "POST",
) -> Response:
    """Post and return a response of 2xx. It has no time limit: that is the caller's.

    Args as those of `ask`. Raises TransientError or PermanentError, as the head of this module says.
    """
    response = await ask(client, place, content, letter=letter, key=key, headers=headers, method=method)
    judge(response, place, at=letter.at)
    return response


async def ask(
    client: Client,
    place: Place,
    content: bytes,
    *,
    letter: Letter,
    key: str | None = None,
    headers: Headers = (JSON,),
    method: str = "POST",
) -> Response:
    """Post and return whatever is answered, for a channel whose service has answers of its own to `judge`.

    Args:
        client: the one of all deliveries.
        place: where to.
        content: what; JSON unless `headers` say otherwise.
        letter: what is being delivered: its `id` is the idempotency key, its `at` the time of the try.
        key: another idempotency key, of a part of the letter.
        headers: those of this request, beside the place's.
        method: another method.

    Raises:
        TransientError: where nothing is answered.
    """
    idempotent = ("Idempotency-Key", header_key(key or letter.id))
    options = RequestOptions(
        headers=(*place.headers, *headers, idempotent),
        content=content,
        max_body=_ANSWER,
        insecure=place.insecure or None,
    )
    try:
        return await client.request(method, place.url, timeout=None, **options)
    except RequestError as err:
        # Its own sentence may quote a URL.
        host = parse_url(place.url).origin.host
        raise TransientError(f"{place.service} at {host} was not reached: {err.layer}/{err.kind}") from err


def judge(response: Response, place: Place, *, at: int) -> None:
    """Return for a success, else raise what it is. `at` is now, epoch ms, for a Retry-After that is a date."""
    status = response.status
    if 200 <= status < 300:
        return
    message = f"{place.service} answered {status}{_explained(response, place)}"
    if status >= 500 or status in _TRY_AGAIN or status in place.transient:
        raise TransientError(message, after=retry_after(response, at=at))
    raise PermanentError(message)


def retry_after(response: Response, *, at: int) -> float | None:
    """Seconds to wait by RFC 9110 10.2.3, a number (services send fractions, too) or a date; None where none is told.

    A date is counted from the server's own `Date`, for clocks differ; from `at` (epoch ms) where it sent none.
    """
    told = response.headers.get("retry-after", "").strip()
    if told.replace(".", "", 1).isdecimal() and told.isascii():
        return float(told)
    until = _seconds(told)
    if until is None:
        return None
    now = _seconds(response.headers.get("date", ""))
    return max(0.0, until - (at / 1_000 if now is None else now))


def header_key(key: str) -> str:
    """An idempotency key that any header may carry: a long one, or one beyond ASCII, by its hash."""
    if len(key) <= _KEY and key.isascii() and key.isprintable():
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _explained(response: Response, place: Place) -> str:
    """The beginning of what the server says of it, without what it may have been told in confidence."""
    forms = hidden_forms((*place.secrets, *_whereabouts(place.url)))
    said = line(hide(forms, response.text[: 4 * _EXPLAINED]), _EXPLAINED)
    return f": {said}" if said else ""


def _whereabouts(url: str) -> tuple[str, ...]:
    """A URL, what follows its host, and the long words in that: hooks have their keys there."""
    _, _, path = url.partition("://")[2].partition("/")
    return (url, path, *[word for word in _SEPARATORS.split(path) if len(word) >= _KEY_LIKE])
