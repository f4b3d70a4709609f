"""One incident by the key in an address: reading it, saying that one is on it, adding a note."""

import re
from urllib.parse import parse_qs

from fastapi import HTTPException, Request

from milkrun.core.incident import IncidentKey, incident_key
from milkrun.store.protocol import Case
from milkrun.web.incident_list import IncidentRow, incident_row
from milkrun.web.incident_view import who
from milkrun.web.principal import Principal
from milkrun.web.site import Site, UnknownError

# What `str` of a key looks like; eighteen digits are what a database's integers hold for sure.
KEY = re.compile(r"\d{1,18}-\d{1,18}-[a-z]{1,20}", re.ASCII)
NOTE = 2_000  # characters
FORM = 16_384  # bytes

OVER = "This incident is over, so there is nothing left to acknowledge."


class UnknownIncidentError(UnknownError):
    """No incident has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f'No incident has the key "{key[:100]}". /api/v1/incidents lists the keys there are.')


def read_key(text: str) -> IncidentKey:
    """Read an incident's key, or raise UnknownIncidentError."""
    if KEY.fullmatch(text) is None:
        raise UnknownIncidentError(text)
    try:
        return incident_key(text)
    except ValueError as err:
        raise UnknownIncidentError(text) from err


async def find(site: Site, text: str) -> Case:
    """All that is known of one incident; raises UnknownIncidentError."""
    case = await site.services.store.case(read_key(text))
    if case is None:
        raise UnknownIncidentError(text)
    return case


def row(site: Site, case: Case) -> IncidentRow:
    """The incident of a case, with names."""
    return incident_row(case.incident, site.board.entries.get, who(case))


async def acknowledge(site: Site, text: str, principal: Principal) -> None:
    """Note that `principal` is on it, which ends reminders and escalation; 409 where it is over."""
    case = await find(site, text)
    if not await site.services.outbox.acknowledge(case.incident.key, by=principal.name, at=site.now()):
        raise HTTPException(409, OVER)
    site.acts += 1


async def note(site: Site, text: str, principal: Principal, said: str) -> None:
    """Add a person's note to the timeline; 422 for an empty or a far too long one."""
    said = said.strip().replace("\r\n", "\n")
    if not 0 < len(said) <= NOTE:
        raise HTTPException(422, f"A note has 1 to {NOTE:,} characters; this one has {len(said):,}.")
    if not await site.services.outbox.note(read_key(text), by=principal.name, at=site.now(), text=said):
        raise UnknownIncidentError(text)
    site.acts += 1


async def form(request: Request) -> dict[str, str]:
    """The fields of a posted form (application/x-www-form-urlencoded), the last of each name."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM:
            raise HTTPException(413, f"That is more than {FORM:,} bytes; make the note shorter.")
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[-1] for name, values in fields.items()}
