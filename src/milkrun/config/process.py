"""The sections that are about the process and not about endpoints: storage, web, security, client."""

import base64
import binascii
import re

from milkrun.config.client import read_client
from milkrun.config.gatus import NOT_BUILT_KEYS
from milkrun.config.network import read_network, read_rdap
from milkrun.config.section import Section
from milkrun.config.settings import (
    POSTGRES_SCHEMES,
    BasicAuth,
    ClientSettings,
    DatabaseUrl,
    NetworkSettings,
    StorageSettings,
    WebSettings,
)

_BCRYPT = re.compile(rb"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}")
_PUBLIC = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?", re.IGNORECASE)


class ProcessReader:
    """Reads each of the sections once; a second one, in another file, is a problem."""

    sections = ("client", "network", "rdap", "security", "storage", "web")

    def __init__(self) -> None:
        self.storage = StorageSettings()
        self.web = WebSettings()
        self.client = ClientSettings()
        self.network = NetworkSettings()
        self.rdap: str | None = None
        self.basic: BasicAuth | None = None
        self._seen: set[str] = set()

    def read(self, name: str, section: Section) -> None:
        """Read the section called `name`."""
        if name in self._seen:
            section.refuse("expected this section in one file only")
            return
        self._seen.add(name)
        if name == "storage":
            self.storage = read_storage(section)
        elif name == "web":
            self.web = read_web(section)
        elif name == "network":
            self.network = read_network(section)
        elif name == "rdap":
            self.rdap = read_rdap(section)
        elif name == "client":
            self.client = read_client(section)
        else:
            self.basic = read_security(section)
        section.done(NOT_BUILT_KEYS)


def read_storage(section: Section) -> StorageSettings:
    """`storage`: where history is kept, and how much of it."""
    default = StorageSettings()
    return StorageSettings(
        database=_database(section),
        retention=_seconds(section, "retention", default.retention),
        retention_five_minutes=_seconds(section, "retention-five-minutes", default.retention_five_minutes),
        retention_hours=_seconds(section, "retention-hours", default.retention_hours),
        retention_days=_seconds(section, "retention-days", default.retention_days),
        retention_incidents=_seconds(section, "retention-incidents", default.retention_incidents),
        max_size=section.size("max-size", default.max_size),
    )


def _seconds(section: Section, key: str, default: float) -> float:
    return section.milliseconds(key, default * 1_000, least=60_000.0) / 1_000


def _database(section: Section) -> DatabaseUrl | None:
    """`database`: PostgreSQL by its URL."""
    words = section.words("database")
    if words is None:
        return None
    if not words.text.startswith(POSTGRES_SCHEMES):
        section.problem_at(words, "expected postgresql://user:password@host/name; SQLite needs no database")
    return DatabaseUrl(words.text)


def read_web(section: Section) -> WebSettings:
    """`web`: where pages are served. `address` is Gatus's word, `host` ours."""
    default = WebSettings()
    if "address" in section and "host" in section:
        section.problem("host", "expected host or address, not both")
    return WebSettings(
        host=section.text("host") or section.text("address") or default.host,
        port=section.number("port", default.port, least=1, most=65_535),
        url=_public_address(section),
        allowed_hosts=tuple([words.text for words in section.texts("allowed-hosts")]),
    )


def _public_address(section: Section) -> str:
    """`url`: where people reach the pages."""
    words = section.words("url")
    if words is not None and _PUBLIC.fullmatch(words.text) is None:
        section.problem_at(words, "expected the address of the pages, such as https://status.example.org")
    return "" if words is None else words.text.rstrip("/")


def read_security(section: Section) -> BasicAuth | None:
    """`security.basic`: a user name and the base64 of a bcrypt hash, as Gatus has it."""
    if "basic" not in section:
        return None
    basic = section.section("basic")
    username, hashed = basic.text("username"), _bcrypt(basic)
    if not username:
        basic.problem("username", "expected a user name")
    return BasicAuth(username=username, password_bcrypt=hashed)


def _bcrypt(section: Section) -> bytes:
    """The hash itself. Gatus decodes the URL alphabet; people paste both."""
    encoded = section.text("password-bcrypt-base64").strip().translate(str.maketrans("-_", "+/"))
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if _BCRYPT.fullmatch(decoded) is None:
        section.problem("password-bcrypt-base64", "expected the base64 of a bcrypt hash, which begins with $2")
    return decoded
