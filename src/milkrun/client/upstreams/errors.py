"""What is raised here beside what the calls themselves raise."""

from milkrun.client.errors import ClientError, UsageError

_LONGEST = 86_400.0  # seconds: what loops can count to


class Overloaded(ClientError):  # noqa: N818  # it says what the service is; the word stands in its answer, too
    """There was no place, and no room to wait for one, or the wait was over. Nothing was asked of anybody.

    Attributes:
        retry_after: seconds after which to try again.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamTimeoutError(ClientError, TimeoutError):
    """An upstream used up its own time."""


def seconds(what: str, value: float) -> float:
    """A time that can be waited for, or UsageError."""
    if not 0 < value <= _LONGEST:
        raise UsageError(f"{what}={value!r}: expected seconds, more than 0 and no more than a day")
    return value


def at_least(least: int, what: str, value: int) -> int:
    """A number of that many or more, or UsageError."""
    if value < least:
        raise UsageError(f"{what}={value!r}: expected {least} or more")
    return value


def share(what: str, value: float) -> float:
    """A part of the whole: more than 0, less than 1, or UsageError."""
    if not 0 < value < 1:
        raise UsageError(f"{what}={value!r}: expected a share, more than 0 and less than 1")
    return value
