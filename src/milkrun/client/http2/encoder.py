"""Header blocks (RFC 7541), made once: a monitor sends the same request on the same connection again and again."""

from collections.abc import Iterable
from typing import Any

from hpack import Encoder

_MOST_BLOCKS = 32
_TABLE = 4096  # bytes of table at most, whatever the server allows: hpack searches it entry by entry


class RememberingEncoder(Encoder):
    """hpack's encoder, which remembers the blocks that left the table of fields as it was.

    Such a block says the same however often it is sent, until another one adds to the table.
    """

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[tuple[Any, ...], bytes] = {}

    @property
    def header_table_size(self) -> int:
        """As hpack has it."""
        return self.header_table.maxsize

    @header_table_size.setter
    def header_table_size(self, size: int) -> None:
        # The smallest size since the last block is told, and the present one (RFC 7541 4.2). hpack would tell each in
        # between, which the server need not allow any more, and forget them all when the same size is set twice.
        size = min(size, _TABLE)
        told = self.table_size_changes
        if told or size != self.header_table_size:
            self.table_size_changes = list(dict.fromkeys((min([size, *told]), size)))
            self.header_table.maxsize = size
            self.header_table.resized = True

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:
        """As hpack has it. A list with the same names and values has the same fields to be never indexed."""
        fields = tuple(headers)
        if self.header_table.resized:  # which this block says, and no later one
            self._blocks.clear()
            return super().encode(fields, huffman)
        block = self._blocks.get(fields)
        if block is None:
            newest = self._newest()
            block = super().encode(fields, huffman)
            if self._newest() is not newest or len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            else:
                self._blocks[fields] = block
        return block

    def _newest(self) -> object:
        entries = self.header_table.dynamic_entries
        return entries[0] if entries else None
