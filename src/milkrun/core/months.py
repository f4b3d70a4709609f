"""Calendar months in a time zone."""

import re
from datetime import datetime, tzinfo

import msgspec

_WRITTEN = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class Month(msgspec.Struct, frozen=True, order=True, gc=False):
    """A month of a year."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def name(self) -> str:
        """As a person writes it: "October 2026"."""
        return f"{datetime(self.year, self.month, 1):%B %Y}"  # noqa: DTZ001 - a name has no time

    def step(self, months: int) -> "Month":
        """The month so many later, or earlier."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    def begin(self, zone: tzinfo) -> int:
        """When it begins in a time zone, epoch ms."""
        return int(datetime(self.year, self.month, 1, tzinfo=zone).timestamp() * 1_000)

    def end(self, zone: tzinfo) -> int:
        """When it ends, which is when the next one begins, epoch ms."""
        return self.step(1).begin(zone)


def parse_month(text: str) -> Month | None:
    """Read `2026-10`; None where it is no month."""
    match = _WRITTEN.fullmatch(text)
    return Month(int(match[1]), int(match[2])) if match and int(match[1]) >= 1970 else None


def month_of(now: int, zone: tzinfo) -> Month:
    """The month that a time (epoch ms) falls in."""
    local = datetime.fromtimestamp(now / 1_000, zone)
    return Month(local.year, local.month)
