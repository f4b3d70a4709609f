"""What no message of a check may repeat, and messages without it."""

from collections.abc import Iterable
from urllib.parse import quote

from milkrun.client.url import Url
from milkrun.config.section import Words

_SHORTEST = 4  # characters; hiding anything shorter would hide half a sentence


def url_secrets(words: Words, url: Url) -> tuple[str, ...]:
    """The variables' values in a URL; a host is none, it is where the check goes."""
    return tuple([value for value in words.secrets if value not in url.origin.authority])


def hidden_forms(values: Iterable[str]) -> tuple[str, ...]:
    """Secrets as they are, and as an address that a server sends back writes them; longest first."""
    forms = {form for value in values if len(value) >= _SHORTEST for form in (value, quote(value, safe=""))}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def secrets_of_options(options: object) -> tuple[str, ...]:
    """What an endpoint's options say, as `secrets`, that no message may repeat; () where their kind has none."""
    secrets: tuple[str, ...] = getattr(options, "secrets", ())
    return secrets


def hide(forms: Iterable[str], message: str) -> str:
    """A message without secrets: where a redirect leads, it may quote the URL that was asked for."""
    for form in forms:
        message = message.replace(form, "(hidden)")
    return message
