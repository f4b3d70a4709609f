"""Credentials that are one header, known before anything is sent; and the base of all that hold a secret."""

import base64
import re
from typing import Any, ClassVar

import msgspec

from milkrun.client.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORD = re.compile(r"[\x21-\x7e]+")


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """A value with secrets in it: only the fields named in `shown` ever appear in text made of it."""

    shown: ClassVar[tuple[str, ...]] = ()

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # else msgspec's own shows every field
        return [(name, getattr(self, name)) for name in self.shown]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class Basic(Credentials, frozen=True, gc=False):
    """A user name and a password (RFC 7617), sent as UTF-8.

    Raises UsageError for a user with a colon in it and for control characters.
    """

    user: str
    password: str
    shown: ClassVar[tuple[str, ...]] = ("user",)

    def __post_init__(self) -> None:
        if ":" in self.user:
            raise UsageError("the user name contains a colon, which basic authentication cannot carry")
        require_printable(self.user, self.password)

    @property
    def header(self) -> str:
        """The Authorization to send."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


class Bearer(Credentials, frozen=True, gc=False):
    """A token that somebody gave (RFC 6750 2.1). Raises UsageError unless it is one word of visible ASCII."""

    token: str

    def __post_init__(self) -> None:
        if not is_word(self.token):
            raise UsageError("the token is not one word of visible ASCII characters")

    @property
    def header(self) -> str:
        """The Authorization to send."""
        return f"Bearer {self.token}"


def require_printable(user: str, password: str) -> None:
    """Raises UsageError for control characters, which no scheme with user and password allows."""
    for name, value in (("user name", user), ("password", password)):
        if _CONTROL.search(value):
            raise UsageError(f"the {name} contains a control character or a line break")


def is_word(token: str) -> bool:
    """Whether it can stand in a header as one word."""
    return _WORD.fullmatch(token) is not None
