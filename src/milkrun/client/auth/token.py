"""What a token endpoint answers (RFC 6749 5): a token with its lifetime, or why there is none. Rules only."""

import math
from email.utils import parsedate_to_datetime

import msgspec

from milkrun.client.auth.credentials import Credentials, is_word
from milkrun.client.auth.seam import Answered
from milkrun.client.headers import Headers

_OK = 200
_UNSAID_LIFE = 300.0  # short: asking again is cheap, and a token that was turned down is dropped anyway
_SHORTEST_LIFE, _LONGEST_LIFE = 1.0, 86_400.0
_AHEAD = 30.0
# RFC 6749 5.2 and the two of 4.1.2.1 that endpoints use here, too. Other words are not shown: they may be anything,
# the secret included.
_REASONS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    }
)


class Token(Credentials, frozen=True, kw_only=True, gc=False):
    """A token by its header; `renew` and `expires` are monotonic seconds, the first some time before the second."""

    header: str
    renew: float
    expires: float


class NoToken(Exception):  # noqa: N818  # not an error of ours: the endpoint's answer, in words that may be shown
    """Why the answer is no token; `pause` is the seconds that the endpoint asks to be left alone, None: not said."""

    def __init__(self, why: str, *, pause: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.pause = pause


def token(answer: Answered, asked: float) -> Token:
    """The token in an answer to a request sent at `asked`. Raises NoToken."""
    said = _said(answer.body)
    if answer.status != _OK:
        reasons = [f", {reason}" for reason in _REASONS if reason == said.get("error")]
        raise NoToken(f"the endpoint answered {answer.status}{''.join(reasons)}", pause=_pause(answer.headers))
    word, kind = said.get("access_token"), said.get("token_type", "bearer")
    if not isinstance(word, str) or not is_word(word):
        raise NoToken("the endpoint's answer has no access_token that could be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NoToken("the endpoint's token is not a bearer token")
    life = _life(said.get("expires_in"))
    # The request's start is before the token's, so it never expires later at the server than here.
    ahead = min(max(_AHEAD, life / 10), life / 2)
    return Token(header=f"Bearer {word}", renew=asked + life - ahead, expires=asked + life)


def _said(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a JSON text of brackets alone is deep
        return {}


def _life(said: object) -> float:
    """Seconds from `expires_in`: a number, or text that is one, as some providers write it."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return _UNSAID_LIFE
    try:
        life = float(said)
    except (ValueError, OverflowError):
        return _UNSAID_LIFE
    return _UNSAID_LIFE if math.isnan(life) else min(max(life, _SHORTEST_LIFE), _LONGEST_LIFE)


def _pause(headers: Headers) -> float | None:
    """Seconds from Retry-After (RFC 9110 10.2.3); a date is taken against the server's own, not our clock."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(headers.get("date", ""))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError):  # none, not a date, or of dates only one with a zone
        return None
