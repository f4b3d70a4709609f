"""A time zone by its name, or what was meant."""

from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from milkrun.cli.refusal import refuse


def zone_or_refuse(name: str) -> ZoneInfo:
    """The zone; refuses a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        refuse(f"milkrun: --timezone {name!r}: unknown, {f'perhaps {near[0]}' if near else 'expected Europe/Berlin'}")
