"""How values read to a person: durations, latencies, shares, reasons and headlines. Pure."""

import math
from collections.abc import Mapping

from milkrun.core.outage import cause_of
from milkrun.core.outcome import Failure, Outcome
from milkrun.core.result import Result

STEPS = ((86_400.0, "day"), (3_600.0, "h"), (60.0, "min"))
# What says an outcome without colour, in a browser's tab and in a terminal.
SHAPES = {Outcome.UP: "●", Outcome.DEGRADED: "◐", Outcome.DOWN: "▲", Outcome.UNKNOWN: "○"}
NOT_UP = (Outcome.DOWN, Outcome.DEGRADED, Outcome.UNKNOWN)
# A failure's layer as a person says it; the others read as they are ("dns timeout", "connect refused").
LAYERS = {"wait": "response", "self": "Milkrun's own", "protocol": "HTTP"}


def duration(seconds: float) -> str:
    """One unit, rounded down: "8 s", "3 min", "5 h", "1 day", "12 days"."""
    for size, unit in STEPS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(0, int(seconds))} s"


def latency(milliseconds: float | None) -> str:
    """Three digits at most: "0.4 ms", "48 ms", "1.2 s"; a dash where there is none."""
    if milliseconds is None:
        return "–"
    if milliseconds >= 999.5:
        return f"{milliseconds / 1_000:.{0 if milliseconds >= 99_500 else 1}f} s"
    return f"{milliseconds:.{0 if milliseconds >= 9.95 else 1}f} ms"


def count(value: int | None) -> str:
    """A whole number with its thousands apart; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def things(number: int, noun: str) -> str:
    """How many of what: "1 message", "1,200 messages"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def incidents(outages: int, warnings: int) -> str:
    """One sentence on what is open: "2 outages are open, and 1 warning."."""
    if not outages:
        return f"No outage is open, but {things(warnings, 'warning')}." if warnings else "No incident is open."
    sentence = f"{things(outages, 'outage')} {_is(outages)} open"
    return f"{sentence}, and {things(warnings, 'warning')}." if warnings else f"{sentence}."


def sentence(text: str) -> str:
    """What somebody else said, as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def share(value: float | None) -> str:
    """A share as a percentage that never rounds up to 100: "100%", "99.98%", "97.2%"; a dash where unknown."""
    if value is None:
        return "–"
    if value >= 1:
        return "100%"
    digits = 2 if value >= 0.99 else 1
    return f"{int(value * 100 * 10**digits) / 10**digits:.{digits}f}%"


def target(value: float) -> str:
    """A target as it was set: "99.9%", "99%"."""
    return f"{value * 100:.7g}%"


def part(value: float) -> str:
    """A small share, rounded up so that it never reads as nothing: "0.1%", "2.4%", "31%"."""
    percent = value * 100
    return f"{math.ceil(percent)}%" if percent >= 10 else f"{math.ceil(percent * 10) / 10:.1f}%"


def size(count: float) -> str:
    """Bytes in decimal units: "512 B", "1.2 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} TB"


def failed(failure: Failure) -> str:
    """A failure in two or three words: "connect refused", "response timeout"."""
    return f"{LAYERS.get(failure.layer, failure.layer)} {failure.kind.replace('-', ' ')}"


def reason(result: Result | None) -> str:
    """Why a result is not up, short enough for a row: its failure, else the first condition that failed."""
    if result is None or result.outcome is Outcome.UP:
        return ""
    return cause_of(result) if result.failure is None else failed(result.failure)


def overall(counts: Mapping[Outcome, int]) -> str:
    """One sentence on everything: "All 50 endpoints are up." or "3 of 50 endpoints are down, 1 is degraded."."""
    total = sum(counts.values())
    noun = "endpoint" if total == 1 else "endpoints"
    present = [(state, counts[state]) for state in NOT_UP if counts.get(state)]
    if not present:
        return f"All {total:,} {noun} are up." if total > 1 else "The one endpoint is up."
    (state, first), *rest = present
    sentence = f"{first:,} of {total:,} {noun} {_is(first)} {state}"
    return ", ".join([sentence, *(f"{count:,} {_is(count)} {state}" for state, count in rest)]) + "."


def title(counts: Mapping[Outcome, int]) -> str:
    """For a browser's tab: "▲ 3 down · Milkrun"."""
    worst = next((f"{SHAPES[state]} {counts[state]:,} {state} · " for state in NOT_UP if counts.get(state)), "")
    return f"{worst}Milkrun"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
