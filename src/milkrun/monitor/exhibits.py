"""An incident's evidence, made of the result that opened it and of what its check saw, without anything secret."""

import msgspec

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
    shown = _without_secrets(result, forms)
    if answer is None:
        return Exhibit(incident=incident.key, result=shown)
    size = 0 if result.http is None else result.http.bytes
    body, cut = _excerpt(answer.beginning, size, forms)
    headers = tuple([(name, without(forms, value)) for name, value in masked_headers(answer.headers)])
    return Exhibit(incident=incident.key, result=shown, headers=headers, body=body, cut=cut)


def _without_secrets(result: Result, forms: tuple[str, ...]) -> Result:
    conditions = [msgspec.structs.replace(each, shown=without(forms, each.shown)) for each in result.conditions]
    return msgspec.structs.replace(result, conditions=tuple(conditions))


def _excerpt(raw: bytes, size: int, forms: tuple[str, ...]) -> tuple[str | None, bool]:
    """The beginning of a body that is text, and whether there was more of it; None where nothing can be shown."""
    raw = raw[:_LOOKED_AT]
    if not raw or b"\0" in raw:
        return None, bool(size)
    text = masked_text(without(forms, raw.decode(errors="replace")))
    if len(raw) < size:  # half a secret at the end is one that nobody recognised
        text = text[: -max(map(len, forms), default=0) or None]
    return text[:EXCERPT], len(raw) < size or len(text) > EXCERPT
