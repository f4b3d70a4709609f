"""What is raised here beside what the calls themselves raise."""

from milkrun.client.errors import ClientError


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
