"""Certificates that end soon, noticed in what checks see anyway. No I/O."""

import msgspec

from milkrun.core.endpoint import Registered
from milkrun.core.expiry import certificate_end, certificate_warning, is_near
from milkrun.core.incident import Kind
from milkrun.core.observation import Tls
from milkrun.monitor.notices import Notices

_NEVER = 2**63


class _Seen(msgspec.Struct, frozen=True):
    """What was looked at, and the slot from which on the same would be another matter."""

    registered: Registered
    tls: Tls
    until: int


class Certificates:
    """Looks at the same facts once, and again when they come near: a certificate is the same over all connections."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._seen: dict[int, _Seen] = {}

    def look(self, registered: Registered, tls: Tls, at: int) -> None:
        """See to a certificate that was met at slot `at` (epoch ms)."""
        seen = self._seen.get(registered.id)
        if seen is not None and seen.tls is tls and seen.registered is registered and at < seen.until:
            return
        before, ends = registered.endpoint.certificate_expiry, certificate_end(tls)
        near = ends is not None and is_near(ends, at, before)
        until = _NEVER if ends is None or near or not before else ends - before + 1
        self._seen[registered.id] = _Seen(registered, tls, until)
        if ends is None:
            return
        if not near:
            self.unmet(registered.id, at)
        elif self._notices.get(registered.id, Kind.CERTIFICATE) is None:
            self._notices.open(certificate_warning(registered.id, tls, ends, at))

    def unmet(self, endpoint: int, at: int) -> None:
        """There is nothing to warn of at slot `at`: so it is as well where an answer came without TLS."""
        self._notices.close(endpoint, Kind.CERTIFICATE, at)

    def retire(self, endpoint: int) -> None:
        """Nobody watches this endpoint any more."""
        self._seen.pop(endpoint, None)
