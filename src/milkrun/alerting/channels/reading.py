"""Keys that several kinds of channels have: a URL that is a secret, texts that must be there."""

from milkrun.client.errors import UsageError
from milkrun.client.url import parse_url
from milkrun.config.section import Section, Words

URL = "expected http:// or https:// with a host, all without spaces"


def read_url(section: Section, key: str, *, expected: str = URL) -> str | None:
    """A URL that must be there; None after reporting one that cannot be used. No message repeats it."""
    words = section.words(key)
    if words is None:
        if key not in section:  # a text that cannot be used was reported already
            section.problem(key, expected)
        return None
    return usable_url(section, words, expected=expected)


def usable_url(section: Section, words: Words, *, expected: str = URL) -> str | None:
    """The text if it is a URL, else None after saying so."""
    try:
        parse_url(words.text)
    except UsageError:  # its message repeats the URL
        section.problem_at(words, expected)
        return None
    return words.text


def read_needed(section: Section, key: str, expected: str) -> str | None:
    """A text that must be there; None after reporting that it is not."""
    words = section.words(key)
    if words is not None and words.text.strip():
        return words.text
    if words is not None or key not in section:  # a text that cannot be used was reported already
        section.problem(key, expected)
    return None


def read_urls(section: Section, key: str, *, expected: str = URL) -> list[str]:
    """One URL or a list of them; none after reporting any that cannot be used, or that there is none."""
    given = section.one_or_several(key)
    if not given and key not in section:
        section.problem(key, expected)
    usable = [usable_url(section, words, expected=expected) for words in given]
    return [url for url in usable if url is not None] if all(usable) else []
