"""Where the time of a check went, as one bar: phases one after the other, each with a shade of its own.

Shades, not colours alone, tell the phases apart, so that a bar reads the same in a pipe, in a log and with NO_COLOR.
"""

import msgspec
from rich.text import Text

from milkrun.core.observation import Timings
from milkrun.web.words import latency


class Shade(msgspec.Struct, frozen=True):
    """A phase (or phases that are one to a reader), its block and its colour."""

    label: str
    phases: tuple[str, ...]
    block: str
    style: str


# `queue` is time spent waiting for our own limits and no part of the target's latency, so it is in no bar.
SHADES = (
    Shade("dns", ("dns",), "░", "cyan"),
    Shade("connect", ("connect",), "▒", "blue"),
    Shade("tls", ("tls",), "▓", "magenta"),
    Shade("wait", ("send", "wait"), "█", "default"),
    Shade("receive", ("receive",), "▄", "bright_black"),
)


def bar(timings: Timings, *, scale: float, width: int) -> Text:
    """Draw `timings` on an axis of `width` cells that is `scale` seconds long.

    Ends of phases are rounded, not their lengths, so that rounding never adds up; a check that took any time at all
    shows at least one cell.
    """
    text = Text()
    elapsed, drawn = 0.0, 0
    for shade in SHADES:
        elapsed += sum(getattr(timings, phase) for phase in shade.phases)
        end = min(width, round(width * elapsed / scale)) if scale > 0 else 0
        text.append(shade.block * (end - drawn), style=shade.style)
        drawn = max(drawn, end)
    if not drawn and elapsed > 0:
        text.append("▏", style=_longest(timings).style)
    return text


def _longest(timings: Timings) -> Shade:
    return max(SHADES, key=lambda shade: sum(getattr(timings, phase) for phase in shade.phases))


def legend(*, scale: float) -> Text:
    """Name the shades, and the length of the axis."""
    text = Text()
    for shade in SHADES:
        text.append(shade.block, style=shade.style)
        text.append(f" {shade.label}  ")
    return text.append(f"longest {latency(scale * 1_000)}")
