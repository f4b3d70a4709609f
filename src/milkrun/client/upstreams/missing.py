"""Why an answer is missing."""

from asyncio import CancelledError
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from milkrun.client.errors import RequestError, RequestTimeoutError
from milkrun.client.upstreams.errors import Overloaded

_NOT_ASKED = frozenset({"overload", "descriptors", "ports"})  # of layer self: the client's own limits

_TRANSLATIONS = 8  # how far back a cause is looked for: an SDK's error for httpx2's for ours are two


class Reason(StrEnum):
    """What became of a call that brought no answer."""

    TIMED_OUT = "timed-out"  # it used up its own time
    DEADLINE = "deadline"  # the time of all was up
    FAILED = "failed"  # it raised
    REFUSED = "refused"  # nobody was asked: a limit of ours
    CANCELLED = "cancelled"  # by somebody else: what it waited for was cancelled


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One missing answer.

    Attributes:
        reason: as an API may show it.
        error: what the call raised, with its traceback; None at the deadline.
        seconds: from the start until it failed or was given up.
    """

    reason: Reason
    error: BaseException | None
    seconds: float


def reason_of(error: BaseException) -> Reason:
    """Tell a limit and a time-out from a failure, also where a library has translated the error into its own words."""
    if isinstance(error, CancelledError):
        return Reason.CANCELLED
    for each in _with_causes(error):
        if isinstance(each, Overloaded) or _was_not_asked(each):
            return Reason.REFUSED
        if isinstance(each, TimeoutError | RequestTimeoutError):
            return Reason.TIMED_OUT
    return Reason.FAILED


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_TRANSLATIONS):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _was_not_asked(error: BaseException) -> bool:
    return isinstance(error, RequestError) and error.layer == "self" and error.kind in _NOT_ASKED
