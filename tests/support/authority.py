"""A certificate authority for tests, and servers' contexts with good and bad certificates from it."""

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import trustme

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
A_YEAR = dt.timedelta(days=365)


class Authority:
    """Issues certificates. `ca_file` holds the root that a client has to trust."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.ca_file = str(folder / "root.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    def good(self, *names: str) -> ssl.SSLContext:
        """A certificate for these names, localhost and 127.0.0.1 if none."""
        return _context(self._ca.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert)

    def expired(self) -> ssl.SSLContext:
        """A certificate of the year 2020."""
        cert = self._ca.issue_cert("localhost", "127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + A_YEAR)
        return _context(cert.configure_cert)

    def self_signed(self, folder: Path) -> ssl.SSLContext:
        """A certificate signed by its own key."""
        other = trustme.CA()
        cert, key = folder / "self.pem", folder / "self.key"
        other.cert_pem.write_to_path(str(cert))
        other.private_key_pem.write_to_path(str(key))
        return _context(lambda context: context.load_cert_chain(cert, key))


def _context(configure: Callable[[ssl.SSLContext], None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    configure(context)
    return context
