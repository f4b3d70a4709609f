"""What e-mail is told by its configuration: Gatus's keys, and how the connection is secured."""

from datetime import UTC, tzinfo
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum

import msgspec

from milkrun.alerting.channels.reading import read_needed
from milkrun.client.dial.tls import TlsOptions
from milkrun.config.section import Section, Words
from milkrun.config.wall_times import read_zone
from milkrun.probes.key_files import complaint

_ADDRESS = "expected an e-mail address such as ops@example.org"
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class Security(StrEnum):
    """TLS from the first byte, TLS before anything is said, or none at all; never "if the server likes"."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class EmailOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server, an account on it if there is a `username`, and addresses: `sender` and `recipients` are bare."""

    host: str
    port: int
    security: Security
    sender: str
    sender_name: str = ""
    recipients: tuple[str, ...]
    username: str = ""
    password: str = ""
    ca_file: str | None = None
    insecure: bool = False
    zone: tzinfo = UTC

    def __repr__(self) -> str:
        return f"<EmailOptions {self.host}:{self.port}>"

    def __rich_repr__(self) -> list[tuple[str, str | int]]:  # else msgspec's own shows every field
        return [("host", self.host), ("port", self.port)]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error repeats: the user's name too, for some providers' is a key."""
        return tuple(filter(None, (self.password, self.username)))


def read_options(section: Section) -> EmailOptions | None:
    """The options; None where they cannot be used, with every reason reported."""
    host = read_needed(section, "host", "expected the mail server's host name")
    security, port = _security(section)
    sender, recipients = _sender(section), _recipients(section)
    username, password = section.text("username"), section.text("password")
    insecure = section.section("client").flag("insecure", default=False)
    ca_file, zone = _ca_file(section), read_zone(section)
    if password and not username and sender is not None:
        username = sender[1]  # as Gatus does
    if host is None or sender is None or not recipients:
        return None
    return EmailOptions(
        host=host,
        port=port,
        security=security,
        sender=sender[1],
        sender_name=sender[0],
        recipients=recipients,
        username=username,
        password=password,
        ca_file=ca_file,
        insecure=insecure,
        zone=zone,
    )


def _security(section: Section) -> tuple[Security, int]:
    """By the port where only that is given: 465 is TLS from the first byte (RFC 8314)."""
    given = section.number("port", 0, least=1, most=65_535)
    assumed = Security.TLS if given == _PORTS["tls"] else Security.STARTTLS
    security = section.choice("security", {word.value: word for word in Security}, assumed)
    return security, given or _PORTS[security]


def _sender(section: Section) -> tuple[str, str] | None:
    """Name and address of `from`; None after reporting."""
    text = read_needed(section, "from", _ADDRESS)
    if text is None:
        return None
    name, address = parseaddr(text)
    if _is_address(address):
        return name, address
    section.problem("from", _ADDRESS)
    return None


def _recipients(section: Section) -> tuple[str, ...]:
    """`to`: a list, or one text with commas, as Gatus has it; empty after reporting."""
    found = [address for words in section.one_or_several("to") for address in _split(section, words)]
    if not found and "to" not in section:
        section.problem("to", _ADDRESS)
    return tuple(found) if all(found) else ()


def _split(section: Section, words: Words) -> list[str]:
    addresses = [address.strip() for address in words.text.split(",")]
    if all(map(_is_address, addresses)):
        return addresses
    section.problem_at(words, f"{_ADDRESS}, or several with commas between them")
    return [""]


def _is_address(text: str) -> bool:
    try:
        return bool(Address(addr_spec=text).domain)
    except (ValueError, IndexError, HeaderParseError):  # its parser stumbles in several ways
        return False


def _ca_file(section: Section) -> str | None:
    path = section.text("ca-file")
    if not path:
        return None
    why = complaint(TlsOptions(ca_file=path), {path: "the file"})
    if why is not None:
        section.problem("ca-file", f"expected a file of root certificates: {why}")
    return path
