"""What a letter says, without a word of markup: every channel makes its own form of it."""

from enum import StrEnum

import msgspec

from milkrun.core.incident import IncidentKey


class Tone(StrEnum):
    """What a message is coloured by: its worst news."""

    DOWN = "down"
    WARNING = "warning"
    NOTICE = "notice"
    GOOD = "good"


class Link(msgspec.Struct, frozen=True):
    """A link and its words."""

    words: str
    url: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. All texts are one line each, of bounded length, and not escaped.

    `mark` is one character; `name` is the endpoint's, the headline is it with `before` and `after` around it; `why` is
    the whole cause, "" where the headline has it all; `details` are labels with texts.
    """

    message: str
    incident: IncidentKey
    group: str
    tone: Tone
    mark: str
    before: str
    name: str
    after: str
    why: str = ""
    details: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def headline(self) -> str:
        """The sentence, without its mark."""
        return f"{self.before}{self.name}{self.after}"


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A letter as a person reads it.

    `title` has 80 characters at most and begins with its mark. `text` is all of it for a phone: short, with line
    breaks. `items` are the first 20 incidents, the worst first and by group; `beyond` counts the others by group.
    `dashboard` is "" where there is no link to it.
    """

    title: str
    text: str
    tone: Tone
    items: tuple[Item, ...]
    beyond: tuple[tuple[str, int], ...]
    dashboard: str

    @property
    def only(self) -> Item | None:
        """The incident, where it is about one alone."""
        return self.items[0] if len(self.items) == 1 and not self.beyond else None
