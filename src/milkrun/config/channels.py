"""`alerting.channels`: what every kind of channel has, and the rest left to its kind."""

import re

import msgspec

from milkrun.config.kind import ChannelReaders
from milkrun.config.routes import nearest
from milkrun.config.section import Section
from milkrun.config.settings import ChannelSettings, Rate
from milkrun.core.durations import parse_duration

TIMEOUT = 15_000.0
# An outage of many is found over an interval of theirs, and shall not be as many letters.
RATE = Rate(count=6, per=60_000)

_RATE = re.compile(r"([1-9]\d{0,5})/(\S+)")


def read_channel(section: Section, name: str, kinds: ChannelReaders) -> ChannelSettings | None:
    """One channel; None where it cannot be used, with every reason reported to the section."""
    if not name.strip() or "/" in name:
        section.refuse("expected a channel's name without a slash")
    kind = section.text("type")
    if kind not in kinds:
        section.problem("type", f"expected a kind of channel, {nearest(kind, kinds)}")
        section.forgive()  # whatever else is in it, nobody can say what it should be
        return None
    return read_as(section, name, kind, kinds[kind].read(section))


def read_as(section: Section, name: str, kind: str, options: msgspec.Struct | None) -> ChannelSettings | None:
    """A channel whose options have been read; None where they could not be."""
    rate = section.parsed("rate-limit", RATE, parse_rate, "letters in a time, such as 20/1m")
    timeout = section.milliseconds("timeout", TIMEOUT, least=100.0) / 1_000
    if options is None:
        return None
    return ChannelSettings(name=name, kind=kind, options=options, rate=rate, timeout=timeout)


def parse_rate(text: str) -> Rate | None:
    """`20/1m`: how many in how long, at least a second."""
    match = _RATE.fullmatch(text)
    per = parse_duration(match[2]) if match else None
    return Rate(count=int(match[1]), per=int(per)) if match and per is not None and per >= 1_000 else None
