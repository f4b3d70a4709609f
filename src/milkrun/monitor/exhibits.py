"""An incident's evidence, made of the result that opened it and of what its check saw."""

from milkrun.core.endpoint import Registered
from milkrun.core.incident import Exhibit, Incident
from milkrun.core.observation import Observation
from milkrun.core.result import Result


def exhibit(incident: Incident, registered: Registered, result: Result, seen: Observation | None) -> Exhibit:
    """The evidence; without an answer it is the result alone."""
    return Exhibit(incident=incident.key, result=result)
