"""The sections `network`, by which our own trouble is told from targets', and `rdap`, where domains are asked for."""

import re

from milkrun.config.section import Section, Words
from milkrun.config.settings import NetworkSettings, Sentinel

_PERCENT = 100
_SENTINEL = re.compile(
    r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>[1-9]\d{0,4})", re.ASCII | re.IGNORECASE
)
_LAST_PORT = 65_535
_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?", re.IGNORECASE)


def read_network(section: Section) -> NetworkSettings:
    """When failures are taken for our own network's."""
    default = NetworkSettings()
    return NetworkSettings(
        enabled=section.flag("enabled", default=default.enabled),
        hosts=section.number("hosts", default.hosts, least=3),
        share=section.parsed("share", default.share, _share, "a share from 1% to 100%"),
        within=int(section.milliseconds("within", default.within, least=1_000.0)),
        sentinels=tuple(
            [each for each in (_sentinel(section, words) for words in section.texts("sentinels")) if each is not None]
        ),
    )


def read_rdap(section: Section) -> str | None:
    """The base URL of the RDAP server that is asked of every domain; None: whichever IANA's list names."""
    return section.parsed("url", None, _base, "the base URL of an RDAP server, such as https://rdap.example/")


def _base(text: str) -> str | None:
    return text.rstrip("/") if _URL.fullmatch(text) else None


def _share(text: str) -> float | None:
    number = text.removesuffix("%")
    if number == text or not (number.isascii() and number.isdigit() and len(number) <= 3):
        return None
    return int(number) / _PERCENT if 1 <= int(number) <= _PERCENT else None


def _sentinel(section: Section, words: Words) -> Sentinel | None:
    match = _SENTINEL.fullmatch(words.text)
    if match is None or int(match["port"]) > _LAST_PORT:
        section.problem_at(words, "expected a host and a port such as 1.1.1.1:443")
        return None
    return Sentinel(match["v6"] or match["host"], int(match["port"]))
