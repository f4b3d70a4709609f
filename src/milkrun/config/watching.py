"""An endpoint's keys that say when its incidents open and close, and what explains them."""

from typing import TypedDict

from milkrun.config.dependencies import DEPENDS_ON
from milkrun.config.maintenance import read_windows
from milkrun.config.section import Section
from milkrun.core.flapping import Flapping
from milkrun.core.maintenance import Window

# A certificate is warned of so long before it ends (ms): 14 days.
CERTIFICATE_EXPIRY = 14 * 86_400_000.0


class Watching(TypedDict):
    """Fields of an Endpoint."""

    tags: tuple[str, ...]
    depends_on: tuple[str, ...]
    quorum: int | None
    flapping: Flapping | None
    maintenance: tuple[Window, ...]
    certificate_expiry: int
    domain_expiry: int


def read_watching(section: Section) -> Watching:
    """All of them; what is wrong has been reported."""
    return Watching(
        tags=tuple([words.text for words in section.one_or_several("tags")]),
        depends_on=tuple([words.text for words in section.one_or_several(DEPENDS_ON)]),
        quorum=section.number("quorum", 1, least=1) if "quorum" in section else None,
        flapping=_flapping(section.section("flapping")),
        maintenance=read_windows(section.sections("maintenance-windows")),
        certificate_expiry=int(section.milliseconds("certificate-expiry", CERTIFICATE_EXPIRY)),
        domain_expiry=int(section.milliseconds("domain-expiry", 0.0)),
    )


def _flapping(section: Section) -> Flapping | None:
    default = Flapping()
    rule = Flapping(
        changes=section.number("changes", default.changes, least=2, most=1_000),
        within=int(section.milliseconds("within", default.within, least=1_000.0)),
        calm=int(section.milliseconds("calm", default.calm, least=1_000.0)),
    )
    return rule if section.flag("enabled", default=True) else None
