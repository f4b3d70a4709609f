"""Certificates that end soon, noticed in what checks see anyway. No I/O."""

from milkrun.core.endpoint import Registered
from milkrun.core.expiry import certificate_end, certificate_warning, is_near
from milkrun.core.incident import Kind
from milkrun.core.observation import Tls
from milkrun.monitor.notices import Notices


class Certificates:
    """Looks at each session once: a probe gives the same facts for as long as a connection lasts."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._last: dict[int, tuple[Registered, Tls]] = {}

    def look(self, registered: Registered, tls: Tls, at: int) -> None:
        """See to a certificate that was met at slot `at` (epoch ms)."""
        last = self._last.get(registered.id)
        if last is not None and last[1] is tls and last[0] is registered:
            return
        self._last[registered.id] = (registered, tls)
        ends = certificate_end(tls)
        if ends is None:
            return
        known = self._notices.get(registered.id, Kind.CERTIFICATE)
        if not is_near(ends, at, registered.endpoint.certificate_expiry):
            self._notices.close(registered.id, Kind.CERTIFICATE, at)
        elif known is None:
            self._notices.open(certificate_warning(registered.id, tls, ends, at))

    def retire(self, endpoint: int) -> None:
        """Nobody watches this endpoint any more."""
        self._last.pop(endpoint, None)
