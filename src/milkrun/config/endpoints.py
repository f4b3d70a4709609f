"""One item of `endpoints` becomes an Endpoint; what its kind reads is left to the kind."""

from hashlib import blake2b

import msgspec

from milkrun.config.conditions import ConditionReader
from milkrun.config.gatus import NOT_BUILT_KEYS, NOT_BUILT_SCHEMES
from milkrun.config.kind import Kinds, Reading
from milkrun.config.section import Section, Words
from milkrun.config.slo import read_slo
from milkrun.config.watching import read_watching
from milkrun.core.endpoint import Endpoint, Retry, Thresholds
from milkrun.core.keys import endpoint_key

# Gatus's defaults, and the fastest rhythm that makes sense for one endpoint.
INTERVAL = 60_000.0
TIMEOUT = 10_000.0
LEAST_INTERVAL = 100.0

_FINGERPRINT_BYTES = 16


class EndpointReader:
    """Reads endpoints with the kinds it is given."""

    def __init__(self, kinds: Kinds) -> None:
        self._by_scheme = {scheme: (name, kind) for name, kind in kinds.items() for scheme in kind.schemes}
        # An address of no known kind is read by the first, which says what it expected and finds the other errors.
        self._default = next(iter(kinds.items()))
        self._conditions = ConditionReader()

    def read(self, section: Section) -> Endpoint | None:
        """An endpoint, or None where it is disabled, not built yet, or wrong; the section has been told why."""
        enabled = section.flag("enabled", default=True)
        name, group = section.text("name"), section.text("group")
        if not name.strip():
            section.problem("name", "expected a name")
        scheme = _scheme(section)
        if scheme in NOT_BUILT_SCHEMES:
            section.warning("url", f"checks of kind {scheme} are not built yet; this endpoint is left out")
            return None
        kind, reader = self._by_scheme.get(scheme, self._default)
        endpoint = self._endpoint(section, name, group, kind, reader.read(section))
        section.done(NOT_BUILT_KEYS)
        return endpoint if enabled else None

    def _endpoint(self, section: Section, name: str, group: str, kind: str, reading: Reading | None) -> Endpoint | None:
        timeout = section.section("client").milliseconds("timeout", TIMEOUT, least=1.0) / 1_000
        conditions, degraded = section.texts("conditions"), section.texts("degraded")
        rules = self._conditions.read(section, "conditions", conditions)
        lesser = self._conditions.read(section, "degraded", degraded)
        interval = int(section.milliseconds("interval", INTERVAL, least=LEAST_INTERVAL))
        thresholds, retry = _thresholds(section), _retry(section.section("retry"))
        watching = read_watching(section)
        slo = read_slo(section)
        if reading is None:
            return None
        return Endpoint(
            key=endpoint_key(group, name),
            name=name,
            group=group,
            kind=kind,
            target=reading.target,
            interval=interval,
            timeout=timeout,
            options=reading.options,
            conditions=rules,
            degraded=lesser,
            thresholds=thresholds,
            retry=retry,
            **watching,
            slo=slo,
            fingerprint=_fingerprint(kind, reading, timeout, conditions, degraded),
        )


def _scheme(section: Section) -> str:
    if "dns" in section:  # Gatus tells this kind by its own key; the URL is only the server's address
        return "dns"
    scheme, separator, _ = section.text("url").partition("://")
    return scheme.lower() if separator else ""


def _thresholds(section: Section) -> Thresholds:
    return Thresholds(
        failure=section.number("failure-threshold", 1, least=1), success=section.number("success-threshold", 1, least=1)
    )


def _retry(section: Section) -> Retry:
    return Retry(count=section.number("count", 0, most=100), delay=section.milliseconds("delay", 1_000.0) / 1_000)


def _fingerprint(kind: str, reading: Reading, timeout: float, conditions: list[Words], degraded: list[Words]) -> str:
    """A hash over all that a result's meaning rests on: what was asked, and how the answer was judged."""
    texts = [[words.text for words in conditions], [words.text for words in degraded]]
    meaning = msgspec.json.encode((kind, reading.options, timeout, texts))
    return blake2b(meaning, digest_size=_FINGERPRINT_BYTES).hexdigest()
