"""A bar of block characters, an eighth of a cell fine."""

EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
FULL = "█"


def bar(value: float, *, scale: float, width: int) -> str:
    """Draw `value` on an axis of `width` cells that is `scale` long; what is more than nothing shows."""
    if value <= 0 or not width:
        return ""
    eighths = max(1, round(min(value / scale, 1) * width * 8))
    return FULL * (eighths // 8) + EIGHTHS[eighths % 8]
