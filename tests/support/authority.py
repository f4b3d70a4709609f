"""A certificate authority for tests, and servers' contexts with good and bad certificates from it."""

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FAR_AHEAD = dt.datetime(3500, 1, 1, tzinfo=dt.UTC)  # trustme's authorities end in the year 3000
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

    def demanding(self) -> ssl.SSLContext:
        """A good certificate, and a demand for one of this authority's from whoever connects."""
        context = self.good()
        context.verify_mode = ssl.CERT_REQUIRED
        self._ca.configure_trust(context)
        return context

    def chained(self) -> ssl.SSLContext:
        """A certificate for localhost that outlives the intermediate authority it comes from; both are sent."""
        issued = self._ca.create_child_ca().issue_cert("localhost", not_after=FAR_AHEAD)
        return _context(issued.configure_cert)

    def client_files(self, folder: Path, *, password: str | None = None) -> tuple[str, str]:
        """A client's certificate and its key, encrypted if there is a password, each in a file."""
        issued = self._ca.issue_cert("client.test")
        cert_file, key_file = str(folder / "client.pem"), folder / "client.key"
        issued.cert_chain_pems[0].write_to_path(cert_file)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        return cert_file, str(key_file)

    def pem(self, file: Path, *names: str) -> str:
        """Write a key and its certificate for these names, as for `good`, into a file: for servers that read one."""
        cert = self._ca.issue_cert(*(names or ("localhost", "127.0.0.1")))
        cert.private_key_and_cert_chain_pem.write_to_path(str(file))
        return str(file)

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
