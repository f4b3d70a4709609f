"""What ends by itself and has to be renewed: certificates and domains. A warning each, apart from downtime. No I/O."""

from datetime import UTC, datetime, timedelta

from milkrun.core.incident import Incident, Kind
from milkrun.core.observation import Tls
from milkrun.core.outcome import Outcome

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_near(ends: int, now: int, before: int) -> bool:
    """Whether less than `before` milliseconds are left, both times epoch ms; 0 is never."""
    return before > 0 and ends - now < before


def certificate_end(tls: Tls) -> int | None:
    """When (epoch ms) the first certificate of a chain ends; None where none was seen."""
    ends = [each for each in (tls.not_after, tls.chain_not_after) if each is not None]
    return int(min(ends) * 1_000) if ends else None


def certificate_warning(endpoint: int, tls: Tls, ends: int, now: int) -> Incident:
    """The warning of a certificate that ends at `ends`, of the leaf or of one above it."""
    leaf = tls.not_after is not None and int(tls.not_after * 1_000) == ends
    what = "the certificate" if leaf else "a certificate of the chain"
    return _warning(endpoint, Kind.CERTIFICATE, what, ends, now)


def domain_warning(endpoint: int, domain: str, ends: int, now: int) -> Incident:
    """The warning of a domain whose registration ends at `ends`."""
    return _warning(endpoint, Kind.DOMAIN, f"the domain {domain}", ends, now)


def candidates(host: str) -> list[str]:
    """The names of which one is the registered domain of a host, the shortest first; [] of an address or one label.

    Where registrations begin (`example.com`, but `example.co.uk`) is known to the registries alone.
    """
    labels = host.rstrip(".").lower().split(".")
    if len(labels) < 2 or ":" in host or labels[-1].isdigit():
        return []
    return [".".join(labels[-count:]) for count in range(2, len(labels) + 1)]


def _warning(endpoint: int, kind: Kind, what: str, ends: int, now: int) -> Incident:
    verb = "expires" if ends > now else "expired"
    on = f"{_EPOCH + timedelta(milliseconds=ends):%Y-%m-%d %H:%M} UTC"
    return Incident(
        endpoint=endpoint, opened=now, closed=None, state=Outcome.DEGRADED, cause=f"{what} {verb} on {on}", kind=kind
    )
