"""How the figures read to a person. Pure."""


def seconds(value: float | None) -> str:
    """Three digits: "0.42 ms", "48 ms", "1.27 s"; a dash where there is none."""
    if value is None:
        return "–"
    return f"{_digits(value)} s" if value >= 0.9995 else f"{_digits(value * 1_000)} ms"


def count(value: int | None) -> str:
    """A whole number with its thousands apart; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def counted(value: int, noun: str) -> str:
    """A number and what it counts: "1 connection", "2,000 connections"."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def times(ratio: float) -> str:
    """A ratio of 1 or more: "1.3 times", "52 times"."""
    return f"{ratio:.0f} times" if ratio >= 9.95 else f"{ratio:.1f} times"


def listed(parts: list[str]) -> str:
    """Several things in a sentence: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"
