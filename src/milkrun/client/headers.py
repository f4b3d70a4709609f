"""Header fields: raw pairs kept as they came, read as text without regard to case."""

from collections.abc import Iterator, Mapping

RawPairs = tuple[tuple[bytes, bytes], ...]


class Headers(Mapping[str, str]):
    """The fields of one message. `raw` has every pair in order, names and values as they came.

    As a mapping, names are compared without case and repeated fields are joined with ", " (RFC 9110 5.3);
    `get_all` gives them one by one. Values are read as Latin-1, which never fails.
    """

    __slots__ = ("_fields", "raw")

    def __init__(self, raw: RawPairs) -> None:
        self.raw = raw
        self._fields: dict[str, list[str]] = {}
        for name, value in raw:
            self._fields.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    @classmethod
    def from_head(cls, head: bytes) -> "Headers":
        """The fields of a head that has been judged: a first line, fields, each ended by CRLF, and an empty line."""
        return cls(raw_pairs(head))

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)})"

    def get_all(self, name: str) -> list[str]:
        """Every value of the field, in order; none if it was not there."""
        return list(self._fields.get(name.lower(), ()))


def raw_pairs(head: bytes) -> RawPairs:
    """The fields of such a head as they came."""
    pairs = []
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b":")
        pairs.append((name, value.strip(b" \t")))
    return tuple(pairs)
