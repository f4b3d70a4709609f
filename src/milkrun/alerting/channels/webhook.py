"""A webhook: JSON of a documented shape, or a body of the user's, to a URL of theirs, signed if there is a key."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

import msgspec

from milkrun.alerting.account import account, incident
from milkrun.alerting.channel import Letter, PermanentError
from milkrun.alerting.channels.posting import JSON, Headers, post
from milkrun.alerting.channels.signing import HEADER, signature
from milkrun.alerting.channels.webhook_options import WebhookOptions, read_options
from milkrun.alerting.placeholders import fill, in_json, values_of
from milkrun.alerting.template import BadTemplateError, BodyTemplate
from milkrun.client import Client
from milkrun.config.section import Section


class WebhookKind:
    """Reads and opens."""

    def read(self, section: Section) -> WebhookOptions | None:
        """As `ChannelKind`."""
        return read_options(section)

    def open(self, options: msgspec.Struct, *, client: Client) -> "WebhookChannel":
        """As `ChannelKind`."""
        return WebhookChannel(cast("WebhookOptions", options), client)


class Request(msgspec.Struct, frozen=True):
    """One request of a letter's: its idempotency key, where it goes, and what it says."""

    key: str
    url: str
    content: bytes


class WebhookChannel:
    """One receiver."""

    def __init__(self, options: WebhookOptions, client: Client) -> None:
        self._options = options
        self._client = client
        self._compose = composer(options)

    async def deliver(self, letter: Letter) -> None:
        """As `Channel`; in order, and again from the first if one of several requests fails."""
        for request in self._compose(letter):
            place = msgspec.structs.replace(self._options.place, url=request.url)
            await post(
                self._client,
                place,
                request.content,
                letter=letter,
                key=request.key,
                headers=self._signed(letter.at, request.content),
                method=self._options.method,
            )

    def _signed(self, at: int, content: bytes) -> Headers:
        headers = () if _has_type(self._options.place.headers) else (JSON,)
        key = self._options.signing_key
        return headers if not key else (*headers, (HEADER, signature(key, at, content)))


def composer(options: WebhookOptions) -> Callable[[Letter], Iterator[Request]]:
    """How a letter becomes requests: by a template, by Gatus's placeholders, or as it is."""
    if options.template:
        return _Templated(options)
    return _Filled(options) if options.by_incident else _Whole(options)


class _Whole:
    """One request, in the documented shape."""

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options

    def __call__(self, letter: Letter) -> Iterator[Request]:
        content = msgspec.json.encode(account(letter, zone=self._options.zone))
        yield Request(letter.id, self._options.place.url, content)


class _Templated:
    """The same, as a template has it."""

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._template = BodyTemplate(options.template)

    def __call__(self, letter: Letter) -> Iterator[Request]:
        try:
            body = self._template.fill(account(letter, zone=self._options.zone))
        except BadTemplateError as err:
            raise PermanentError(f"the webhook's template fails: {err}") from err
        yield Request(letter.id, self._options.place.url, body.encode())


class _Filled:
    """A request for each incident, as Gatus sends it: body and URL with placeholders."""

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._words = dict(options.words)
        self._escape = in_json if _is_json(options) else str

    def __call__(self, letter: Letter) -> Iterator[Request]:
        for message in letter.messages:
            told = incident(message, letter, self._options.zone)
            values = values_of(told, self._words)
            url = fill(self._options.place.url, values, _in_url)
            yield Request(message.id, url, self._body(values, told))

    def _body(self, values: Mapping[str, str], told: dict[str, Any]) -> bytes:
        body = self._options.body
        return fill(body, values, self._escape).encode() if body else msgspec.json.encode(told)


def _has_type(headers: Headers) -> bool:
    return any(name.lower() == "content-type" for name, _ in headers)


def _is_json(options: WebhookOptions) -> bool:
    types = [value for name, value in options.place.headers if name.lower() == "content-type"]
    return all("json" in value.lower() for value in types)


def _in_url(text: str) -> str:
    return quote(text, safe="")


KIND = WebhookKind()
