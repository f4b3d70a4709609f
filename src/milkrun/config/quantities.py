"""Sizes as people write them: `500MB`, `5 GB`, `1GiB`, or plain bytes."""

import re

_UNITS = {"": 1, "b": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for ending, base in (("", 1_000), ("b", 1_000), ("ib", 1_024))
}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})")


def parse_size(text: str) -> int | None:
    """Bytes, or None where `text` is no size. Units are decimal unless written `KiB`, `MiB`, `GiB`, `TiB`."""
    match = _SIZE.fullmatch(text)
    if match is None or match[2].lower() not in _UNITS:
        return None
    return int(float(match[1]) * _UNITS[match[2].lower()])
