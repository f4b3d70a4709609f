"""Durations as Go writes them (`10ms`, `1h30m`, `-1.5h`), which Gatus and so its users do; also in days and years."""

import re

UNITS: dict[str, float] = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,  # U+00B5, the micro sign
    "μs": 1e-3,  # U+03BC, the Greek letter
    "ms": 1.0,
    "s": 1_000.0,
    "m": 60_000.0,
    "h": 3_600_000.0,
    "d": 86_400_000.0,
    "y": 365 * 86_400_000.0,
}

# Bounded: no duration of ours has more than 15 digits, and a longer text is refused before any matching.
MAX_LENGTH = 64
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|y)", re.ASCII)
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+", re.ASCII)


def parse_duration(text: str) -> float | None:
    """Milliseconds, or None where `text` is no duration. A number needs its unit; only 0 does without."""
    if text in ("0", "+0", "-0"):
        return 0.0
    if len(text) > MAX_LENGTH or _WHOLE.fullmatch(text) is None:
        return None
    total = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total


def format_duration(milliseconds: float) -> str:
    """As Gatus shows one: whole seconds, and no parts that are zero at the end (`336h`, `1h30m`, `1h0m15s`)."""
    seconds = int(milliseconds / 1_000)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if hour == minute == 0:
        return f"{sign}{second}s"
    text = f"{hour}h" if hour else ""
    if minute or (hour and second):
        text += f"{minute}m"
    return f"{sign}{text}{second}s" if second else f"{sign}{text}"
