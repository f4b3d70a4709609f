"""The Kind seams: each kind of check, and of channel, declares in its own file which keys it reads, and how."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from milkrun.config.section import Section


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind made of an endpoint's keys. `target` is what a person is shown, without anything secret."""

    target: str
    options: msgspec.Struct


class Kind(Protocol):
    """One kind of check."""

    @property
    def schemes(self) -> frozenset[str]:
        """The URL schemes it takes, in lower case."""

    def read(self, endpoint: Section) -> Reading | None:
        """Read its own keys; None where they cannot be used, with every reason reported to the section."""


Kinds = Mapping[str, Kind]


class ChannelReader(Protocol):
    """One kind of channel, as far as configuration knows it; the whole of it is alerting's to know."""

    def read(self, section: Section) -> msgspec.Struct | None:
        """Read its own keys; None where they cannot be used, with every reason reported to the section."""


ChannelReaders = Mapping[str, ChannelReader]
