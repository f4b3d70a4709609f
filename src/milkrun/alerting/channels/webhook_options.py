"""What a webhook is told by its configuration: Gatus's keys of `custom`, and a template, a signature, a time zone."""

from datetime import UTC, tzinfo

import msgspec

from milkrun.alerting.account import example
from milkrun.alerting.channels.posting import Place
from milkrun.alerting.channels.reading import read_url
from milkrun.alerting.placeholders import has_placeholders
from milkrun.alerting.template import BadTemplateError, BodyTemplate
from milkrun.client.request import TOKEN
from milkrun.config.section import Section
from milkrun.config.wall_times import read_zone
from milkrun.probes.http import read_headers

_WORDS = "ALERT_TRIGGERED_OR_RESOLVED"
_SETTLED = ("TRIGGERED", "RESOLVED")


class WebhookOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what is said.

    `body` has Gatus's placeholders and is sent for each incident, as everything is with `by_incident`; `template` is
    Jinja. With neither it is the documented JSON. `words` stand for TRIGGERED and RESOLVED.
    """

    place: Place
    method: str = "POST"
    body: str = ""
    template: str = ""
    by_incident: bool = False
    words: tuple[tuple[str, str], ...] = ()
    signing_key: str = ""
    zone: tzinfo = UTC

    def __repr__(self) -> str:
        return f"<WebhookOptions {self.method}>"  # nearly all the rest may hold secrets

    def __rich_repr__(self) -> list[tuple[str, str]]:  # else msgspec's own shows every field
        return [("method", self.method)]


def read_options(section: Section) -> WebhookOptions | None:
    """The options; None where the URL cannot be used."""
    place, key = _place(section), section.text("signing-key")
    body, template, method = section.text("body"), _template(section), section.text("method", "POST").upper()
    by_incident = section.flag("by-incident", default=has_placeholders(f"{body} {section.text('url')}"))
    words, zone = _words(section.section("placeholders")), read_zone(section)
    if not TOKEN.fullmatch(method):
        section.problem("method", "expected an HTTP method such as POST or PUT")
    if template and (body or by_incident):
        section.problem("template", "expected template or body and by-incident, not both")
    if body and not by_incident:
        section.problem("body", "expected a placeholder such as [ENDPOINT_NAME] in it; template takes any other text")
    if place is None:
        return None
    return WebhookOptions(
        place=msgspec.structs.replace(place, secrets=(*place.secrets, key) if key else place.secrets),
        method=method,
        body=body,
        template=template,
        by_incident=by_incident,
        words=words,
        signing_key=key,
        zone=zone,
    )


def _place(section: Section) -> Place | None:
    url, headers = read_url(section, "url"), read_headers(section.section("headers"))
    insecure = section.section("client").flag("insecure", default=False)
    if url is None:
        return None
    secrets = tuple([value for _, value in headers])
    return Place(service="the webhook", url=url, headers=headers, secrets=secrets, insecure=insecure)


def _template(section: Section) -> str:
    """A template that was tried: what it asks for that there is not is found now, not in the night."""
    words = section.words("template")
    if words is None:
        return ""
    try:
        BodyTemplate(words.text).fill(example())
    except BadTemplateError as err:
        section.problem_at(words, f"expected a template that works: {err}")
    return words.text


def _words(section: Section) -> tuple[tuple[str, str], ...]:
    """Gatus's `placeholders`: what to say for TRIGGERED and RESOLVED."""
    given = section.section(_WORDS)
    found = [(word, given.text(word)) for word in _SETTLED if word in given]
    return tuple(found)
