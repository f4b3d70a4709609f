"""Times as a command line takes them: ISO 8601, or how long ago."""

from datetime import UTC, datetime, tzinfo

from milkrun.core.durations import parse_duration

EXPECTED = (
    "expected a time such as 2026-10-01, 2026-10-01T12:30, 2026-10-01T12:30:00Z, or how long ago, such as 24h or 7d"
)


def parse_moment(text: str, *, now: int, zone: tzinfo) -> int | None:
    """Epoch ms, or None where `text` is no time. What names no zone is in `zone`; a duration is before `now`."""
    ago = parse_duration(text)
    if ago is not None:
        return now - int(ago) if ago >= 0 else None
    try:
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo is not None else read.replace(tzinfo=zone)
        return int(aware.astimezone(UTC).timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None
