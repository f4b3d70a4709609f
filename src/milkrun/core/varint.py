"""Whole numbers in as few bytes as they need: seven bits a byte, the lowest first, as in LEB128."""

MORE = 0x80
BITS = 7
# Nine bytes hold 63 bits, which is more than anything that is counted here.
LONGEST = 9


def append(data: bytearray, number: int) -> None:
    """Write `number`, which is not negative, to the end of `data`."""
    while number >= MORE:
        data.append(number & (MORE - 1) | MORE)
        number >>= BITS
    data.append(number)


def read(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends. Raises ValueError where there is none, or one too long."""
    number = 0
    for position, byte in enumerate(data[at : at + LONGEST]):
        number |= (byte & (MORE - 1)) << (BITS * position)
        if byte < MORE:
            return number, at + position + 1
    raise ValueError("a number is cut off, or has more than 63 bits")
