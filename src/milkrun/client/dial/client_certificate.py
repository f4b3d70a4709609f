"""The certificate this client shows to servers that ask for one: where it is, and what is wrong with it."""

import ssl
from pathlib import Path

import msgspec
from cryptography import x509

from milkrun.client.errors import UsageError


class ClientCertificate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Files in PEM.

    Attributes:
        cert_file: the certificate, and after it those that lead to its root, if servers need them.
        key_file: its private key; None: it is in `cert_file`, too.
        password: opens the key if it is encrypted. Never shown.
    """

    cert_file: str
    key_file: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        secret = "" if self.password is None else ", password=…"
        return f"ClientCertificate(cert_file={self.cert_file!r}, key_file={self.key_file!r}{secret})"

    def __rich_repr__(self) -> list[tuple[str, str | None]]:
        # msgspec's own would show the password in a traceback that rich draws.
        return [("cert_file", self.cert_file), ("key_file", self.key_file)]

    def load(self, context: ssl.SSLContext) -> None:
        """Give it to a context. Raises UsageError, which says what was expected of which file."""
        key_file = self.key_file or self.cert_file
        _require_certificate(self.cert_file)
        read(key_file, "a private key in PEM")
        lock = _Lock(self.password, key_file)
        try:
            context.load_cert_chain(self.cert_file, key_file, lock.open)
        except (ssl.SSLError, ValueError) as err:  # ValueError: a password longer than OpenSSL takes
            raise UsageError(lock.complaint(err, self.cert_file)) from err


class _Lock:
    """Hands OpenSSL the password if the key wants one; without this it would ask on the terminal and wait."""

    def __init__(self, password: str | None, key_file: str) -> None:
        self._password = password
        self._key_file = key_file
        self._asked = False

    def open(self) -> str:
        self._asked = True
        if self._password is None:
            raise UsageError(f"the private key in {self._key_file} is encrypted; expected its password")
        return self._password

    def complaint(self, error: Exception, cert_file: str) -> str:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            return (
                f"the private key in {self._key_file} does not belong to {cert_file}; expected that certificate's key"
            )
        if self._asked:
            return (
                f"the password does not open the private key in {self._key_file}; expected the one it is encrypted with"
            )
        return f"{self._key_file} holds no private key; expected one in PEM"


def read(path: str, expected: str) -> bytes:
    """A file's content. Raises UsageError if it cannot be read, saying what was expected."""
    try:
        return Path(path).read_bytes()
    except OSError as err:
        raise UsageError(f"{path} cannot be read: {err.strerror}; expected {expected}") from err


def _require_certificate(path: str) -> None:
    try:
        x509.load_pem_x509_certificates(read(path, "a certificate in PEM"))
    except ValueError as err:
        raise UsageError(f"{path} holds no certificate; expected one in PEM") from err
