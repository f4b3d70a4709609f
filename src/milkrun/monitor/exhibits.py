"""An incident's evidence, made of the result that opened it and of what its check saw, without anything secret."""

import codecs

from milkrun.core.endpoint import Registered
from milkrun.core.incident import Exhibit, Incident
from milkrun.core.masking import masked_headers, masked_text, without
from milkrun.core.observation import Observation
from milkrun.core.result import Result
from milkrun.probes.secrets import secrets_of_options

# Characters of a body that are kept, and bytes that are looked at for them.
EXCERPT = 2_048
_LOOKED_AT = 2_560


def exhibit(incident: Incident, registered: Registered, result: Result, seen: Observation | None) -> Exhibit:
    """The evidence; without an answer it is the result alone."""
    forms = secrets_of_options(registered.endpoint.options)
    answer = None if seen is None else seen.answer
    if answer is None:
        return Exhibit(incident=incident.key, result=result)
    body, cut = _excerpt(answer.beginning, forms, whole=answer.is_whole)
    headers = tuple([(name, without(forms, value)) for name, value in masked_headers(answer.headers)])
    return Exhibit(incident=incident.key, result=result, headers=headers, body=body, cut=cut)


def _excerpt(raw: bytes, forms: tuple[str, ...], *, whole: bool) -> tuple[str | None, bool]:
    """The beginning of a body that is text, and whether there was more of it; None where nothing can be shown."""
    if not raw or b"\0" in raw[:_LOOKED_AT]:
        return None, bool(raw) or not whole
    whole = whole and len(raw) <= _LOOKED_AT
    # A character of which only the first bytes are there is left out; one that is wrong is shown as such.
    text, _ = codecs.utf_8_decode(raw[:_LOOKED_AT], "replace", whole)
    text = masked_text(without(forms, text))
    if not whole:  # half a secret at the end is one that nobody recognised
        text = text[: -max(map(len, forms), default=0) or None]
    return text[:EXCERPT], not whole or len(text) > EXCERPT
